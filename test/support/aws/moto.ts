/** moto (https://docs.getmoto.org): S3 and SQS of one process, for tests that need both and what goes between them. */
import { spawn, spawnSync } from 'node:child_process';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { setTimeout } from 'node:timers/promises';

/** Python needs a second or two for it. */
const START_TIMEOUT_MS = 30_000;

export interface Moto {
  url: string;
  stop(): Promise<void>;
}

/** Path of `moto_server`: named by MOTO_SERVER, or found where programs are. */
function program(): string {
  return process.env.MOTO_SERVER ?? 'moto_server';
}

/** Why tests that need it have to be skipped, `false` where it is installed. */
export function withoutMoto(): string | false {
  const { status } = spawnSync(program(), ['--help'], { stdio: 'ignore' });
  if (status === 0) return false;
  return "moto_server is not installed: pip install 'moto[server]', or name it in MOTO_SERVER";
}

export async function startMoto(): Promise<Moto> {
  const port = await freePort();
  const server = spawn(program(), ['-H', '127.0.0.1', '-p', String(port)], { stdio: 'ignore' });
  const ended = new Promise((resolve) => server.once('exit', resolve));
  const url = `http://127.0.0.1:${port}`;
  const giveUp = Date.now() + START_TIMEOUT_MS;
  while (!(await answers(url))) {
    if (Date.now() > giveUp || server.exitCode !== null)
      throw new Error(`${program()} does not answer at ${url}`);
    await setTimeout(50);
  }
  return {
    url,
    stop: async () => {
      server.kill();
      await ended;
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function answers(url: string): Promise<boolean> {
  return await fetch(`${url}/moto-api/`).then(
    ({ ok }) => ok,
    () => false,
  );
}
