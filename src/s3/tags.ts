/** The caption as a tag of the object that it describes, beside the tags that others gave it. */
import {
  GetObjectTaggingCommand,
  PutObjectTaggingCommand,
  type S3Client,
  type Tag,
} from '@aws-sdk/client-s3';
import { imageFailureOf, isMissing } from '../aws/object-failures.ts';
import type { ObjectReference } from '../aws/object-reference.ts';
import { until } from './images.ts';

const CAPTION_TAG = 'caption';
/** Limits of S3. https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html */
const MAX_TAGS = 10;
const MAX_VALUE_LENGTH = 256;
/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_Tag.html */
const NOT_ALLOWED = /[^\p{L}\p{Z}\p{N}_.:/=+\-@]+/gu;

/** `no room`: the object has ten tags of others. `gone`: there is no object any more. */
export type Tagging = 'tagged' | 'no room' | 'gone';

/**
 * S3 writes all tags of an object at once: one that somebody else writes in between is lost.
 * @param deadline milliseconds since the epoch
 * @throws ObjectRefused, UpstreamUnavailable, DeadlineExceeded
 */
export async function tagObject(
  s3: S3Client,
  { bucket: Bucket, key: Key, versionId: VersionId }: ObjectReference,
  caption: string,
  deadline?: number,
): Promise<Tagging> {
  const object = { Bucket, Key, VersionId };
  const tag = { Key: CAPTION_TAG, Value: tagValue(caption) };
  const limit = until(deadline);
  try {
    const { TagSet = [] } = await s3.send(new GetObjectTaggingCommand(object), limit);
    if (TagSet.some((t) => t.Key === tag.Key && t.Value === tag.Value)) return 'tagged';
    const tags: Tag[] = [...TagSet.filter((t) => t.Key !== tag.Key), tag];
    if (tags.length > MAX_TAGS) return 'no room';
    await s3.send(new PutObjectTaggingCommand({ ...object, Tagging: { TagSet: tags } }), limit);
    return 'tagged';
  } catch (error) {
    if (isMissing(error)) return 'gone';
    throw imageFailureOf(error, { bucket: Bucket, key: Key, versionId: VersionId }, limit.abortSignal, 'tag');
  }
}

/** What a tag may not have becomes a space; cut at a word. */
export function tagValue(caption: string): string {
  const clean = caption.replace(NOT_ALLOWED, ' ').replace(/\s+/g, ' ').trim();
  if (clean.length <= MAX_VALUE_LENGTH) return clean;
  const cut = clean.slice(0, MAX_VALUE_LENGTH + 1);
  const end = cut.lastIndexOf(' ');
  // A single word that long is cut between characters, never inside of one.
  return end > 0
    ? cut.slice(0, end)
    : cut
        .slice(0, MAX_VALUE_LENGTH)
        .toWellFormed()
        .replace(/\uFFFD$/, '');
}
