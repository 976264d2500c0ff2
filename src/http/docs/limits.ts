/** Bounds of requests, from the constants and settings that are in force. */
import type { Context } from 'hono';
import { html } from 'hono/html';
import {
  IMAGE_TYPES,
  MAX_COSTLY_PIXELS,
  MAX_DECODE_SECONDS,
  MAX_SHRUNK_PIXELS,
  MAX_WHOLE_PIXELS,
} from '../../caption/image-input.ts';
import { ALL_PROBLEMS, type AnyProblemCode } from '../failures.ts';
import type { AppEnv, AppParts } from '../parts.ts';
import { MAX_BYTES_BESIDE_TEXTS } from '../request/json.ts';
import { MAX_PART_HEADER_BYTES, MAX_PARTS } from '../request/multipart.ts';
import { type Definition, definitions, type Markup } from './markup.ts';

export interface Limit {
  what: string;
  value: string;
  /** What a request beyond it is answered with. */
  code: AnyProblemCode;
}

/** @param c a request to this deployment: what it says of the time that is left holds for any */
export function limitsOf(
  { maxBodyBytes, maxAnswerBytes, maxImages = MAX_PARTS, deadlineOf, readS3, uploads, limits = {} }: AppParts,
  c: Context<AppEnv>,
): Limit[] {
  const { headerBytes, requestTimeout, slowestBody, objectBytes, uploadBytes } = limits;
  const deadline = deadlineOf?.(c);
  // Before anything else: the first number that is written takes a while.
  const now = Date.now();
  const all: (Limit | false)[] = [
    { what: 'Body of a request', value: bytes(maxBodyBytes), code: 'ImageTooLarge' },
    maxAnswerBytes !== undefined && {
      what: 'Answer with captions, its quotes escaped',
      value: bytes(maxAnswerBytes),
      code: 'InvalidRequest',
    },
    headerBytes !== undefined && {
      what: 'Headers of a request',
      value: bytes(headerBytes),
      code: 'HeadersTooLarge',
    },
    { what: 'Kinds of images', value: IMAGE_TYPES.join(', '), code: 'UnsupportedImage' },
    { what: 'Pixels of an image', value: pixelsText(limits.pixels), code: 'ImageTooLarge' },
    { what: 'Time to decode an image', value: `${MAX_DECODE_SECONDS} s`, code: 'DeadlineExceeded' },
    { what: 'Images in a form, other parts counted', value: number(maxImages), code: 'InvalidRequest' },
    { what: 'Headers of a part of a form', value: bytes(MAX_PART_HEADER_BYTES), code: 'MalformedRequest' },
    { what: 'JSON beside its texts', value: bytes(MAX_BYTES_BESIDE_TEXTS), code: 'InvalidRequest' },
    readS3 !== undefined && {
      what: 'Image in S3',
      value: bytes(objectBytes ?? maxBodyBytes),
      code: 'ImageTooLarge',
    },
    uploads !== undefined &&
      uploadBytes !== undefined && { what: 'Upload', value: bytes(uploadBytes), code: 'ImageTooLarge' },
    requestTimeout !== undefined && {
      what: 'Time for a request to arrive, from its first byte to its last',
      value: `${requestTimeout / 1000} s`,
      code: 'RequestTimeout',
    },
    slowestBody !== undefined && {
      what: `What a body brings in each ${slowestBody.milliseconds / 1000} s until it is there, at least`,
      value: bytes(slowestBody.bytes),
      code: 'RequestTimeout',
    },
    deadline !== undefined && {
      what: 'Time from a request to its answer, its images together',
      value: `${seconds(deadline - now)} s`,
      code: 'DeadlineExceeded',
    },
  ];
  return all.filter((limit) => limit !== false);
}

export function limitsSection(limits: readonly Limit[]): Markup {
  const rows: Definition[] = limits.map(({ what, value, code }) => ({
    term: what,
    meaning: html`${value}. Otherwise: <a href="#${code}">${code}</a> (${ALL_PROBLEMS[code].status})`,
  }));
  return html`${definitions(rows)}`;
}

/** By kind, where the deployment has no limit of its own. */
function pixelsText(limit: number | undefined): string {
  if (limit !== undefined) return number(limit);
  const kinds = [
    `${number(MAX_SHRUNK_PIXELS)} of WebP and of JPEG that is not progressive`,
    `${number(MAX_COSTLY_PIXELS)} of AVIF`,
    `${number(MAX_WHOLE_PIXELS)} of others`,
  ];
  return kinds.join(', ');
}

/** A part of it has passed already, in milliseconds. */
function seconds(milliseconds: number): number {
  return Math.round(milliseconds / 100) / 10;
}

const UNITS = [
  [1 << 20, 'MiB'],
  [1 << 10, 'KiB'],
] as const;

function bytes(count: number): string {
  const [size, unit] = UNITS.find(([least]) => count >= least) ?? [1, ''];
  const short = unit === '' ? '' : ` (${Math.round((count / size) * 10) / 10} ${unit})`;
  return `${number(count)} bytes${short}`;
}

function number(count: number): string {
  return count.toLocaleString('en');
}
