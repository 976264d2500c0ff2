/** A small S3 over real HTTP, so that the SDK's own code runs: what this program asks of S3, and faults on demand. */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface StoredObject {
  bytes: Buffer;
  /** Without quotes. */
  etag: string;
  versionId?: string;
  contentType?: string;
  metadata: Record<string, string>;
  /** As S3 lists it: a second later for each object that is written. */
  modified: string;
  tags: Record<string, string>;
  /** Of its last write, as it was; S3 tells it in whole seconds. */
  written: Date;
}

const FIRST_WRITE = Date.parse('2026-01-02T03:04:05.000Z');

export interface S3Request {
  method: string;
  bucket: string;
  key: string;
  versionId: string | null;
  /** Of a request for a list. */
  list?: { prefix: string; after: string };
  /** The tags of the object are meant, not its content. */
  tagging?: true;
}

/** What happens to a request in place of its answer. */
export type Fault =
  | { kind: 'error'; status: number; code: string; headers?: Record<string, string> }
  /** The connection ends without an answer. */
  | { kind: 'hang up' }
  /** The headers of the answer, half of its body, then silence. */
  | { kind: 'stall' }
  /** The headers of the answer, half of its body, then the end of the connection. */
  | { kind: 'cut' };

export interface FakeS3 {
  /** For `AWS_ENDPOINT_URL_S3`. */
  url: string;
  /** Every request so far, tries again included. */
  requests: S3Request[];
  put(bucket: string, key: string, bytes: Uint8Array): StoredObject;
  /** Current content, `undefined` where there is none. */
  get(bucket: string, key: string): StoredObject | undefined;
  /** In a bucket with versions leaves the older ones. */
  delete(bucket: string, key: string): void;
  keys(bucket: string): string[];
  /** Lists that were asked for, one a page. */
  lists: number;
  /** Asked before each request is answered; replaces what was asked before. */
  onRequest(fault: (request: S3Request) => Fault | undefined): void;
  close(): Promise<void>;
}

/** S3's own. */
const PAGE = 1000;

/**
 * @param buckets names; those in `versioned` keep versions
 * @param page objects in one answer of a list
 */
export async function startFakeS3(buckets: string[], versioned: string[] = [], page = PAGE): Promise<FakeS3> {
  const store = new Map(buckets.map((name) => [name, new Map<string, StoredObject[]>()]));
  const requests: S3Request[] = [];
  let faultOf: (request: S3Request) => Fault | undefined = () => undefined;
  let versions = 0;
  let writes = 0;

  const put = (bucket: string, key: string, bytes: Uint8Array, metadata = {}): StoredObject => {
    const etag = createHash('md5').update(bytes).digest('hex');
    const versionId = versioned.includes(bucket) ? `version.${++versions}` : undefined;
    const modified = new Date(FIRST_WRITE + writes++ * 1000).toISOString();
    const written = { bytes: Buffer.from(bytes), etag, metadata, modified, tags: {}, written: new Date() };
    const object = { ...written, ...(versionId && { versionId }) };
    const older = versionId === undefined ? [] : (store.get(bucket)!.get(key) ?? []);
    store.get(bucket)!.set(key, [object, ...older]);
    return object;
  };
  const get = (bucket: string, key: string) => store.get(bucket)?.get(key)?.[0];

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const asked = parseRequest(request);
    requests.push(asked);
    const body = await readBody(request);
    const fault = faultOf(asked);
    if (fault?.kind === 'hang up') return void request.socket.destroy();
    if (fault?.kind === 'error') return sendError(response, fault.status, fault.code, fault.headers);
    if (!store.has(asked.bucket)) return sendError(response, 404, 'NoSuchBucket');
    if (asked.list !== undefined) {
      fake.lists += 1;
      response
        .writeHead(200, { 'content-type': 'application/xml' })
        .end(listOf(fake, asked.bucket, asked.list, page));
      return;
    }
    if (asked.method === 'PUT' && !asked.tagging) {
      if (request.headers['if-none-match'] === '*' && get(asked.bucket, asked.key)) {
        return sendError(response, 412, 'PreconditionFailed');
      }
      const stored = put(asked.bucket, asked.key, body, metadataOf(request));
      const { 'content-type': contentType } = request.headers;
      if (contentType !== undefined) stored.contentType = contentType;
      const { etag } = stored;
      response.writeHead(200, { etag: `"${etag}"` }).end();
      return;
    }
    const all = store.get(asked.bucket)!.get(asked.key) ?? [];
    const object = asked.versionId ? all.find((o) => o.versionId === asked.versionId) : all[0];
    if (object === undefined)
      return sendError(response, 404, asked.versionId ? 'NoSuchVersion' : 'NoSuchKey');
    if (asked.tagging) return answerTagging(response, object, asked.method === 'PUT' ? body : null);
    const match = request.headers['if-match'];
    if (match !== undefined && match !== `"${object.etag}"`) {
      return sendError(response, 412, 'PreconditionFailed');
    }
    sendObject(response, object, asked.method, fault);
  };

  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const fake: FakeS3 = {
    lists: 0,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    put,
    get,
    delete: (bucket, key) => void store.get(bucket)!.delete(key),
    keys: (bucket) => [...store.get(bucket)!.keys()],
    onRequest: (fault) => {
      faultOf = fault;
    },
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
  return fake;
}

