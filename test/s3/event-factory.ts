/** Events as S3 sends them, with the fields that matter and some that do not. */

export interface RecordFields {
  versionId?: string;
  sequencer?: string;
}

/** @param key as a notification spells it, URL-encoded */
export function record(
  bucket: string,
  key: string,
  object: RecordFields = {},
  eventName = 'ObjectCreated:Put',
) {
  return {
    eventVersion: '2.1',
    eventSource: 'aws:s3',
    awsRegion: 'eu-west-1',
    eventTime: '2026-01-01T00:00:00.000Z',
    eventName,
    s3: {
      s3SchemaVersion: '1.0',
      bucket: { name: bucket, arn: `arn:aws:s3:::${bucket}` },
      object: { key, size: 1024, eTag: '0123456789abcdef0123456789abcdef', ...object },
    },
  };
}

/** Body of a message that holds these records. */
export function notification(records: object[]): string {
  return JSON.stringify({ Records: records });
}

/** The encoding of keys in notifications. */
export function encodedKey(key: string): string {
  return encodeURIComponent(key).replaceAll('%20', '+').replaceAll('%2F', '/');
}

/** Body of a message from a rule of EventBridge. */
export function detail(bucket: string, key: string, object: Record<string, string> = {}): string {
  return JSON.stringify({
    version: '0',
    id: '17793124-05d4-b198-2fde-7ededc63b103',
    'detail-type': 'Object Created',
    source: 'aws.s3',
    account: '123456789012',
    time: '2026-01-01T00:00:00Z',
    region: 'eu-west-1',
    resources: [`arn:aws:s3:::${bucket}`],
    detail: {
      version: '0',
      bucket: { name: bucket },
      object: { key, size: 1024, etag: '0123456789abcdef0123456789abcdef', ...object },
      reason: 'PutObject',
    },
  });
}

/** Body of a message that a topic of SNS delivers, which is not told to deliver what it gets as it is. */
export function throughTopic(message: string, type = 'Notification'): string {
  return JSON.stringify({
    Type: type,
    MessageId: '8d1f4f0e-0000-5000-8000-000000000001',
    TopicArn: 'arn:aws:sns:eu-west-1:123456789012:uploads',
    Subject: 'Amazon S3 Notification',
    Message: message,
    Timestamp: '2026-01-01T00:00:00.000Z',
    SignatureVersion: '1',
    Signature: 'c2lnbmF0dXJl',
    SigningCertURL: 'https://sns.eu-west-1.amazonaws.com/cert.pem',
    UnsubscribeURL: 'https://sns.eu-west-1.amazonaws.com/',
  });
}
