#!/usr/bin/env node
// Plain JavaScript on purpose: an old Node must be able to read it, and hand over to the Node 24 that npm installed.
// The published package has this file beside JavaScript, which needs no more than Node 22.13.
import { spawnSync } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import module from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import v8 from 'node:v8';

// npm goes to the package's root before it runs a script of it, and says where the user stood: names of files are from there.
const { INIT_CWD, npm_package_json, npm_lifecycle_script = '' } = process.env;
if (INIT_CWD && npm_package_json && npm_lifecycle_script.startsWith('node src/cli/launch.js')) {
  const own = realpathSync(fileURLToPath(new URL('../../package.json', import.meta.url)));
  const isOurs = existsSync(npm_package_json) && realpathSync(npm_package_json) === own;
  if (isOurs && realpathSync(process.cwd()) === dirname(own)) process.chdir(INIT_CWD);
}

const built = existsSync(new URL('./main.js', import.meta.url));
const needed = built ? [22, 13] : [24, 0];
const [major, minor] = process.versions.node.split('.').map(Number);

if (major > needed[0] || (major === needed[0] && minor >= needed[1])) {
  // Keeps compiled code between runs: the first caption comes sooner.
  module.enableCompileCache();
  // The work is native: a small JavaScript heap costs no time, and over 1,000 images 40 MB less.
  v8.setFlagsFromString('--optimize-for-size');
  await import(built ? './main.js' : './main.ts');
} else {
  const node = fileURLToPath(new URL('../../node_modules/.bin/node', import.meta.url));
  if (!built && existsSync(node)) {
    // Ctrl-C reaches both; the program decides how to end, and this one waits for it.
    process.on('SIGINT', () => undefined);
    const { status, signal } = spawnSync(node, process.argv.slice(1), { stdio: 'inherit' });
    process.exitCode = status ?? (signal === 'SIGINT' ? 130 : 70);
  } else {
    const remedy = built ? '' : ' Run "npm ci" first.';
    console.error(
      `show-and-tell needs Node ${needed.join('.')} or later; this is ${process.versions.node}.${remedy}`,
    );
    process.exitCode = 70;
  }
}
