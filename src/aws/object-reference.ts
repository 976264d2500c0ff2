import * as z from 'zod';

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html */
export const bucketName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'expected the name of a bucket');

/** S3's limit, in bytes of UTF-8. */
export const MAX_KEY_BYTES = 1024;
const name = z.string().min(1).max(MAX_KEY_BYTES);

/** An object of S3, or one version of it; `key` as S3 stores it, not URL-encoded. */
export const objectReferenceSchema = z.strictObject({
  bucket: bucketName,
  key: name,
  versionId: name.optional(),
});
export type ObjectReference = z.output<typeof objectReferenceSchema>;

/** `s3://bucket/key`, with the version where one is named. */
export function nameOf({ bucket, key, versionId }: ObjectReference): string {
  return `s3://${bucket}/${key}${versionId === undefined ? '' : `?versionId=${versionId}`}`;
}
