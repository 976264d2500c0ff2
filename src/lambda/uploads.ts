/**
 * Images above what Lambda takes as a request: the client asks for an address, puts the image there, S3's event brings
 * it to the queue, and the client asks for the outcome.
 */
import { open } from 'node:fs/promises';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { type Context, Hono } from 'hono';
import * as z from 'zod';
import { isMissing } from '../aws/object-failures.ts';
import type { RecordedOutcome } from '../caption/result.ts';
import { ImageNotFound, ImageTooLarge, InvalidRequest, problemsIn } from '../errors.ts';
import { PROBLEMS } from '../http/failures.ts';
import type { AppEnv } from '../http/parts.ts';
import { readBody } from '../http/request/body.ts';
import { parseJson } from '../http/request/json.ts';
import { describeImage } from '../s3/images.ts';
import { resultKey, revisionOf } from '../s3/result-key.ts';
import { readResult } from '../s3/results.ts';
import type { UploadSettings } from './uploads-env.ts';

/** Time to begin an upload; one that has begun may take longer. */
const EXPIRY_SECONDS = 300;
/** 192 bits: nobody finds the image of somebody else by trying. */
const ID_BYTES = 24;
const ID = /^[A-Za-z0-9_-]{32}$/;
const MAX_REQUEST_BYTES = 1024;
/** An image waits for the queue's function, which may have to start. */
const RETRY_AFTER_SECONDS = 2;

const requestSchema = z.strictObject({
  contentType: z.enum(['image/jpeg', 'image/png', 'image/webp', 'image/avif', 'image/gif', 'image/tiff']),
  /** Exact size of the image, which the address is bound to. */
  bytes: z.int().min(1),
});

export interface UploadParts extends UploadSettings {
  s3: S3Client;
  /** Signs addresses only: made by `createSigningClient`. */
  signer: S3Client;
  /** SHA-256 of the bundle, hexadecimal. */
  modelHash: string;
  maxObjectBytes: number;
}

/** A client whose addresses carry no checksum: the SDK's own would be that of an empty object. */
export function createSigningClient(): S3Client {
  return new S3Client({ requestChecksumCalculation: 'WHEN_REQUIRED' });
}

/**
 * `POST /uploads` with `{ contentType, bytes }` -> 201 and where to put the image. `GET /captions/{id}` -> 200 and the
 * outcome, 202 while it is waited for, 404 before the upload and after the image expired.
 */
export function uploadRoutes(parts: UploadParts): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  routes.post('/uploads', async (c) => await announce(c, parts));
  routes.get('/captions/:id', async (c) => await answerOutcome(c, parts));
  return routes;
}

async function announce(c: Context<AppEnv>, { signer, uploads, maxObjectBytes }: UploadParts) {
  const { contentType, bytes } = await readRequest(c.req.raw);
  if (bytes > maxObjectBytes) {
    throw new ImageTooLarge(`the image has ${bytes} bytes, more than ${maxObjectBytes}`);
  }
  const id = await randomId();
  // In lower case as HTTP has them; all are part of the signature, so that the address takes this very image, once.
  const headers = {
    'content-type': contentType,
    'content-length': String(bytes),
    'if-none-match': '*',
  };
  const command = new PutObjectCommand({
    Bucket: uploads.bucket,
    Key: `${uploads.prefix}${id}`,
    ContentType: contentType,
    ContentLength: bytes,
    IfNoneMatch: '*',
  });
  const url = await getSignedUrl(signer, command, {
    expiresIn: EXPIRY_SECONDS,
    signableHeaders: new Set(['host', ...Object.keys(headers)]),
  });
  const result = `/captions/${id}`;
  c.header('location', result);
  return c.json({ id, method: 'PUT', url, headers, expiresInSeconds: EXPIRY_SECONDS, result }, 201);
}

/** From the kernel: a generator inside the process would say the same in every copy of a snapshot (SnapStart). */
async function randomId(): Promise<string> {
  await using source = await open('/dev/urandom');
  const { buffer } = await source.read(Buffer.alloc(ID_BYTES), 0, ID_BYTES);
  return buffer.toString('base64url');
}

async function readRequest(request: Request): Promise<z.output<typeof requestSchema>> {
  const parsed = requestSchema.safeParse(parseJson(await readBody(request, MAX_REQUEST_BYTES)));
  if (parsed.success) return parsed.data;
  throw new InvalidRequest(problemsIn(parsed.error, 'body'));
}

async function answerOutcome(c: Context<AppEnv>, parts: UploadParts) {
  const id = c.req.param('id') ?? '';
  const outcome = await findOutcome(id, parts);
  if (outcome !== null) return c.json(outcome, 200);
  c.header('retry-after', String(RETRY_AFTER_SECONDS));
  return c.json({ status: 'pending' }, 202);
}

/** @returns null while there is an image and no result yet */
async function findOutcome(
  id: string,
  { s3, uploads, results, modelHash }: UploadParts,
): Promise<RecordedOutcome | null> {
  if (!ID.test(id)) throw new ImageNotFound('no upload has such an id');
  const object = { bucket: uploads.bucket, key: `${uploads.prefix}${id}` };
  const image = await describeImage(s3, object).catch((cause: unknown) => {
    // Names of buckets are not for clients.
    throw cause instanceof ImageNotFound ? new ImageNotFound('nothing was uploaded there', { cause }) : cause;
  });
  const key = resultKey(results.prefix, { ...object, revision: revisionOf(image), modelHash });
  try {
    const document = await readResult(s3, { bucket: results.bucket, key });
    if (document.status === 'captioned') return { status: document.status, result: document.result };
    const { code } = document.error;
    // The document's own message names the bucket.
    return { status: document.status, error: { code, message: PROBLEMS[code].title } };
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}
