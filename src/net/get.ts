/** One GET over HTTP, through the proxy that the environment names. */
import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import { addAbortSignal } from 'node:stream';
import { proxyAgents, proxyRefusal } from './agents.ts';

export interface GetOptions {
  /** In lower case. */
  headers?: Record<string, string>;
  /** Ends the request, and the body while it is read. */
  signal: AbortSignal;
}

/** Some servers refuse who does not say who asks. */
const USER_AGENT = 'show-and-tell';

/**
 * Follows no redirect, and asks for a body without encoding.
 * @param url `https:` or `http:`
 * @returns once the headers are there; the body has to be read or destroyed
 * @throws the reason of `signal`; InvalidRequest for what the environment calls a proxy; what the connection threw, which
 *   `describeFailure` puts into words
 */
export async function get(url: URL, { headers, signal }: GetOptions): Promise<IncomingMessage> {
  signal.throwIfAborted();
  const agents = proxyAgents();
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const secure = url.protocol === 'https:';
  const request = (secure ? https : http).get(url, {
    headers: { accept: '*/*', 'accept-encoding': 'identity', 'user-agent': USER_AGENT, ...headers },
    ...(agents !== null && { agent: secure ? agents.httpsAgent : agents.httpAgent }),
  });
  request.once('response', resolve);
  request.on('error', reject);
  // A request that has its answer is left alone: its connection may be back with the agent, where nobody hears of errors.
  const abort = () => request.destroy(signal.reason);
  signal.addEventListener('abort', abort);
  const answer = await promise.finally(() => signal.removeEventListener('abort', abort));
  const refusal = proxyRefusal(url, answer.statusCode!);
  if (refusal === null) return addAbortSignal(signal, answer);
  answer.destroy();
  throw refusal;
}
