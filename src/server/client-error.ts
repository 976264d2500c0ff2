/** Answers where there is no request to answer: bytes that are no HTTP, headers without end, silence. */
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { BodyCut } from './bodies.ts';
import { type Refusal, type RefusalCode, refusalOf } from './refusal.ts';

/** Of Node's HTTP parser and its clock, and of our own; everything else is malformed. */
const CODES: Record<string, RefusalCode> = {
  HPE_HEADER_OVERFLOW: 'HeadersTooLarge',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 'HeadersTooLarge',
  ERR_HTTP_REQUEST_TIMEOUT: 'RequestTimeout',
  BODY_TOO_SLOW: 'RequestTimeout',
  BODIES_FULL: 'Overloaded',
};

/** Until a connection with a wrong request is cut: time for the answer to be read, which a reset would take away. */
const LINGER_MS = 500;

/**
 * Answers and closes the connection, since where its next request would begin is unknown. Node's own answer has no body.
 * @param more headers of the answer
 * @returns what was answered, `null` where the connection is gone
 */
export function answerClientError(
  error: NodeJS.ErrnoException,
  socket: Socket,
  more: Record<string, string>,
): Refusal | null {
  // One answer is enough: later bytes of the same broken request raise the same error again.
  if (socket.writableEnded) return null;
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return null;
  }
  const detail = error instanceof BodyCut ? { detail: error.message } : {};
  const refusal = refusalOf(CODES[error.code ?? ''] ?? 'MalformedRequest', detail);
  const { status, headers, body } = refusal;
  const lines = Object.entries({ ...headers, ...more, connection: 'close' }).map(
    ([name, value]) => `${name}: ${value}`,
  );
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('\r\n')}\r\n\r\n${body}`);
  setTimeout(() => socket.destroy(), LINGER_MS).unref();
  return refusal;
}
