/** Brings AWS's runtime client from the registry, once for all test files. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const HERE = fileURLToPath(new URL('.', import.meta.url));
/** On the same file system, and out of git's sight. */
const WORK = join(HERE, '../../../../node_modules/.cache');
const ENTRY = join(HERE, 'node_modules/aws-lambda-ric/index.mjs');

/**
 * A package of its own: npm would warn at every install of the program, since an older Node runs npm.
 * @returns path of the program that runs a handler
 */
export function runtimeClient(): string {
  if (existsSync(ENTRY)) return ENTRY;
  // Test files run at the same time: each installs apart, whoever is first wins.
  mkdirSync(WORK, { recursive: true });
  const work = mkdtempSync(join(WORK, 'runtime-client-'));
  try {
    for (const file of ['package.json', 'package-lock.json'])
      copyFileSync(join(HERE, file), join(work, file));
    install(work);
    publish(join(work, 'node_modules'));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return ENTRY;
}

function install(directory: string): void {
  try {
    execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
      cwd: directory,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
  } catch (cause) {
    const said = (cause as { stderr?: Buffer }).stderr?.toString() ?? '';
    throw new Error(
      `aws-lambda-ric, which these tests run handlers in, could not be installed: npm ci in ${HERE} failed. ` +
        `It needs the npm registry once.\n${said}`,
      { cause },
    );
  }
}

function publish(modules: string): void {
  try {
    renameSync(modules, join(HERE, 'node_modules'));
  } catch (error) {
    if (!existsSync(ENTRY)) throw error;
  }
}
