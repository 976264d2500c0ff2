/**
 * Holds the package against what npm, Node and TypeScript expect of one: publint and are-the-types-wrong, which npm
 * fetches when this runs: `npm run check:package`. Of CommonJS only `import()` is meant to work.
 */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { ROOT } from './build.ts';
import { stage } from './pack.ts';

const directory = join(ROOT, 'build/lint');
await stage(directory);
const npx = (...args: string[]) => execFileSync('npx', ['--yes', ...args], { cwd: ROOT, stdio: 'inherit' });
npx('publint@0.3.25', '--strict', directory);
npx('@arethetypeswrong/cli@0.18.5', '--profile', 'esm-only', '--pack', directory);
