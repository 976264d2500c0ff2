/** Servers of one test, over real sockets: with TLS, and proxies in between. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import {
  request as ask,
  createServer as createHttp,
  type IncomingMessage,
  type RequestListener,
  type Server,
} from 'node:http';
import { createServer as createHttps } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';

const pem = (name: string): string =>
  readFileSync(new URL(`../../fixtures/tls/${name}`, import.meta.url), 'utf8');

/** Certificates of test/fixtures/tls: of this machine, of another host, of the past, signed by itself. */
export type Certificate = 'server' | 'elsewhere' | 'expired' | 'alone';

/** Lets this process trust the authority that signed the certificates. */
export function trustTestAuthority(): void {
  setDefaultCACertificates([...getCACertificates('default'), pem('ca.pem')]);
}

/** File for NODE_EXTRA_CA_CERTS. */
export const AUTHORITY = new URL('../../fixtures/tls/ca.pem', import.meta.url).pathname;

/** @returns port on 127.0.0.1 */
export async function listening(t: TestContext, server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

export async function startHttps(
  t: TestContext,
  listener: RequestListener,
  certificate: Certificate = 'server',
): Promise<number> {
  const options = { key: pem(`${certificate}.key`), cert: pem(`${certificate}.pem`) };
  return await listening(t, createHttps(options, listener));
}

export async function startHttp(t: TestContext, listener: RequestListener): Promise<number> {
  return await listening(t, createHttp(listener));
}

export interface TestProxy {
  port: number;
  /** First lines of requests, as `CONNECT host:443`, each with its credentials where it has some. */
  asked: string[];
}

export interface ProxyOptions {
  /** @default false */
  tls?: boolean;
  /** Answers with this status, and connects to nobody. */
  refuse?: number;
  /** Ends connections without an answer. */
  hangUp?: boolean;
}

/** A forward proxy, for which every name is this machine. */
export async function startProxy(
  t: TestContext,
  { tls, refuse, hangUp }: ProxyOptions = {},
): Promise<TestProxy> {
  const asked: string[] = [];
  const note = ({ method, url, headers }: IncomingMessage): void => {
    const [, credentials] = headers['proxy-authorization']?.split(' ') ?? [];
    const who = credentials === undefined ? '' : ` as ${Buffer.from(credentials, 'base64')}`;
    asked.push(`${method} ${url}${who}`);
  };
  const forward: RequestListener = (request, response) => {
    note(request);
    if (hangUp) return void request.socket.destroy();
    if (refuse !== undefined) return void response.writeHead(refuse).end('<html>no</html>');
    const { port, pathname, search } = new URL(request.url!);
    const { 'proxy-authorization': _, ...headers } = request.headers;
    const onward = ask(
      { host: '127.0.0.1', port, path: pathname + search, method: request.method, headers },
      (answer) => {
        response.writeHead(answer.statusCode!, answer.headers);
        answer.pipe(response);
      },
    );
    onward.on('error', () => response.destroy());
    request.pipe(onward);
  };
  const server = tls
    ? createHttps({ key: pem('server.key'), cert: pem('server.pem') }, forward)
    : createHttp(forward);
  server.on('connect', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    note(request);
    socket.on('error', () => undefined);
    if (hangUp) return void socket.destroy();
    if (refuse !== undefined) return void socket.end(`HTTP/1.1 ${refuse} No\r\ncontent-length: 2\r\n\r\nno`);
    const onward = connect(Number(request.url!.split(':').at(-1)), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      onward.write(head);
      onward.pipe(socket).pipe(onward);
    });
    onward.on('error', () => socket.destroy());
    t.after(() => {
      onward.destroy();
      socket.destroy();
    });
  });
  return { port: await listening(t, server), asked };
}

const VARIABLES = ['HTTPS_PROXY', 'HTTP_PROXY', 'NO_PROXY', 'https_proxy', 'http_proxy', 'no_proxy'];

/** Sets the variables of proxies for one test, and no others of them. */
export function setProxies(t: TestContext, env: Record<string, string>): void {
  setEnvironment(t, { ...Object.fromEntries(VARIABLES.map((name) => [name, undefined])), ...env });
}

/** Sets variables for one test; `undefined` takes one away. */
export function setEnvironment(t: TestContext, env: Record<string, string | undefined>): void {
  const before = Object.keys(env).map((name) => [name, process.env[name]] as const);
  const set = (name: string, value: string | undefined): void => {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  };
  for (const [name, value] of Object.entries(env)) set(name, value);
  t.after(() => {
    for (const [name, value] of before) set(name, value);
  });
}
