/**
 * A hub of models for one test: its API, small files as Git has them, and large ones that lie on another server. The official
 * clients fetch from it, too: huggingface_hub 0.36.2 a whole model, @huggingface/hub 2.17.5 a file.
 */
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TestContext } from 'node:test';
import { startHttp } from '../network/servers.ts';

export interface HubModel {
  /** By path. */
  files: Record<string, string | Uint8Array>;
  /** Beside main, names of the commit. */
  names?: string[];
  /** `gated`: everybody may see that it is there; `private`: only who has the token. */
  access?: 'open' | 'gated' | 'private';
}

export interface HubServer {
  /** For HF_ENDPOINT. */
  endpoint: string;
  /** Of every model here. */
  commit: string;
  /** What the hub and its storage were asked for, as `hub GET /path bytes=1- with Bearer x`. */
  asked: string[];
  /** Bytes of these paths are others than their hashes say. */
  damaged: Set<string>;
  /** These paths are listed and not there. */
  missing: Set<string>;
  /** A connection that asks for the path ends, or waits, after so many bytes; once. */
  cuts: Map<string, { after: number; waits: boolean }>;
}

/** May read everything. */
export const GOOD_TOKEN = 'hf_goodGOODgood';
/** Is valid, and may read what is open. */
export const POOR_TOKEN = 'hf_poorPOORpoor';

const COMMIT = '0123456789abcdef0123456789abcdef01234567';
/** Small, so that listings have several pages. */
const PAGE_ENTRIES = 4;

export async function startHub(t: TestContext, models: Record<string, HubModel>): Promise<HubServer> {
  const hub: HubServer = {
    endpoint: '',
    commit: COMMIT,
    asked: [],
    damaged: new Set(),
    missing: new Set(),
    cuts: new Map(),
  };
  const note = (who: string, { method, url, headers }: IncomingMessage): void => {
    const range = headers.range === undefined ? '' : ` ${headers.range}`;
    const token = headers.authorization === undefined ? '' : ` with ${headers.authorization}`;
    hub.asked.push(`${who} ${method} ${url}${range}${token}`);
  };
  const sendFile = (request: IncomingMessage, response: ServerResponse, model: HubModel, path: string) => {
    const bytes = Buffer.from(model.files[path]!);
    if (hub.damaged.has(path)) bytes[bytes.length >> 1]! ^= 1;
    const cut = hub.cuts.get(path);
    hub.cuts.delete(path);
    send(request, response, bytes, cut);
  };
  const storagePort = await startHttp(t, (request, response) => {
    note('storage', request);
    const [id, path] = JSON.parse(
      Buffer.from(request.url!.split('?')[0]!.slice(1), 'base64url').toString(),
    ) as [string, string];
    sendFile(request, response, models[id]!, path);
  });
  const port = await startHttp(t, (request, response) => {
    note('hub', request);
    const { pathname, searchParams } = new URL(request.url!, 'http://hub');
    const [, owner, name, kind, ...rest] = pathname.replace(/^\/api\/models/, '').split('/');
    const id = `${owner}/${name}`;
    const model = models[id];
    const token = request.headers.authorization?.replace('Bearer ', '');
    if (model === undefined || (model.access === 'private' && token !== GOOD_TOKEN)) {
      return refuse(response, token === undefined ? 401 : 404, 'RepoNotFound', 'Repository not found');
    }
    const isApi = pathname.startsWith('/api/');
    const revision = decodeURIComponent((kind === 'revision' ? rest.join('/') : rest[0]) ?? 'main');
    if (![COMMIT, 'main', ...(model.names ?? [])].includes(revision)) {
      return refuse(response, 404, 'RevisionNotFound', `Invalid rev id: ${revision}`);
    }
    if (isApi && kind !== 'tree') {
      const siblings = Object.keys(model.files).map((rfilename) => ({ rfilename }));
      return json(response, { _id: '1', id, sha: COMMIT, siblings });
    }
    if (isApi)
      return sendPage(response, model, hub.endpoint + pathname, Number(searchParams.get('cursor') ?? 0));
    const path = rest.slice(1).join('/');
    if (model.access === 'gated' && token !== GOOD_TOKEN) {
      return refuse(response, token === undefined ? 401 : 403, 'GatedRepo', `Access to ${id} is restricted`);
    }
    if (model.files[path] === undefined || hub.missing.has(path)) {
      return refuse(response, 404, 'EntryNotFound', 'Entry not found');
    }
    response.setHeader('x-repo-commit', COMMIT);
    if (!isLarge(path)) return sendFile(request, response, model, path);
    const address = Buffer.from(JSON.stringify([id, path])).toString('base64url');
    response.setHeader('x-linked-etag', `"${sha256(Buffer.from(model.files[path]))}"`);
    response.setHeader('x-linked-size', Buffer.from(model.files[path]).length);
    // Another origin, as the hub's storage is.
    response
      .writeHead(302, { location: `http://localhost:${storagePort}/${address}?signature=secret` })
      .end();
  });
  hub.endpoint = `http://127.0.0.1:${port}`;
  return hub;
}

const isLarge = (path: string): boolean => /\.onnx/.test(path);
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const gitBlob = (bytes: Uint8Array): string =>
  createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');

function refuse(response: ServerResponse, status: number, code: string, error: string): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', 'x-error-code': code });
  response.end(JSON.stringify({ error }));
}

function json(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' }).end(JSON.stringify(value));
}

/** Folders are entries of their own; large files have Git LFS's hash, and the newer storage's. */
function sendPage(response: ServerResponse, { files }: HubModel, address: string, start: number): void {
  const folders = new Set(
    Object.keys(files).flatMap((path) => (path.includes('/') ? [path.split('/')[0]!] : [])),
  );
  const entries = [
    ...[...folders].map((path) => ({ type: 'directory', oid: gitBlob(Buffer.from(path)), size: 0, path })),
    ...Object.entries(files).map(([path, content]) => {
      const bytes = Buffer.from(content);
      const entry = { type: 'file', oid: gitBlob(bytes), size: bytes.length, path };
      if (!isLarge(path)) return entry;
      const lfs = { oid: sha256(bytes), size: bytes.length, pointerSize: 134 };
      return { ...entry, lfs, xetHash: sha256(Buffer.from(path)) };
    }),
  ];
  const end = start + PAGE_ENTRIES;
  if (end < entries.length) {
    response.setHeader('link', `<${address}?recursive=true&expand=false&cursor=${end}>; rel="next"`);
  }
  json(response, entries.slice(start, end));
}

function send(
  { headers }: IncomingMessage,
  response: ServerResponse,
  bytes: Buffer,
  cut: { after: number; waits: boolean } | undefined,
): void {
  const [, from = '0', to] = /^bytes=(\d+)-(\d*)$/.exec(headers.range ?? '') ?? [];
  const start = Number(from);
  const end = to ? Number(to) + 1 : bytes.length;
  response.setHeader('etag', `"${gitBlob(bytes)}"`);
  response.setHeader('content-length', end - start);
  if (headers.range !== undefined) {
    response.setHeader('content-range', `bytes ${start}-${end - 1}/${bytes.length}`);
  }
  response.writeHead(headers.range === undefined ? 200 : 206);
  if (cut === undefined) response.end(bytes.subarray(start, end));
  else
    response.write(bytes.subarray(start, cut.after), () => {
      // Later than the bytes: a reset may overtake them.
      if (!cut.waits) setTimeout(() => response.destroy(), 50);
    });
}
