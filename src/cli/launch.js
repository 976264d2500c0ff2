#!/usr/bin/env node
// Plain JavaScript on purpose: an old Node must be able to read it, and hand over to the Node 24 that npm installed.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import module from 'node:module';
import { fileURLToPath } from 'node:url';

const NEEDED = 24;

if (Number.parseInt(process.versions.node, 10) >= NEEDED) {
  // Keeps compiled code between runs: the first caption comes sooner.
  module.enableCompileCache();
  await import('./main.ts');
} else {
  const node = fileURLToPath(new URL('../../node_modules/.bin/node', import.meta.url));
  if (existsSync(node)) {
    const { status } = spawnSync(node, process.argv.slice(1), { stdio: 'inherit' });
    process.exitCode = status ?? 70;
  } else {
    console.error(
      `show-and-tell needs Node ${NEEDED} or later; this is ${process.versions.node}. Run "npm ci" first.`,
    );
    process.exitCode = 70;
  }
}
