/** The server as a process of its own, and what Linux says of its processor time and memory. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { forgetPeak, type Memory, memoryOf, processorMilliseconds } from './shared/proc.ts';

const CLI = fileURLToPath(new URL('../src/cli/launch.js', import.meta.url));

export interface ServerProcess {
  /** e.g. `http://127.0.0.1:43211` */
  url: string;
  memory(): Memory;
  /** Begins the peak anew. */
  forgetPeak(): void;
  /** User and system time since it started. */
  processorMilliseconds(): number;
  stop(): Promise<void>;
}

export interface ServerOptions {
  directory: string;
  workers: number;
  /** Further flags. @default none */
  flags?: string[];
  /** Runs the server as a command of this one, in whose place it is: `systemd-run --scope -p MemoryMax=512M`. @default none */
  under?: string[];
}

export async function startServer({
  directory,
  workers,
  flags = [],
  under = [],
}: ServerOptions): Promise<ServerProcess> {
  const own = ['serve', '--port', '0', '--workers', String(workers), '--quiet', '--model', directory];
  const [command, ...args] = [...under, process.execPath, CLI, ...own, ...flags];
  const child = spawn(command!, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string];
  const url = /http:\/\/[\d.:]+/.exec(line)?.[0];
  if (url === undefined) throw new Error(`no address in: ${line}`);
  return {
    url,
    memory: () => memoryOf(child.pid!),
    forgetPeak: () => forgetPeak(child.pid!),
    processorMilliseconds: () => processorMilliseconds(child.pid!),
    stop: async () => {
      child.kill('SIGTERM');
      await once(child, 'close');
    },
  };
}
