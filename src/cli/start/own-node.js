/** Hands the program over to the Node that npm installed, and says why that one does not start. */
import { spawn } from 'node:child_process';
import { closeSync, openSync, readSync } from 'node:fs';
import { STATUS_OF, STOP_SIGNALS } from './ending.js';
import { environmentToServe } from './give-back.js';

/** EX_UNAVAILABLE of sysexits.h: a program or file that is needed is not there, or does not run here. */
export const EXIT_CANNOT_START = 69;

/** Set for the one process that the launcher starts. */
const HANDED_OVER = 'SHOW_AND_TELL_HANDED_OVER';

/**
 * Whether this process is the one that was handed the program; called once.
 * It tells the launcher that it runs, and stops when the launcher is gone: nobody else would pass signals on.
 */
export function isHandedOver() {
  if (process.env[HANDED_OVER] === undefined || process.send === undefined) return false;
  delete process.env[HANDED_OVER];
  process.send('started');
  process.once('disconnect', () => process.emit('SIGTERM', 'SIGTERM'));
  // The launcher waits for the program, not the other way round.
  process.channel?.unref();
  return true;
}

/**
 * Runs the program under another Node and ends as it does.
 * @param {string} node
 */
export function handOver(node) {
  if (isForOtherProcessor(node, process.execPath))
    return sayWhy(node, 'it is for another processor', ON_THIS_MACHINE);
  const child = spawn(node, process.argv.slice(1), {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { ...environmentToServe(), [HANDED_OVER]: '1' },
  });
  let started = false;
  // A terminal sends its own to both; the program takes what comes at once for one.
  for (const signal of STOP_SIGNALS) process.on(signal, () => child.kill(signal));
  child.once('message', () => {
    started = true;
  });
  child.once('error', (/** @type {NodeJS.ErrnoException} */ { code, message }) => {
    const [why, remedy] = REASONS[code ?? ''] ?? [message, ON_THIS_MACHINE];
    sayWhy(node, why, remedy);
  });
  child.once('exit', (status, signal) => {
    if (signal !== null) {
      process.exitCode = signal in STATUS_OF ? STATUS_OF[/** @type {'SIGINT'} */ (signal)] : 70;
    } else if (started || status === 0) {
      process.exitCode = status ?? 70;
    } else {
      sayWhy(node, `it ended with status ${status} before it began`, WITH_GLIBC);
    }
  });
}

const ON_THIS_MACHINE = 'run "npm ci" on this very machine';
const WITH_GLIBC = 'use a Debian image or another system with glibc 2.28 or later';

/**
 * Why the system does not start a file that is there, and what to do.
 * @type {Record<string, [why: string, remedy: string]>}
 */
const REASONS = {
  // What is not there is what the file asks for in its first bytes.
  ENOENT: ['its loader is missing, as glibc is on Alpine Linux (ENOENT)', WITH_GLIBC],
  EACCES: [
    'its disk is mounted noexec, or it may not be executed (EACCES)',
    'install on a disk that programs may run from',
  ],
};

/**
 * @param {string} node
 * @param {string} why
 * @param {string} remedy
 */
function sayWhy(node, why, remedy) {
  console.error(
    `show-and-tell: ${node} does not start: ${why}; ${remedy}, or have a Node 24 of the system’s own on the PATH.`,
  );
  process.exitCode = EXIT_CANNOT_START;
}

/**
 * Asked before: `spawn` would take machine code of another processor for a script of the shell.
 * @param {string} node
 * @param {string} own program that runs here
 */
export function isForOtherProcessor(node, own) {
  const [its, ours] = [node, own].map(processorOf);
  return its !== null && ours !== null && its !== ours;
}

/**
 * Of an ELF file: class, order of bytes and machine; else nothing.
 * @param {string} file
 */
function processorOf(file) {
  const head = Buffer.alloc(20);
  try {
    const descriptor = openSync(file, 'r');
    readSync(descriptor, head, 0, head.length, 0);
    closeSync(descriptor);
  } catch {
    return null;
  }
  if (head.toString('latin1', 0, 4) !== '\x7fELF') return null;
  return head.toString('hex', 4, 6) + head.toString('hex', 18, 20);
}
