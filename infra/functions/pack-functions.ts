/** Each function as a module, with the parts that it loads when it needs them, and what it reads beside itself. */
import { copyFileSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { inlinePage } from '../../src/http/page/inline-page.ts';

const SOURCE = fileURLToPath(new URL('../../src', import.meta.url));

/** Machine code, which stays in packages: to be found in a `node_modules` above or beside the handler. */
export const NATIVE_PACKAGES = ['onnxruntime-node', 'sharp'] as const;

/** What code opens beside itself, from `src`. */
const BESIDE = {
  http: [
    'http/page/page.html',
    'http/page/login.html',
    'http/routes/health.jpg',
    'http/routes/coffee.jpg',
    'http/routes/giraffes.jpg',
  ],
  queue: [],
  workflow: [],
  summary: [],
} as const;

/** Bundled CommonJS packages call `require` for Node's own modules; ES modules have none. */
const BANNER =
  "import { createRequire as $createRequire } from 'node:module'; const require = $createRequire(import.meta.url);";

export interface PackedFunction {
  /** Names in the directory: the handler's module first, then its parts. */
  files: string[];
  /** Of these files. */
  bytes: number;
  /** Lambda's name of the handler, from the directory. */
  handler: string;
}

/** Writes the function's files into a directory, which may hold other functions. */
export async function packFunction(name: keyof typeof BESIDE, directory: string): Promise<PackedFunction> {
  mkdirSync(directory, { recursive: true });
  const module = `${name}.mjs`;
  const { metafile } = await build({
    entryPoints: [join(SOURCE, 'lambda', `${name}.ts`)],
    outdir: directory,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    // In one file, whatever is shared with what may be imported later (traces, events) is wrapped in functions, which are
    // read twice at every start. All in one directory, where what code opens beside itself lies.
    splitting: true,
    chunkNames: `${name}-[hash]`,
    metafile: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    // Packages that come both ways: their ES modules leave out what nobody calls.
    mainFields: ['module', 'main'],
    external: [...NATIVE_PACKAGES],
    banner: { js: BANNER },
    // Names stay: a bug's stack is all that its operator has.
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: 'none',
    logLevel: 'warning',
  });
  const parts = Object.keys(metafile.outputs).map((path) => basename(path));
  const files = [module, ...parts.filter((part) => part !== module)];
  for (const path of BESIDE[name]) files.push(await writeBeside(path, directory));
  const bytes = files.reduce((sum, file) => sum + statSync(join(directory, file)).size, 0);
  return { files, bytes, handler: `${name}.handler` };
}

/** The page as one file: it stands in the sources as many. */
async function writeBeside(path: string, directory: string): Promise<string> {
  const from = join(SOURCE, path);
  const name = basename(path);
  if (name.endsWith('.html')) writeFileSync(join(directory, name), await inlinePage(pathToFileURL(from)));
  else copyFileSync(from, join(directory, name));
  return name;
}
