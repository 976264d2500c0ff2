/** The program in another directory, whose installed packages can be broken. */
import { cpSync, mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ROOT } from '../../support/samples.ts';

export interface AppCopy {
  launch: string;
  /** Path in its `node_modules`. */
  installed(path: string): string;
  /** In place of the link to a package, a copy of it without some of its paths. */
  own(name: string, without: RegExp): void;
}

/** @param directory is made; packages are links to those installed here, without the Node among them */
export function copyApp(directory: string): AppCopy {
  const installed = (path: string) => join(directory, 'node_modules', path);
  mkdirSync(installed('.bin'), { recursive: true });
  for (const path of ['package.json', 'src'])
    cpSync(join(ROOT, path), join(directory, path), { recursive: true });
  symlinkSync(join(ROOT, 'models'), join(directory, 'models'));
  for (const name of readdirSync(join(ROOT, 'node_modules'))) {
    if (!name.startsWith('.')) symlinkSync(join(ROOT, 'node_modules', name), installed(name));
  }
  return {
    launch: join(directory, 'src/cli/launch.js'),
    installed,
    own(name, without) {
      rmSync(installed(name));
      mkdirSync(dirname(installed(name)), { recursive: true });
      const from = join(ROOT, 'node_modules', name);
      cpSync(from, installed(name), {
        recursive: true,
        filter: (path) => !without.test(path.slice(from.length)),
      });
    },
  };
}
