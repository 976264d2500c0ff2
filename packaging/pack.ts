/**
 * Packs what `npm publish` takes. `npm run pack` builds, and writes the package as a directory and as a tarball below
 * `build`.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { checkBundle } from '../src/model/bundle.ts';
import { build, ROOT } from './build.ts';
import { bundleOnnxruntime } from './onnxruntime.ts';

/** Before 22.13 a module of Node lacks a function that one of ours imports. Not in the sources' own file: there Node 20
 * is enough, which hands over to the Node 24 that npm installs. */
const ENGINES = { node: '>=22.13' };
/** npm packs them whatever `files` says. */
const ALWAYS = ['README.md', 'LICENSE'];
/** What only the sources have use for. */
const OF_THE_SOURCES = ['private', 'scripts', 'devDependencies', 'optionalDependencies'];

type PackageJson = Record<string, unknown> & {
  dependencies: Record<string, string>;
  exports: { '.': Record<string, string> };
  files: string[];
};

/**
 * Writes the package as a directory, without what it bundles.
 * @param directory is made anew
 * @throws ModelUnusable
 */
export async function stage(directory: string): Promise<void> {
  rmSync(directory, { recursive: true, force: true });
  await build(join(directory, 'dist'));
  const source = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as PackageJson;
  for (const file of filesOf(source.files)) {
    mkdirSync(join(directory, dirname(file)), { recursive: true });
    cpSync(join(ROOT, file), join(directory, file));
  }
  for (const manifest of globSync('models/*/manifest.json', { cwd: directory })) {
    await checkBundle(join(directory, dirname(manifest)));
  }
  const published = { ...publishedOf(source), dependencies: usedOf(source.dependencies, directory) };
  writePackageJson(directory, published);
}

/** Of the repository; `dist` is not among them. */
function filesOf(patterns: readonly string[]): string[] {
  const [without, within] = [true, false].map((negated) =>
    patterns.filter((pattern) => pattern.startsWith('!') === negated),
  );
  const exclude = without!.map((pattern) => pattern.slice(1));
  const wanted = within!.filter((pattern) => pattern !== 'dist');
  return [...ALWAYS, ...globSync(wanted, { cwd: ROOT, exclude })];
}

function publishedOf({ exports, ...source }: PackageJson) {
  const entries = Object.entries(source).filter(([key]) => !OF_THE_SOURCES.includes(key));
  // A condition for whoever runs the sources themselves.
  const { source: _source, ...entry } = exports['.'];
  return {
    ...Object.fromEntries(entries),
    bin: { 'show-and-tell': 'dist/cli/launch.js' },
    exports: { ...exports, '.': entry },
    engines: ENGINES,
  };
}

/** Those that the built code imports: the functions for AWS, which are not among it, have some of their own. */
function usedOf(dependencies: Record<string, string>, directory: string): Record<string, string> {
  const code = globSync('dist/**/*.{js,d.ts}', { cwd: directory }).map((file) =>
    readFileSync(join(directory, file), 'utf8'),
  );
  const specifiers = code.flatMap((text) => [
    ...text.matchAll(/\b(?:from|import\(|require\()\s*'([^'./][^']*)'/g),
  ]);
  const used = new Set(specifiers.map(([, name]) => name!.match(/^(@[^/]+\/)?[^/]+/)![0]));
  return Object.fromEntries(Object.entries(dependencies).filter(([name]) => used.has(name)));
}

function writePackageJson(directory: string, content: object): void {
  writeFileSync(join(directory, 'package.json'), `${JSON.stringify(content, null, 2)}\n`);
}

/**
 * Stages the package in `out/package`, with onnxruntime in it, and packs it.
 * @returns the tarball's path
 */
export async function pack(out: string): Promise<string> {
  const directory = join(out, 'package');
  await stage(directory);
  const bundleDependencies = bundleOnnxruntime(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
  const staged = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as PackageJson;
  writePackageJson(directory, { ...staged, bundleDependencies });
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', out, directory];
  const [packed] = JSON.parse(
    execFileSync('npm', args, { cwd: out, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
  ) as [{ filename: string }];
  return join(out, packed.filename);
}

if (import.meta.main) console.log(await pack(join(ROOT, 'build')));
