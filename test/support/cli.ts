/** The program as a user starts it: a process of its own. */
import assert from 'node:assert/strict';
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { join } from 'node:path';
import { ROOT } from './samples.ts';

export const LAUNCH = join(ROOT, 'src/cli/launch.js');

export interface Finished {
  /** `null` when a signal ended it. */
  status: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** As a shell reports how a program ended: 128 and the number of the signal where one ended it. */
export function shellStatus({ status, signal }: Pick<Finished, 'status' | 'signal'>): number {
  return status ?? 128 + constants.signals[signal!];
}

export interface CliOptions extends Pick<SpawnOptions, 'cwd' | 'env' | 'uid' | 'gid' | 'detached'> {
  /** What standard input holds. @default nothing */
  input?: Uint8Array;
  /** @default the Node that runs the tests */
  node?: string;
}

/** A run that takes longer than this hangs; the longest takes 5 s of a processor, which many may share. */
const HANG_MS = 120_000;

/** Starts the program; its output is not read. */
export function startCli(args: readonly string[], options: CliOptions = {}): ChildProcess {
  const { input: _input, node = process.execPath, ...rest } = options;
  return spawn(node, [LAUNCH, ...args], {
    cwd: ROOT,
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: HANG_MS,
    killSignal: 'SIGKILL',
    ...rest,
  });
}

/** Runs the program to its end. */
export function runCli(args: readonly string[], options: CliOptions = {}): Promise<Finished> {
  const child = startCli(args, options);
  child.stdin?.on('error', () => undefined); // it need not read all, or any
  child.stdin?.end(options.input ?? '');
  return finished(child);
}

/** What a process wrote and how it ended. */
export function finished(child: ChildProcess): Promise<Finished> {
  const text = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream]?.setEncoding('utf8').on('data', (chunk: string) => {
      text[stream] += chunk;
    });
  }
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status, signal) => resolve({ status, signal, ...text }));
  });
}

/** The address that a server says first on its output. */
export async function addressIn(child: ChildProcess): Promise<string> {
  // A process that ends before it has said anything closes its output: without data there is no address.
  const [text = ''] = (await Promise.race([once(child.stdout!, 'data'), once(child, 'close')])) as [unknown?];
  return /http:\/\/127\.0\.0\.1:\d+[^\s]*/.exec(String(text))?.[0] ?? assert.fail(`no address in: ${text}`);
}

/** Of that address what requests begin with, as `http://127.0.0.1:43211`. */
export async function originIn(child: ChildProcess): Promise<string> {
  return new URL(await addressIn(child)).origin;
}
