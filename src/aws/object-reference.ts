/** An object of S3, or one version of it; `key` as S3 stores it, not URL-encoded. */
export interface ObjectReference {
  bucket: string;
  key: string;
  versionId?: string | undefined;
}

/** `s3://bucket/key`, with the version where one is named. */
export function nameOf({ bucket, key, versionId }: ObjectReference): string {
  return `s3://${bucket}/${key}${versionId === undefined ? '' : `?versionId=${versionId}`}`;
}
