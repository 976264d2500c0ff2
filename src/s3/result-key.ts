/** Where the result of an image is: a key that anybody can work out from the image and the bundle. */
import { createHash } from 'node:crypto';
import { MAX_KEY_BYTES } from '../aws/object-reference.ts';
import type { CaptionOptionsInput } from '../caption/options.ts';

/** 64 bits of a SHA-256 tell all bundles of a deployment apart. */
const HASH_DIGITS = 16;
const OPTIONS_DIGITS = 8;
/** In place of what is too long or has characters that a key should not have. */
const DIGEST_DIGITS = 32;
const PLAIN_REVISION = /^[A-Za-z0-9._-]{1,64}$/;
/** Version id of objects from before a bucket kept versions: many contents share it. */
const NO_VERSION = 'null';

/** What a result is the result of. */
export interface ResultIdentity {
  bucket: string;
  key: string;
  /** Of `revisionOf`, or what else tells one content of the key from the next. */
  revision: string;
  /** SHA-256 of the bundle, hexadecimal. */
  modelHash: string;
  /** As asked for; nothing asked for is another result than the same values asked for. */
  options?: CaptionOptionsInput | undefined;
}

/** Tells the contents of one key apart: the version where the bucket keeps versions, the entity tag otherwise. */
export function revisionOf({ versionId, etag }: { versionId?: string | undefined; etag: string }): string {
  return versionId === undefined || versionId === NO_VERSION ? etag : versionId;
}

/**
 * `<prefix><bucket>/<key>/<revision>.<bundle>.json`, where `<bundle>` is the first 16 digits of the bundle's hash, and
 * `-` and 8 digits of a hash of the options where there are options. A key too long for that is cut, and `~` and 32
 * digits of its SHA-256 follow. At most 1,024 bytes.
 */
export function resultKey(prefix: string, identity: ResultIdentity): string {
  const start = `${prefix}${identity.bucket}/`;
  const revision = PLAIN_REVISION.test(identity.revision)
    ? identity.revision
    : sha256(identity.revision).slice(0, DIGEST_DIGITS);
  const end = `/${revision}.${identity.modelHash.slice(0, HASH_DIGITS)}${optionsSuffix(identity.options)}${ENDING}`;
  const room = MAX_KEY_BYTES - Buffer.byteLength(start) - Buffer.byteLength(end);
  return start + shortened(identity.key, room) + end;
}

const ENDING = '.json';
/** `HASH_DIGITS` of them, and the ending. */
const ANY_BUNDLE = /^[0-9a-f]{16}\.json$/;

/** What tells results of one content by any bundle, nothing asked for, from all others: how their keys start and end. */
export function resultsOfAnyBundle(
  prefix: string,
  identity: Omit<ResultIdentity, 'modelHash' | 'options'>,
): { start: string; isOne: (key: string) => boolean } {
  const end = `${'0'.repeat(HASH_DIGITS)}${ENDING}`;
  const start = resultKey(prefix, { ...identity, modelHash: '0'.repeat(HASH_DIGITS) }).slice(0, -end.length);
  return { start, isOne: (key) => key.startsWith(start) && ANY_BUNDLE.test(key.slice(start.length)) };
}

/** No bucket's name starts like this, so that lists never lie among the results of one. */
const LISTS = '_batches/';
const LIST_KEY = /(^|\/)_batches\/[0-9a-f]{64}\.json$/;

/** Where the list of a batch's outcomes is that is too long to be passed on: beside the results, named by its content. */
export function listKey(prefix: string, list: string): string {
  return `${prefix}${LISTS}${sha256(list)}.json`;
}

/** True for keys of `listKey`, which are no results. */
export function isListKey(key: string): boolean {
  return LIST_KEY.test(key);
}

function shortened(key: string, room: number): string {
  if (Buffer.byteLength(key) <= room) return key;
  const digest = `~${sha256(key).slice(0, DIGEST_DIGITS)}`;
  const bytes = Buffer.from(key).subarray(0, room - digest.length);
  // A character cut in half decodes as U+FFFD, which is longer than what it stands for.
  return bytes.toString('utf8').replace(/\uFFFD+$/, '') + digest;
}

/** Names sorted, so that the order in which options are written does not matter. */
function optionsSuffix(options: CaptionOptionsInput = {}): string {
  const asked = Object.entries(options).filter(([, value]) => value !== undefined);
  if (asked.length === 0) return '';
  const sorted = asked.sort(([a], [b]) => (a < b ? -1 : 1));
  return `-${sha256(JSON.stringify(sorted)).slice(0, OPTIONS_DIGITS)}`;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
