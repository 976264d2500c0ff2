/** What every client of AWS has here: the environment's proxies, and no trust in answers that are none of AWS's. */
import { homedir } from 'node:os';
import type { Readable } from 'node:stream';
import type { S3Client } from '@aws-sdk/client-s3';
import { UpstreamUnavailable } from '../errors.ts';
import { proxyAgents, proxyRefusal } from '../net/agents.ts';

/** As the clients keep connections of their own. */
const POOL = { keepAlive: true, maxSockets: 50 };

/** Milliseconds each. */
export interface RequestLimits {
  connectionTimeout?: number;
  requestTimeout?: number;
  throwOnRequestTimeout?: boolean;
  socketTimeout?: number;
}

/**
 * Part of a client's configuration.
 * @throws InvalidRequest for a proxy of the environment that is none
 */
export function requestsOf(limits: RequestLimits = {}) {
  provideHome();
  return { requestHandler: { ...limits, ...proxyAgents(POOL) } };
}

/** The clients ask for it before they read any setting: for a user without one, every request would fail. */
function provideHome(): void {
  try {
    homedir();
  } catch {
    process.env.HOME = '/nonexistent';
  }
}

/** An answer of S3 never lacks all of these; where somebody else answers, the clients make an empty one of it. */
const PROOFS: Record<string, readonly string[]> = {
  GetObjectCommand: ['ETag'],
  HeadObjectCommand: ['ETag'],
  PutObjectCommand: ['ETag'],
  ListObjectsV2Command: ['Name', 'KeyCount', 'MaxKeys', 'IsTruncated'],
  PutEventsCommand: ['Entries', 'FailedEntryCount'],
};
const REQUEST_ID = /^x-amzn?-request-?id$/;
const WEB_PAGE = /\bhtml\b/i;

interface Answer {
  statusCode: number;
  headers: Record<string, string>;
  body: Readable;
}

/**
 * The same client, which throws UpstreamUnavailable for what somebody else than AWS answers: the login page of a network,
 * a web server where the endpoint should be.
 */
export function distrusting<C extends object>(client: C): C {
  // Every client has the same stack, each with types of its own.
  const { middlewareStack } = client as unknown as Pick<S3Client, 'middlewareStack'>;
  middlewareStack.add(
    (next, { commandName = '' }) =>
      async (args) => {
        const asked = urlOf(args.request as { protocol: string; hostname: string; port?: number });
        const result = await next(args).catch((error: unknown) => {
          throw failureOf(error, asked);
        });
        const answer = result.response as Answer;
        const output = result.output as unknown as Record<string, unknown>;
        const proofs = PROOFS[commandName];
        const proven = proofs === undefined || proofs.some((field) => output[field] !== undefined);
        if (proven && !isWebPage(answer)) return result;
        answer.body.destroy();
        throw foreign(asked, answer);
      },
    { step: 'deserialize', priority: 'high', name: 'distrust' },
  );
  return client;
}

const addresses = new WeakMap<Error, URL>();

/** Whom a request asked that got no answer. */
export function addressOf(error: unknown): URL | undefined {
  return error instanceof Error ? addresses.get(error) : undefined;
}

function urlOf({ protocol, hostname, port }: { protocol: string; hostname: string; port?: number }): URL {
  return new URL(`${protocol}//${hostname}:${port ?? ''}`);
}

function failureOf(error: unknown, asked: URL): unknown {
  if (!(error instanceof Error)) return error;
  const answer = '$response' in error ? (error.$response as Answer | undefined) : undefined;
  const unanswered = answer === undefined ? error : proxyRefusal(asked, answer.statusCode);
  if (unanswered !== null) {
    addresses.set(unanswered, asked);
    return unanswered;
  }
  // Errors of the service have a fault; without, the answer was none that the client can read.
  const isReadable = '$fault' in error && !isWebPage(answer!);
  // The client looks at the cause as well, and tries again where its status says so.
  return isReadable ? error : foreign(asked, answer!, error);
}

/** One that a bucket holds comes with an id of the request. */
function isWebPage({ headers }: Answer): boolean {
  return (
    WEB_PAGE.test(headers['content-type'] ?? '') && !Object.keys(headers).some((h) => REQUEST_ID.test(h))
  );
}

function foreign({ origin }: URL, { statusCode, headers }: Answer, cause?: unknown): UpstreamUnavailable {
  const what = [`status ${statusCode}`, headers['content-type']].filter(Boolean).join(', ');
  return new UpstreamUnavailable(
    `${origin} answers, but not as AWS does (${what}); check AWS_ENDPOINT_URL and its kin, and whether this network wants a login`,
    { cause },
  );
}
