/**
 * Makes of `src` what others can run, in `dist`: JavaScript, since Node refuses TypeScript below `node_modules`, with
 * declarations of what `src/index.ts` exports, and the files that code opens beside itself. `npm run build`
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, globSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { inlinePage } from '../src/http/page/inline-page.ts';

export const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** Plain files that stand where they stood in `src`. */
const COPIED = [
  'cli/launch.js',
  'cli/start/ending.js',
  'cli/start/give-back.js',
  'cli/start/own-node.js',
  'cli/start/start.js',
  'cli/start/user-cache.js',
  'cli/start/user-directory.js',
  'cli/start/which-node.js',
  'http/routes/health.jpg',
  'http/routes/coffee.jpg',
  'http/routes/giraffes.jpg',
];
const PAGE = 'http/page/page.html';

/** @param out is made anew */
export async function build(out: string): Promise<void> {
  rmSync(out, { recursive: true, force: true });
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
  execFileSync(process.execPath, [tsc, '-p', join(ROOT, 'tsconfig.build.json'), '--outDir', out], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  keepDeclarationsOf(out, 'index.d.ts');
  for (const path of COPIED) copyFileSync(join(ROOT, 'src', path), join(out, path));
  writeFileSync(join(out, PAGE), await inlinePage(pathToFileURL(join(ROOT, 'src', PAGE))));
}

/** `from './a.ts'` and `import('./a.ts')` */
const RELATIVE = /(\bfrom |\bimport\()(['"])(\.[^'"]+)\.ts\2/g;

/**
 * Removes the declarations that no user of the entry sees. TypeScript 7 leaves `.ts` in the others where it writes `.js`
 * in the code.
 */
function keepDeclarationsOf(out: string, entry: string): void {
  const kept = new Set<string>();
  const keep = (file: string): void => {
    if (kept.has(file)) return;
    kept.add(file);
    const source = readFileSync(join(out, file), 'utf8');
    writeFileSync(join(out, file), source.replace(RELATIVE, '$1$2$3.js$2'));
    for (const [, , , path] of source.matchAll(RELATIVE))
      keep(normalize(join(dirname(file), `${path}.d.ts`)));
  };
  keep(entry);
  for (const file of globSync('**/*.d.ts', { cwd: out })) if (!kept.has(file)) rmSync(join(out, file));
}

if (import.meta.main) await build(join(ROOT, 'dist'));
