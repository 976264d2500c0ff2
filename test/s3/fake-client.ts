import type { S3Client } from '@aws-sdk/client-s3';
import { createS3Client } from '../../src/aws/s3-client.ts';
import type { FakeS3 } from '../support/aws/fake-s3.ts';

/** The program's own client, which finds the fake as it would find S3: through the environment. */
export function clientOf(fake: FakeS3): S3Client {
  Object.assign(process.env, {
    AWS_ENDPOINT_URL_S3: fake.url,
    AWS_REGION: 'eu-west-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
  });
  return createS3Client();
}
