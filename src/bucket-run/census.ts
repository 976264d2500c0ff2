/** Counting what a run over a bucket would look at, by what the names promise. */
import type { S3Client } from '@aws-sdk/client-s3';
import { isFolder } from '../aws/object-reference.ts';
import type { Place } from '../aws/places.ts';
import { kindOfEnding } from '../caption/image-input.ts';
import { listObjects } from './list.ts';

/** What is no image by the ending of its name. */
export const OTHER = 'other';

export interface Tally {
  objects: number;
  bytes: number;
}

export interface Census extends Tally {
  /** By image type, as names end; `other` for what is no image by its name. */
  types: Record<string, Tally>;
}

/**
 * @param report called after each page
 * @throws InvalidRequest, UpstreamUnavailable
 */
export async function countObjects(
  s3: S3Client,
  place: Place,
  report: (sofar: Tally) => void = () => undefined,
): Promise<Census> {
  const census: Census = { objects: 0, bytes: 0, types: {} };
  for await (const page of listObjects(s3, place)) {
    for (const { key, bytes } of page) {
      if (isFolder(key, bytes)) continue;
      census.types[typeOf(key)] ??= { objects: 0, bytes: 0 };
      for (const tally of [census, census.types[typeOf(key)]!]) {
        tally.objects += 1;
        tally.bytes += bytes;
      }
    }
    report(census);
  }
  return census;
}

/** `2026/Beach.JPG` → `jpeg`. */
export function typeOf(key: string): string {
  const ending = /\.([^./]+)$/.exec(key)?.[1]?.toLowerCase() ?? '';
  return kindOfEnding(ending) ?? OTHER;
}
