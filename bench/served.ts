/** The server as a process of its own, and what Linux says of its processor time and memory. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { type Memory, memoryOf, processorMilliseconds } from './proc.ts';

const CLI = fileURLToPath(new URL('../src/cli/launch.js', import.meta.url));

export interface ServerProcess {
  /** e.g. `http://127.0.0.1:43211` */
  url: string;
  memory(): Memory;
  /** User and system time since it started. */
  processorMilliseconds(): number;
  stop(): Promise<void>;
}

export async function startServer(directory: string, workers: number): Promise<ServerProcess> {
  const args = [CLI, 'serve', '--port', '0', '--workers', String(workers), '--quiet', '--model', directory];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string];
  const url = /http:\/\/[\d.:]+/.exec(line)?.[0];
  if (url === undefined) throw new Error(`no address in: ${line}`);
  return {
    url,
    memory: () => memoryOf(child.pid!),
    processorMilliseconds: () => processorMilliseconds(child.pid!),
    stop: async () => {
      child.kill('SIGTERM');
      await once(child, 'close');
    },
  };
}
