/**
 * Connections through the proxies that the environment names. Node's own (`proxyEnv` of its agents) come with 22.21 and
 * 24.5, later than what the package runs on, and read NO_PROXY without subdomains.
 */
import http, { type Agent, type AgentOptions, type ClientRequest, type RequestOptions } from 'node:http';
import https from 'node:https';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { type Proxies, type ProxyServer, proxyFor, readProxies } from './proxy.ts';

/** A proxy looks up a name and connects in this time, or is given up. */
const PROXY_TIMEOUT_MS = 10_000;
const PROXY_AUTHENTICATION_REQUIRED = 407;
/** A proxy that cannot be reached (`cause` says why), or that does not let a request through. */
export class ProxyFailure extends Error {
  override readonly name = 'ProxyFailure';
  /** As it may be shown. */
  readonly proxy: URL;
  /** Of its answer, where it gave one. */
  readonly status: number | undefined;

  constructor({ url }: ProxyServer, { status, cause }: { status?: number | undefined; cause?: unknown }) {
    super(`the proxy ${url.host} ${status === undefined ? 'cannot be reached' : `answers ${status}`}`, {
      cause,
    });
    this.proxy = url;
    this.status = status;
  }
}

export interface Agents {
  httpAgent: Agent;
  httpsAgent: https.Agent;
}

/**
 * For Node's requests and AWS's clients.
 * @returns `null` where the environment names no proxy
 * @throws InvalidRequest
 */
export function proxyAgents(pool: AgentOptions = {}): Agents | null {
  const proxies = readProxies();
  if (proxies === null) return null;
  return { httpAgent: new ForwardingAgent(pool, proxies), httpsAgent: new TunnellingAgent(pool, proxies) };
}

/** What an answer of status 407 to plain HTTP means, which only a proxy gives. */
export function proxyRefusal(url: URL, status: number): ProxyFailure | null {
  const proxies = status === PROXY_AUTHENTICATION_REQUIRED ? readProxies() : null;
  const proxy = proxies === null ? null : proxyFor(url, proxies);
  return proxy === null ? null : new ProxyFailure(proxy, { status });
}

type Connected = (error: Error | null, socket: Duplex) => void;

/** TLS to the server itself, inside a connection that the proxy passes on (RFC 9110, section 9.3.6). */
class TunnellingAgent extends https.Agent {
  readonly #proxies: Proxies;

  constructor(pool: AgentOptions, proxies: Proxies) {
    super(pool);
    this.#proxies = proxies;
  }

  override createConnection(options: RequestOptions, callback?: Connected): Duplex | null | undefined {
    const target = targetOf('https:', options);
    const proxy = proxyFor(target, this.#proxies);
    if (proxy === null) return super.createConnection(options, callback);
    hand(
      openTunnel(proxy, target).then(
        (socket) => super.createConnection({ ...options, socket } as RequestOptions)!,
      ),
      callback,
    );
    return undefined;
  }
}

/** A proxy takes plain HTTP with the whole address in the first line (RFC 9112, section 3.2.2). */
class ForwardingAgent extends http.Agent {
  readonly #proxies: Proxies;

  constructor(pool: AgentOptions, proxies: Proxies) {
    super(pool);
    this.#proxies = proxies;
  }

  /** Node calls it with each request, before its first line is written; not in its types. */
  addRequest(request: ClientRequest, options: RequestOptions): void {
    const base = http.Agent.prototype as unknown as { addRequest: ForwardingAgent['addRequest'] };
    const target = targetOf('http:', options);
    const proxy = proxyFor(target, this.#proxies);
    if (proxy === null) {
      base.addRequest.call(this, request, options);
      return;
    }
    request.path = `${target.origin}${request.path}`;
    if (proxy.authorization !== undefined) request.setHeader('proxy-authorization', proxy.authorization);
    const { hostname: host, port } = proxy.url;
    base.addRequest.call(this, request, { ...options, host, port, proxy } as never);
  }

  override createConnection(
    options: RequestOptions & { proxy?: ProxyServer },
    callback?: Connected,
  ): Duplex | null | undefined {
    if (options.proxy === undefined) return super.createConnection(options, callback);
    hand(connectTo(options.proxy), callback);
    return undefined;
  }
}

function targetOf(protocol: string, { host, port }: RequestOptions): URL {
  const name = host?.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
  return new URL(`${protocol}//${name}:${port ?? ''}`);
}

function hand(socket: Promise<Duplex>, callback: Connected | undefined): void {
  socket.then(
    (connected) => callback?.(null, connected),
    (error: Error) => callback?.(error, undefined as never),
  );
}

/** @throws ProxyFailure */
function connectTo(proxy: ProxyServer): Promise<Duplex> {
  const { hostname, port, protocol } = proxy.url;
  const host = hostname.replace(/^\[|\]$/g, '');
  const { promise, resolve, reject } = Promise.withResolvers<Duplex>();
  const socket =
    protocol === 'https:'
      ? connectTls({ host, port: Number(port || 443) }, () => resolve(socket))
      : connect({ host, port: Number(port || 80) }, () => resolve(socket));
  const timer = setTimeout(() => socket.destroy(timedOut()), PROXY_TIMEOUT_MS);
  socket.once('error', (cause) => reject(new ProxyFailure(proxy, { cause })));
  return promise.finally(() => clearTimeout(timer));
}

function timedOut(): Error {
  return Object.assign(new Error(`no answer for ${PROXY_TIMEOUT_MS} ms`), { code: 'ETIMEDOUT' });
}

/** @throws ProxyFailure */
async function openTunnel(proxy: ProxyServer, target: URL): Promise<Duplex> {
  const socket = await connectTo(proxy);
  const { promise, resolve, reject } = Promise.withResolvers<Duplex>();
  const path = `${target.hostname}:${target.port || 443}`;
  const { authorization } = proxy;
  const asked = http.request({
    method: 'CONNECT',
    path,
    headers: { host: path, ...(authorization !== undefined && { 'proxy-authorization': authorization }) },
    createConnection: () => socket,
  });
  const refuse = (problem: { status?: number | undefined; cause?: unknown }): void => {
    socket.destroy();
    reject(new ProxyFailure(proxy, problem));
  };
  const timer = setTimeout(() => asked.destroy(timedOut()), PROXY_TIMEOUT_MS);
  asked.once('connect', ({ statusCode: status }) => (status === 200 ? resolve(socket) : refuse({ status })));
  asked.once('error', (cause) => refuse({ cause }));
  asked.end();
  return promise.finally(() => clearTimeout(timer));
}
