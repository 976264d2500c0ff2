/** Starts the program, or hands it over to the Node that npm installed. */
import { existsSync, realpathSync } from 'node:fs';
import module from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import v8 from 'node:v8';
import { restartToServe } from './give-back.js';
import { EXIT_CANNOT_START, handOver, isHandedOver } from './own-node.js';
import { userCache } from './user-cache.js';

const handedOver = isHandedOver();

// npm goes to the package's root before it runs a script of it, and says where the user stood: names of files are from there.
const { INIT_CWD, npm_package_json, npm_lifecycle_script = '' } = process.env;
if (INIT_CWD && npm_package_json && npm_lifecycle_script.startsWith('node src/cli/launch.js')) {
  const own = realpathSync(fileURLToPath(new URL('../../../package.json', import.meta.url)));
  const isOurs = existsSync(npm_package_json) && realpathSync(npm_package_json) === own;
  if (isOurs && realpathSync(process.cwd()) === dirname(own)) process.chdir(INIT_CWD);
}

const built = existsSync(new URL('../main.js', import.meta.url));
const node = fileURLToPath(new URL('../../../node_modules/.bin/node', import.meta.url));

if (isNewEnough()) {
  if (!handedOver) restartToServe();
  // Keeps compiled code between runs: the first caption comes sooner. In the directory that Node takes by itself, below
  // that of temporary files, another user of the machine could put code beforehand.
  const cache = userCache('compiled');
  if (cache !== null) module.enableCompileCache(cache);
  // The work is native: a small JavaScript heap costs no time, and over 1,000 images 40 MB less.
  v8.setFlagsFromString('--optimize-for-size');
  await import(built ? '../main.js' : '../main.ts').catch(sayWhatIsMissing);
} else if (!built && !handedOver && existsSync(node)) {
  handOver(node);
} else {
  const needed = built ? 'Node 22.13 or later' : 'Node 24 or later, with TypeScript';
  const remedy = built ? '' : ' Run "npm ci" first.';
  console.error(`show-and-tell needs ${needed}; this is ${process.versions.node}.${remedy}`);
  process.exitCode = EXIT_CANNOT_START;
}

function isNewEnough() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (built) return major > 22 || (major === 22 && minor >= 13);
  // Some distributions build Node without it.
  return major >= 24 && process.features.typescript !== false;
}

/** @param {NodeJS.ErrnoException} error */
function sayWhatIsMissing(error) {
  if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
  console.error(`show-and-tell: ${error.message.split('\n')[0]}. Run "npm ci" first.`);
  process.exitCode = EXIT_CANNOT_START;
}
