import * as z from 'zod';

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html */
const BUCKET_NAME = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
/** What people copy from elsewhere, and what to write in its place. */
const NO_NAMES: readonly (readonly [form: RegExp, advice: string])[] = [
  [/^s3:\/\//i, ' alone, without s3:// and what follows the name'],
  [/^arn:[^:]*:s3:::/i, ' alone, which is what follows ::: in its ARN'],
  [/^arn:/i, '; an ARN of anything else, an access point too, is not read: name its bucket'],
  [/^https?:\/\//i, ' alone, not an address of the bucket, of an object or of the console'],
  [/\//, ' alone, without / and a prefix'],
  [/^/, ': 3 to 63 lower-case letters, digits, dots and hyphens'],
];

/** Values are not quoted in what is wrong with them: they may come from the environment. */
export const bucketName = z.string().regex(BUCKET_NAME, {
  error: ({ input }) =>
    `expected the name of a bucket${NO_NAMES.find(([form]) => form.test(String(input)))![1]}`,
});

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

/** True for what consoles and other programs write where people make a folder: nothing, at a key that ends in `/`. */
export function isFolder(key: string, bytes: number): boolean {
  return bytes === 0 && key.endsWith('/');
}
