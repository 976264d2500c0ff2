/** The part that faces the network: connections, time-outs, and a place for each request. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { createBodies } from './bodies.ts';
import { answerClientError } from './client-error.ts';
import { tryOut } from './half-closed.ts';
import { type Refusal, type RefusalCode, refusalOf } from './refusal.ts';
import type { ServerSettings } from './settings.ts';

/** How often Node looks for connections whose time is up; by default only twice a minute. */
const MAX_CHECK_INTERVAL_MS = 1_000;
/** Twice what browsers and proxies send at most. */
export const MAX_HEADER_BYTES = 16 << 10;
/** Connections beyond this are closed before anything is read: each costs some 20 kB, and every process has a limit of open files. */
const MAX_CONNECTIONS = 8_192;

export type Listener = (incoming: IncomingMessage, outgoing: ServerResponse) => void;

export interface Edge {
  server: Server;
  /** Requests that have come and are not answered yet. */
  readonly atWork: number;
  /** True where the connection, not the listener, was answered: the request broke off or took too long. */
  hasRefused(outgoing: ServerResponse): boolean;
  /** From now on every new request is answered 503; calls back when those at work are answered. */
  drain(done: () => void): void;
}

export interface EdgeParts {
  listener: Listener;
  /** True while there is no place for another image. */
  isFull: () => boolean;
  /** Headers of every refusal of a request that came from a page of this origin. */
  headersFor: (origin?: string) => Record<string, string>;
  /** For each request that does not get to the listener; without what was asked for where that could not be read. */
  onRefusal: (refusal: Refusal, asked?: { method: string | undefined; path: string }) => void;
}

type EdgeSettings = Pick<ServerSettings, 'headersTimeout' | 'requestTimeout' | 'idleTimeout' | 'maxBodies'>;

export function createEdge(
  settings: EdgeSettings,
  { listener, isFull, headersFor, onRefusal }: EdgeParts,
): Edge {
  const { headersTimeout, requestTimeout, idleTimeout, maxBodies } = settings;
  const atWork = new Set<ServerResponse>();
  const refused = new WeakSet<ServerResponse>();
  const latest = new WeakMap<Socket, ServerResponse>();
  let onIdle: (() => void) | null = null;

  const bodies = createBodies({
    maxBytes: maxBodies,
    // As Node's own time-outs.
    onCut: (cut, { socket }) => server.emit('clientError', cut, socket),
  });

  const reasonToRefuse = (incoming: IncomingMessage): string | null => {
    if (onIdle !== null) return 'this server is stopping';
    if (!hasBody(incoming)) return null;
    if (isFull()) return 'too many images wait already';
    return bodies.full ? 'too many bytes are on their way already' : null;
  };

  const refuse = (code: RefusalCode, detail: string, incoming: IncomingMessage, outgoing: ServerResponse) => {
    const traceparent = [incoming.headers.traceparent ?? []].flat().join();
    const refusal = refusalOf(code, { detail, instance: pathOf(incoming), traceparent });
    const { status, body } = refusal;
    const headers = { ...refusal.headers, ...headersFor(incoming.headers.origin) };
    onRefusal(refusal, { method: incoming.method, path: pathOf(incoming) });
    latest.set(incoming.socket, outgoing);
    // Its body may still come; it is read past, or the answer would be lost in a reset connection.
    incoming.resume();
    outgoing.writeHead(status, onIdle === null ? headers : { ...headers, connection: 'close' }).end(body);
  };

  const onRequest: Listener = (incoming, outgoing) => {
    // Health checks of load balancers still speak HTTP/1.0, which need not name a host (RFC 9112, section 3.2).
    if (incoming.httpVersion === '1.0') incoming.headers.host ??= 'localhost';
    const reason = reasonToRefuse(incoming);
    if (reason !== null) return refuse('Overloaded', reason, incoming, outgoing);
    atWork.add(outgoing);
    latest.set(incoming.socket, outgoing);
    const release = hasBody(incoming) ? bodies.watch(incoming) : null;
    outgoing.once('close', () => {
      atWork.delete(outgoing);
      release?.();
      if (atWork.size === 0) onIdle?.();
    });
    listener(incoming, outgoing);
  };

  const server = createServer(
    {
      headersTimeout,
      requestTimeout,
      keepAliveTimeout: idleTimeout,
      connectionsCheckingInterval: Math.min(MAX_CHECK_INTERVAL_MS, headersTimeout, requestTimeout),
      maxHeaderSize: MAX_HEADER_BYTES,
      // Answered by the listener, with a problem document.
      requireHostHeader: false,
    },
    onRequest,
  );
  server.maxConnections = MAX_CONNECTIONS;
  server.on('checkExpectation', (incoming: IncomingMessage, outgoing: ServerResponse) =>
    refuse('ExpectationFailed', 'expect 100-continue or nothing', incoming, outgoing),
  );
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) =>
    afterWhole([...atWork], socket, () => {
      // The request whose body breaks off; where headers are broken, who sends them is not known.
      const last = latest.get(socket);
      const broken = last?.req.complete === false ? last : undefined;
      // It has its answer already, such as 413, and the rest of it does not come.
      if (broken !== undefined && !atWork.has(broken)) return socket.destroySoon();
      const refusal = answerClientError(error, socket, headersFor(broken?.req.headers.origin));
      if (refusal === null) return;
      if (broken !== undefined) refused.add(broken);
      onRefusal(refusal, broken && { method: broken.req.method, path: pathOf(broken.req) });
    }),
  );
  // Node's own property, without documentation: by itself it ends a connection when the client closes its side.
  Object.assign(server, { httpAllowHalfOpen: true });
  server.on('connection', (socket) => {
    const tryNext = (): void => {
      const outgoing = [...atWork].find(({ req }) => req.socket === socket);
      if (outgoing === undefined || !socket.writable) return;
      tryOut(socket, outgoing);
      outgoing.once('close', tryNext);
    };
    socket.once('end', tryNext);
  });

  return {
    server,
    get atWork() {
      return atWork.size;
    },
    hasRefused: (outgoing) => refused.has(outgoing),
    drain(done) {
      onIdle = done;
      if (atWork.size === 0) done();
    },
  };
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

function pathOf({ url = '' }: IncomingMessage): string {
  return url.split('?', 1)[0]!;
}

/** Requests that came whole before the error on the same connection are answered first. */
function afterWhole(atWork: readonly ServerResponse[], socket: Socket, then: () => void): void {
  const before = atWork.filter(({ req }) => req.socket === socket && req.complete);
  let left = before.length;
  if (left === 0) then();
  for (const outgoing of before) {
    outgoing.once('close', () => {
      if (--left === 0) then();
    });
  }
}
