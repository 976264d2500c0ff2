/**
 * Takes out of a `node_modules` what this platform never opens: onnxruntime-node brings machine code for five, and the
 * Node that npm installed is in the image already.
 * usage: node prune-modules.ts DIRECTORY
 */
import { globSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** By path in `node_modules`. */
export function unneeded(platform: NodeJS.Platform, arch: string): string[] {
  return [
    `onnxruntime-node/bin/napi-v6/!(${platform})`,
    `onnxruntime-node/bin/napi-v6/${platform}/!(${arch})`,
    // Sources, and what only installing needs.
    '{onnxruntime-node,onnxruntime-common}/{lib,script}',
    '{adm-zip,global-agent}',
    '{node-linux,node-darwin,node-bin-darwin}-*',
    '@types',
    '.bin',
    '.package-lock.json',
    // ES modules for bundlers: `import` in Node takes the other form of the same package.
    '{@aws-sdk,@smithy,@aws-crypto}/*/{dist-es,dist-types}',
    '**/*.{map,d.ts,d.mts,d.cts}',
    '**/{README,CHANGELOG,HISTORY,SECURITY}.md',
  ];
}

export function pruneModules(directory: string): void {
  const found = globSync(unneeded(process.platform, process.arch), { cwd: directory });
  for (const path of found) rmSync(join(directory, path), { recursive: true, force: true });
}

if (import.meta.main) {
  const [directory] = process.argv.slice(2);
  if (directory === undefined) throw new Error('usage: node prune-modules.ts DIRECTORY');
  pruneModules(directory);
}
