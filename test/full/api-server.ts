/** The server with all that a deployment may have, for programs that know it by `/openapi.json` alone. */
import assert from 'node:assert/strict';
import {
  DEFAULT_MAX_OBJECT_BYTES,
  DEFAULT_RESULTS_PREFIX,
  DEFAULT_UPLOADS_PREFIX,
} from '../../src/aws/places.ts';
import { createS3Client } from '../../src/aws/s3-client.ts';
import { DEFAULT_BUNDLE, loadCaptioner } from '../../src/model/load.ts';
import { captionObject } from '../../src/s3/caption-object.ts';
import { PHOTO, startTarget } from '../server/harness.ts';
import { startFakeS3 } from '../support/aws/fake-s3.ts';

/** What examples in the document name. */
const KEY = '2026/coffee.jpg';
export const UPLOAD_ID = 'dGhlIGlkIG9mIGFuIGFubm91bmNlbWVu';

export interface Api {
  url: string;
  close(): Promise<void>;
}

/** What the document's examples name is there: an object, and an upload that was captioned. */
export async function startApi(): Promise<Api> {
  const store = await startFakeS3(['photos', 'results']);
  // Also for the server, a process of its own.
  Object.assign(process.env, {
    AWS_ENDPOINT_URL_S3: store.url,
    AWS_REGION: 'eu-west-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
  });
  const server = await startTarget({
    port: 0,
    workers: 2,
    allowedBuckets: ['photos'],
    uploadsBucket: 'photos',
    resultsBucket: 'results',
  });
  const document = await (await fetch(`${server.url}/openapi.json`)).text();
  for (const name of [KEY, UPLOAD_ID]) assert.ok(document.includes(name), name);
  const upload = `${DEFAULT_UPLOADS_PREFIX}${UPLOAD_ID}`;
  for (const key of [KEY, upload]) store.put('photos', key, PHOTO);
  const { caption, model } = await loadCaptioner(DEFAULT_BUNDLE, { threads: 1 });
  await captionObject(
    { bucket: 'photos', key: upload },
    {
      s3: createS3Client(),
      caption,
      model,
      allowedBuckets: ['photos'],
      results: { bucket: 'results', prefix: DEFAULT_RESULTS_PREFIX },
      maxObjectBytes: DEFAULT_MAX_OBJECT_BYTES,
    },
  );
  return {
    url: server.url,
    async close() {
      server.kill('SIGKILL');
      await server.ended;
      await store.close();
    },
  };
}