/** Path style: `/bucket/key`. */
function parseRequest({ method = '', url = '' }: IncomingMessage): S3Request {
  const [path = '', query = ''] = url.split('?');
  const [, bucket = '', ...rest] = path.split('/');
  const parameters = new URLSearchParams(query);
  const list = { prefix: parameters.get('prefix') ?? '', after: parameters.get('continuation-token') ?? '' };
  return {
    method,
    bucket,
    key: decodeURIComponent(rest.join('/')),
    versionId: parameters.get('versionId'),
    ...(parameters.has('list-type') && { list }),
    ...(parameters.has('tagging') && { tagging: true }),
  };
}

/** A token is the last key of the page before. */
function listOf(
  fake: FakeS3,
  bucket: string,
  { prefix, after }: NonNullable<S3Request['list']>,
  page: number,
): string {
  const keys = fake
    .keys(bucket)
    .filter((key) => key.startsWith(prefix) && key > after)
    .sort((a, b) => (a < b ? -1 : 1));
  const shown = keys.slice(0, page);
  const next = keys.length > page ? shown.at(-1) : undefined;
  const contents = shown.map((key) => {
    const { bytes, etag, modified } = fake.get(bucket, key)!;
    return `<Contents><Key>${escaped(key)}</Key><LastModified>${modified}</LastModified><ETag>&quot;${etag}&quot;</ETag><Size>${bytes.length}</Size><StorageClass>STANDARD</StorageClass></Contents>`;
  });
  const token = next === undefined ? '' : `<NextContinuationToken>${escaped(next)}</NextContinuationToken>`;
  return `<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>${bucket}</Name><Prefix>${escaped(prefix)}</Prefix><KeyCount>${shown.length}</KeyCount><MaxKeys>${page}</MaxKeys><IsTruncated>${next !== undefined}</IsTruncated>${contents.join('')}${token}</ListBucketResult>`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"\r]/g, (c) => `&#${c.charCodeAt(0)};`);
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function metadataOf({ headers }: IncomingMessage): Record<string, string> {
  const own = Object.entries(headers).filter(([name]) => name.startsWith('x-amz-meta-'));
  return Object.fromEntries(own.map(([name, value]) => [name.slice('x-amz-meta-'.length), String(value)]));
}

/** @param body new tags, which replace all; `null` to ask for them */
function answerTagging(response: ServerResponse, object: StoredObject, body: Buffer | null): void {
  if (body !== null) {
    const tags = body.toString().matchAll(/<Key>(.*?)<\/Key><Value>(.*?)<\/Value>/gs);
    object.tags = Object.fromEntries([...tags].map(([, key, value]) => [key, value]));
    response.writeHead(200).end();
    return;
  }
  const set = Object.entries(object.tags).map(([k, v]) => `<Tag><Key>${k}</Key><Value>${v}</Value></Tag>`);
  response.writeHead(200, { 'content-type': 'application/xml' });
  response.end(`<Tagging><TagSet>${set.join('')}</TagSet></Tagging>`);
}

function sendObject(response: ServerResponse, object: StoredObject, method: string, fault?: Fault): void {
  response.writeHead(200, {
    'content-length': object.bytes.length,
    etag: `"${object.etag}"`,
    'last-modified': object.written.toUTCString(),
    ...(object.versionId && { 'x-amz-version-id': object.versionId }),
    ...Object.fromEntries(Object.entries(object.metadata).map(([k, v]) => [`x-amz-meta-${k}`, v])),
  });
  if (method === 'HEAD') response.end();
  else if (fault === undefined) response.end(object.bytes);
  else {
    response.write(object.bytes.subarray(0, object.bytes.length >> 1), () => {
      if (fault.kind === 'cut') response.destroy();
    });
  }
}

/** An answer to HEAD has no body: Node leaves it out. */
function sendError(
  response: ServerResponse,
  status: number,
  code: string,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/xml', ...headers });
  response.end(
    `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>no</Message></Error>`,
  );
}
