/** Servers to attack, and the raw sockets to do it with. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { PROBLEM_TYPE } from '../../src/http/failures.ts';
import { DEFAULT_BUNDLE, loadCaptioner } from '../../src/model/load.ts';
import type { ServerSettingsInput } from '../../src/server/settings.ts';
import { COFFEE } from '../support/samples.ts';

const PROCESS = fileURLToPath(new URL('./server-process.ts', import.meta.url));

export const PHOTO = readFileSync(COFFEE);
const alone = await loadCaptioner(DEFAULT_BUNDLE, { threads: 1 });
/** What the model says of `PHOTO` without any server. */
export const { captions: CAPTIONS } = await alone.caption(PHOTO);

export interface Target {
  url: string;
  port: number;
  pid: number;
  /** Still there? */
  isAlive(): boolean;
  kill(signal?: NodeJS.Signals): void;
  /** Exit code, or the signal that ended it. */
  ended: Promise<number | NodeJS.Signals>;
}

export async function startTarget(settings: ServerSettingsInput): Promise<Target> {
  const child = spawn(process.execPath, [PROCESS, JSON.stringify(settings)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<number | NodeJS.Signals>((resolve) => {
    child.once('close', (code, signal) => resolve(code ?? signal!));
  });
  const [line] = (await Promise.race([
    once(child.stdout.setEncoding('utf8'), 'data'),
    ended.then((how) => assert.fail(`the server ended: ${how}`)),
  ])) as [string];
  const url = line.trim();
  return {
    url,
    port: Number(new URL(url).port),
    pid: child.pid!,
    isAlive: () => child.exitCode === null && child.signalCode === null,
    kill: (signal = 'SIGKILL') => child.kill(signal),
    ended,
  };
}

export function post(url: string, body: Uint8Array | string = PHOTO, type = 'image/jpeg'): Promise<Response> {
  return fetch(`${url}/captions`, {
    method: 'POST',
    headers: { 'content-type': type },
    body: body as Uint8Array<ArrayBuffer> | string,
  });
}

/** An ordinary request is answered, and rightly. */
export async function assertServes({ url }: Pick<Target, 'url'>): Promise<void> {
  const response = await post(url);
  const { captions } = (await response.json()) as { captions: unknown };
  assert.equal(response.status, 200);
  assert.deepEqual(captions, CAPTIONS);
}

export interface Exchange {
  /** Written one after the other. */
  send: readonly (string | Uint8Array)[];
  /** Between them, ms. @default 0 */
  pause?: number;
  /** Closes its side when all is sent. @default false */
  end?: boolean;
}

/** A server that is silent for so long has hung. */
const PATIENCE_MS = 6_000;
/** After the answers that are expected: would there be more? */
const SURPLUS_MS = 50;

/** All that comes back until the server closes the connection, or has given `expected` answers and no more. */
export async function exchange(
  port: number,
  { send, pause = 0, end = false }: Exchange,
  expected = Number.POSITIVE_INFINITY,
): Promise<Answer[]> {
  const socket = await open(port);
  let received = '';
  socket.setEncoding('utf8').on('data', (text: string) => {
    received += text;
    if (answersIn(received).length >= expected) setTimeout(() => socket.destroy(), SURPLUS_MS);
  });
  // A connection that the server resets has been answered all the same, or not.
  socket.on('error', () => undefined);
  socket.setTimeout(PATIENCE_MS, () => socket.destroy());
  const closed = new Promise((resolve) => socket.once('close', resolve));
  for (const piece of send) {
    if (!socket.writable) break;
    socket.write(piece);
    if (pause > 0) await sleep(pause);
  }
  if (end) socket.end();
  await closed;
  return answersIn(received);
}

export async function open(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  return socket;
}

export interface Answer {
  status: number;
  headers: string;
  body: string;
}

/** The whole answers in a text; every one of this server says how long it is. */
export function answersIn(text: string): Answer[] {
  const answers: Answer[] = [];
  for (let rest = Buffer.from(text); ; ) {
    const end = rest.indexOf('\r\n\r\n');
    if (end < 0) return answers;
    const headers = rest.subarray(0, end).toString();
    const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(headers)?.[1]);
    const length = Number(/^content-length: (\d+)/im.exec(headers)?.[1] ?? 0);
    const body = rest.subarray(end + 4, end + 4 + length);
    if (body.length < length) return answers;
    answers.push({ status, headers, body: body.toString() });
    rest = rest.subarray(end + 4 + length);
  }
}

/** A problem document (RFC 9457) that says its own status. */
export function assertProblem({ status, headers, body }: Answer): void {
  assert.match(headers, new RegExp(`content-type: ${PROBLEM_TYPE.replace('+', '\\+')}`, 'i'));
  const problem = JSON.parse(body) as Record<string, unknown>;
  assert.equal(problem.status, status);
  for (const field of ['type', 'title', 'code', 'requestId'])
    assert.equal(typeof problem[field], 'string', field);
}
