/** A request to `POST /captions`: which images, and how. */
import type { Context } from 'hono';
import type { ObjectReference } from '../../aws/object-reference.ts';
import type { CaptionCall } from '../../caption/describe.ts';
import type { CaptionPlan } from '../../caption/plan.ts';
import { InvalidRequest } from '../../errors.ts';
import { HttpError } from '../failures.ts';
import type { GivenOptions } from '../options.ts';
import type { AppEnv, AppParts } from '../parts.ts';
import { readBody } from './body.ts';
import type { NamedImage } from './multipart.ts';
import { readerOf } from './read-images.ts';
import { whileAwaited } from './while-awaited.ts';

interface CaptionRequest {
  /** At least one. */
  images: NamedImage[];
  plan: CaptionPlan;
  call: CaptionCall;
}

/**
 * Reads nothing from S3 before the options were found right.
 * @throws HttpError, InvalidRequest, ImageTooLarge; ImageNotFound from S3
 */
export async function readCaptionRequest(
  c: Context<AppEnv>,
  query: GivenOptions,
  parts: AppParts,
): Promise<CaptionRequest> {
  const read = readerOf(c.req.raw.headers, parts.maxImages);
  const body = await readBody(c.req.raw, parts.maxBodyBytes);
  c.set('bytes', body.length);
  const { source, options: inBody } = read(body);
  const { trace, explain, ...options } = mergeOnce(query, inBody);
  const plan = parts.plan(options, { explain });
  const images = 'images' in source ? source.images : [await readReference(source.s3, parts)];
  const call = { trace, explain, deadline: parts.deadlineOf?.(c), signal: whileAwaited(c.req.raw) };
  return { images, plan, call };
}

/** @throws InvalidRequest when an option stands in the query and in the body */
function mergeOnce(query: GivenOptions, body: GivenOptions): GivenOptions {
  const twice = Object.keys(body).filter((name) => name in query);
  if (twice.length > 0) {
    throw new InvalidRequest(twice.map((field) => ({ field, message: 'in the query and in the body' })));
  }
  return { ...query, ...body };
}

/** Says the same of every bucket that is not allowed, whether or not it exists. */
async function readReference(reference: ObjectReference, { readS3 }: AppParts): Promise<NamedImage> {
  const refused = (cause?: unknown) =>
    new HttpError('BucketNotAllowed', 'ask for an image in a bucket that this deployment reads', { cause });
  if (readS3 === undefined) throw refused();
  const bytes = await readS3(reference).catch((error: unknown) => {
    throw error instanceof InvalidRequest ? refused(error) : error;
  });
  return { name: reference.key, bytes };
}
