/** Starts the program, or hands it over to the Node that npm installed. */
import { existsSync } from 'node:fs';
import module from 'node:module';
import os from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import v8 from 'node:v8';
import { endOnSignals } from './ending.js';
import { restartToServe } from './give-back.js';
import { EXIT_CANNOT_START, handOver, isHandedOver } from './own-node.js';
import { userCache } from './user-cache.js';
import { userDirectory } from './user-directory.js';
import { isNewEnough } from './which-node.js';

const handedOver = isHandedOver();

const root = fileURLToPath(new URL('../../../', import.meta.url));
const stood = userDirectory(process.env, root, process.cwd());
if (stood !== null) process.chdir(stood);

const built = existsSync(new URL('../main.js', import.meta.url));
const node = join(root, 'node_modules/.bin/node');

if (isNewEnough({ version: process.versions.node, typescript: process.features.typescript }, built)) {
  // Who was handed the program has the setting.
  restartToServe();
  // Not before: what a handler has noted and not yet told would be lost with the process that it was sent to.
  if (process.pid !== 1) endOnSignals();
  // Keeps compiled code between runs: the first caption comes sooner. In the directory that Node takes by itself, below
  // that of temporary files, another user of the machine could put code beforehand.
  const cache = userCache('compiled');
  if (cache !== null) module.enableCompileCache(cache);
  // The work is native: a small JavaScript heap costs no time, and over 1,000 images 40 MB less.
  v8.setFlagsFromString('--optimize-for-size');
  // The threads of libuv, in which a whole process decodes its images, are four where nobody says how many before they start.
  process.env.UV_THREADPOOL_SIZE ??= String(Math.max(4, os.availableParallelism()));
  await import(built ? '../main.js' : '../main.ts').catch(sayWhatIsMissing);
} else if (!built && !handedOver && existsSync(node)) {
  handOver(node);
} else {
  const needed = built ? 'Node 22.13 or later' : 'Node 24 or later, with TypeScript';
  const remedy = built ? '' : ' Run "npm ci" first.';
  console.error(`show-and-tell needs ${needed}; this is ${process.versions.node}.${remedy}`);
  process.exitCode = EXIT_CANNOT_START;
}

/** @param {NodeJS.ErrnoException} error */
function sayWhatIsMissing(error) {
  if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
  console.error(`show-and-tell: ${error.message.split('\n')[0]}. Run "npm ci" first.`);
  process.exitCode = EXIT_CANNOT_START;
}
