import { paginateListObjectsV2, type S3Client } from '@aws-sdk/client-s3';
import type { Place } from '../aws/places.ts';
import { requestFailureOf } from '../aws/request-failures.ts';

export interface ListedObject {
  key: string;
  bytes: number;
}

/**
 * Pages of up to 1,000 objects, in the order of their keys.
 * @throws InvalidRequest, UpstreamUnavailable
 */
export async function* listObjects(s3: S3Client, { bucket, prefix }: Place): AsyncGenerator<ListedObject[]> {
  try {
    for await (const page of paginateListObjectsV2({ client: s3 }, { Bucket: bucket, Prefix: prefix })) {
      yield (page.Contents ?? []).map(({ Key = '', Size = 0 }) => ({ key: Key, bytes: Size }));
    }
  } catch (error) {
    throw requestFailureOf(error, `listing s3://${bucket}/${prefix}`);
  }
}
