/** Another system, or one at another moment, for one test. */
import { chmodSync, default as fs, mkdirSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { delimiter, join } from 'node:path';
import type { TestContext } from 'node:test';

/** As they are here: a test may ask for several others, one after the other. */
const HERE = {
  platform: Object.getOwnPropertyDescriptor(process, 'platform')!,
  arch: Object.getOwnPropertyDescriptor(process, 'arch')!,
  calls: { ...fs },
  path: process.env.PATH,
};

/** `process.platform` or `process.arch` is another. */
export function instead(t: TestContext, name: 'platform' | 'arch', value: string): void {
  Object.defineProperty(process, name, { ...HERE[name], value });
  t.after(() => Object.defineProperty(process, name, HERE[name]));
}

type Calls = 'linkSync' | 'renameSync' | 'readFileSync' | 'readlinkSync';

/** A call of `node:fs` that the file system of this machine would not answer so. */
export function whereCall<N extends Calls>(
  t: TestContext,
  name: N,
  make: (real: (typeof fs)[N]) => (...args: string[]) => unknown,
): void {
  const real = HERE.calls[name];
  fs[name] = make(real) as never;
  syncBuiltinESMExports();
  t.after(() => {
    fs[name] = real as never;
    syncBuiltinESMExports();
  });
}

/** As the system throws it. */
export function systemError(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(code), { code, syscall: 'any' });
}

/**
 * Programs found before those of the system.
 * @param directory is made
 * @param programs lines of shell by name
 */
export function withPrograms(t: TestContext, directory: string, programs: Record<string, string>): void {
  mkdirSync(directory);
  for (const [name, lines] of Object.entries(programs)) {
    const place = join(directory, name);
    writeFileSync(place, `#!/bin/sh\n${lines}\n`);
    chmodSync(place, 0o755);
  }
  process.env.PATH = `${directory}${delimiter}${HERE.path}`;
  t.after(() => {
    process.env.PATH = HERE.path;
  });
}
