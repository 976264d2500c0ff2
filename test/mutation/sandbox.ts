/** A copy of the working tree, in which files are changed and tests run. */
import { execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ROOT } from '../support/samples.ts';
import { type Coverage, readCoverage } from './covers.ts';
import { type Mutant, mutated } from './mutants.ts';

const BAIL = fileURLToPath(new URL('bail.js', import.meta.url));
/** MiB of JavaScript's heap: a loop that collects ends here before the machine's memory does. */
const HEAP = 1536;

export interface Outcome {
  outcome: 'passed' | 'failed' | 'late';
  /** s */
  seconds: number;
  /** Name of the test that failed first. */
  output: string;
}

export interface Sandbox {
  /** @param limit s, after which the test's process and what it started are killed */
  run: (test: string, limit: number) => Promise<Outcome>;
  measure: (test: string, limit: number) => Promise<Outcome & { coverage: Coverage }>;
  withMutant: <T>(mutant: Mutant, work: () => Promise<T>) => Promise<T>;
}

const directories: string[] = [];
const running = new Set<number>();
process.on('exit', () => {
  for (const pid of running) killGroup(pid);
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(130));

export function makeSandbox(): Sandbox {
  const directory = mkdtempSync(join(tmpdir(), 'mutation-'));
  // Some tests become another user, who has to come as far as their files.
  chmodSync(directory, 0o755);
  directories.push(directory);
  const root = join(directory, 'tree');
  const temporary = join(directory, 'tmp');
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: ROOT,
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  });
  for (const file of new Set(listed.split('\0').filter(Boolean))) {
    cpSync(join(ROOT, file), join(root, file), { recursive: true });
  }
  symlinkSync(join(ROOT, 'node_modules'), join(root, 'node_modules'));

  /** Most of a short test is compiling what it imports. */
  const quick = { NODE_COMPILE_CACHE: join(directory, 'compiled') };
  const run = async (test: string, limit: number, env: Record<string, string> = {}): Promise<Outcome> => {
    rmSync(temporary, { recursive: true, force: true });
    mkdirSync(temporary);
    const begun = performance.now();
    const { code, output } = await finish(root, test, limit, { ...quick, TMPDIR: temporary, ...env });
    const outcome = code === 0 ? 'passed' : code === null ? 'late' : 'failed';
    return { outcome, seconds: (performance.now() - begun) / 1000, output };
  };
  return {
    run,
    async measure(test, limit) {
      const reports = mkdtempSync(join(directory, 'coverage-'));
      // Whoever they become writes here; Node says on standard error that it cannot, which tests take for the program's.
      chmodSync(reports, 0o777);
      const outcome = await run(test, limit, { NODE_V8_COVERAGE: reports });
      const coverage = readCoverage(reports, root);
      rmSync(reports, { recursive: true });
      return { ...outcome, coverage };
    },
    async withMutant(mutant, work) {
      const path = join(root, mutant.file);
      const content = readFileSync(path, 'utf8');
      writeFileSync(path, mutated(content, mutant));
      try {
        return await work();
      } finally {
        writeFileSync(path, content);
      }
    },
  };
}

/** @returns code `null` where it was not done after `limit` seconds */
function finish(
  root: string,
  test: string,
  limit: number,
  env: Record<string, string>,
): Promise<{ code: number | null; output: string }> {
  const { promise, resolve } = Promise.withResolvers<{ code: number | null; output: string }>();
  // A group of its own, so that what it starts can be killed with it.
  const child = spawn(process.execPath, [`--max-old-space-size=${HEAP}`, `--test-reporter=${BAIL}`, test], {
    cwd: root,
    env: { ...process.env, ...env },
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const pid = child.pid!;
  running.add(pid);
  let late = false;
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output = (output + text).slice(-2000);
  });
  const timer = setTimeout(() => {
    late = true;
    killGroup(pid);
  }, limit * 1000);
  child.on('exit', (code) => {
    clearTimeout(timer);
    killGroup(pid);
    running.delete(pid);
    resolve({ code: late ? null : (code ?? 1), output });
  });
  return promise;
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Nobody of the group is left.
  }
}
