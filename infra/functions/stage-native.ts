/**
 * The packages with machine code, as one platform of Lambda needs them: the versions of `package-lock.json`, without the
 * code of other platforms, without what only installing needs (250 MB is all that a function may have unpacked).
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Settings } from '../settings.ts';
import { hashOf, makeReadable } from './readable.ts';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Node's name for each architecture of Lambda. */
export const CPU = { x86_64: 'x64', arm64: 'arm64' } as const satisfies Record<
  Settings['architecture'],
  string
>;

type Architecture = Settings['architecture'];

const MODULES = 'node_modules';

interface LockedPackage {
  version: string;
  integrity: string;
}

/** What the bundled handlers leave to be found beside them, with all that it needs at run time. */
const PORTABLE = [
  'onnxruntime-node',
  'onnxruntime-common',
  'sharp',
  '@img/colour',
  'detect-libc',
  'semver',
] as const;

/** Machine code in packages of its own, one a platform: npm installs those of this machine alone. */
function platformPackages(architecture: Architecture): string[] {
  const cpu = CPU[architecture];
  return [`@img/sharp-linux-${cpu}`, `@img/sharp-libvips-linux-${cpu}`];
}

/** Beside the `node_modules`, what `hashOf` said of it when it was whole. */
const HASH = 'sha256';

/**
 * A `node_modules` for the architecture. Made once for the versions of the lock file, from what is installed and, for a
 * platform other than this machine's, from the registry; made anew when it is not any more what was made.
 */
export function stageNative(
  architecture: Architecture,
  cache = join(ROOT, 'node_modules/.cache/show-and-tell'),
): string {
  const locked = readLock([...PORTABLE, ...platformPackages(architecture)]);
  const identity = createHash('sha256')
    .update(JSON.stringify([architecture, locked]))
    .digest('hex');
  const staged = join(cache, `native-${architecture}-${identity.slice(0, 16)}`);
  if (isWhole(staged)) return join(staged, MODULES);
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(join(cache, 'native-'));
  try {
    for (const name of PORTABLE) copyPackage(name, join(ROOT, MODULES), work, architecture);
    const source = installPlatform(architecture, locked, work);
    for (const name of platformPackages(architecture)) copyPackage(name, source, work, architecture);
    rmSync(join(work, 'install'), { recursive: true, force: true });
    makeReadable(join(work, MODULES));
    writeFileSync(join(work, HASH), hashOf(join(work, MODULES)));
    // Another process may have been first: what it made is the same.
    if (!isWhole(staged)) replace(staged, work);
    return join(staged, MODULES);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Not so after a full disk, a machine that stopped, or a version of this program that left others no right to read it. */
function isWhole(staged: string): boolean {
  try {
    return readFileSync(join(staged, HASH), 'utf8') === hashOf(join(staged, MODULES));
  } catch {
    return false;
  }
}

/** A directory cannot be renamed over one that holds something. */
function replace(staged: string, work: string): void {
  rmSync(staged, { recursive: true, force: true });
  try {
    renameSync(work, staged);
  } catch (error) {
    if (!isWhole(staged)) throw error;
  }
}

function readLock(names: readonly string[]): Record<string, LockedPackage> {
  const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, LockedPackage>;
  };
  return Object.fromEntries(
    names.map((name) => {
      const entry = packages[`node_modules/${name}`];
      if (!entry) throw new Error(`package-lock.json: expected ${name}, which the functions need`);
      return [name, entry];
    }),
  );
}

/** @returns the `node_modules` that holds the packages of the platform */
function installPlatform(
  architecture: Architecture,
  locked: Record<string, LockedPackage>,
  work: string,
): string {
  const names = platformPackages(architecture);
  const installed = join(ROOT, MODULES);
  if (names.every((name) => existsSync(join(installed, name)))) return installed;
  const place = join(work, 'install');
  const optionalDependencies = Object.fromEntries(names.map((name) => [name, locked[name]!.version]));
  const packages = Object.fromEntries(names.map((name) => [`node_modules/${name}`, locked[name]]));
  // Optional: npm refuses anything else whose platform is not this machine's.
  const root = { name: 'native', version: '0.0.0', optionalDependencies };
  mkdirSync(place);
  writeFileSync(join(place, 'package.json'), JSON.stringify(root));
  // `npm ci` checks what it downloads against these hashes.
  writeFileSync(
    join(place, 'package-lock.json'),
    JSON.stringify({ ...root, lockfileVersion: 3, packages: { '': root, ...packages } }),
  );
  const target = ['--os=linux', `--cpu=${CPU[architecture]}`, '--libc=glibc'];
  const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  execFileSync('npm', ['ci', ...target, ...quiet], { cwd: place, stdio: ['ignore', 'ignore', 'inherit'] });
  return join(place, MODULES);
}

function copyPackage(name: string, modules: string, work: string, architecture: Architecture): void {
  const from = join(modules, name);
  const to = join(work, MODULES, name);
  mkdirSync(dirname(to), { recursive: true });
  cpSync(from, to, {
    recursive: true,
    dereference: true,
    filter: (path) => isNeeded(`${name}/${relative(from, path)}`, architecture),
  });
}

/** Directories that no function opens: sources, types, what installing needs. */
const UNUSED = /^(onnxruntime-node\/(lib|script)|onnxruntime-common\/lib|sharp\/(src|install))(\/|$)/;
const UNUSED_FILES = /\.(map|d\.[cm]?ts|md)$/;

/** @param path of a file or directory, from `node_modules` */
export function isNeeded(path: string, architecture: Architecture): boolean {
  if (UNUSED.test(path) || UNUSED_FILES.test(path)) return false;
  const [, binary] = path.split('onnxruntime-node/bin/napi-v6/');
  if (!binary) return true;
  const [os, cpu, file] = binary.split('/');
  if (os !== 'linux' || (cpu !== undefined && cpu !== CPU[architecture])) return false;
  // Left by an install script that ran: CUDA's and TensorRT's providers, which no function can use.
  return !file?.startsWith('libonnxruntime_providers_');
}
