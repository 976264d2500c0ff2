import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { InvalidRequest } from '../errors.ts';

interface Place {
  host: string;
  port: number;
  /** The flag that the port comes from. */
  flag: string;
}

/** Why listening fails, in the flags' names. */
const LISTEN_PROBLEMS: Record<string, (place: Place) => string> = {
  EADDRINUSE: ({ port, flag }) =>
    `${flag} ${port}: another program listens there; name another port, or 0 for any free one`,
  EACCES: ({ port, flag }) => `${flag} ${port}: not allowed to listen there; ports from 1024 need no rights`,
  EADDRNOTAVAIL: ({ host }) => `--host ${host}: no address of this machine`,
  ENOTFOUND: ({ host }) => `--host ${host}: no such host`,
};

/**
 * @returns where it listens, e.g. `http://127.0.0.1:8080`
 * @throws InvalidRequest when it cannot listen there
 */
export function listen(server: Server, place: Place): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const problem = LISTEN_PROBLEMS[error.code ?? ''];
      reject(problem === undefined ? error : new InvalidRequest(problem(place), { cause: error }));
    });
    server.listen(place.port, place.host, () => resolve(urlOf(server.address() as AddressInfo)));
  });
}

function urlOf({ address, family, port }: AddressInfo): string {
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}
