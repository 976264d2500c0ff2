/** Programs of Python in an environment of their own: the machine's stays as it is. Needs the registry of Python. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
/** What both programs need. */
const LEAST_MINOR = 11;

/** Why there is no Python here that will do; `null` where there is. */
export async function whyNoPython(): Promise<string | null> {
  const says = 'import sys, venv, ensurepip; print(*sys.version_info[:2])';
  const { stdout } = await run('python3', ['-c', says]).catch(() => ({ stdout: '' }));
  const [major = 0, minor = 0] = stdout.split(' ').map(Number);
  if (major === 3 && minor >= LEAST_MINOR) return null;
  return `needs Python 3.${LEAST_MINOR} or later, with venv, as python3`;
}

/**
 * An environment with these packages.
 * @param requirements as pip takes them, `name==version`
 * @returns path of its programs
 */
export async function pythonWith(directory: string, requirements: readonly string[]): Promise<string> {
  const home = join(directory, 'venv');
  await run('python3', ['-m', 'venv', home]);
  const programs = join(home, 'bin');
  const quiet = ['--quiet', '--disable-pip-version-check', '--no-input'];
  await run(join(programs, 'python'), ['-m', 'pip', 'install', ...quiet, ...requirements]);
  return programs;
}
