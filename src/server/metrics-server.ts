/** Metrics on a port of their own, for servers whose other port strangers reach. */
import { createServer, type Server } from 'node:http';
import type { ServerMetrics } from './metrics.ts';
import type { ServerSettings } from './settings.ts';

export const METRICS_PATH = '/metrics';

type Timeouts = Pick<ServerSettings, 'headersTimeout' | 'requestTimeout' | 'idleTimeout'>;

export function createMetricsServer(
  { read }: ServerMetrics,
  { headersTimeout, requestTimeout, idleTimeout: keepAliveTimeout }: Timeouts,
): Server {
  return createServer({ headersTimeout, requestTimeout, keepAliveTimeout }, async (incoming, outgoing) => {
    const { method = '', url } = incoming;
    incoming.resume();
    if (url !== METRICS_PATH) outgoing.writeHead(404).end();
    else if (!['GET', 'HEAD'].includes(method)) outgoing.writeHead(405, { allow: 'GET, HEAD' }).end();
    else {
      const { type, text } = await read();
      outgoing.writeHead(200, { 'content-type': type, 'cache-control': 'no-store' }).end(text);
    }
  });
}
