import assert from 'node:assert/strict';
import { syncBuiltinESMExports } from 'node:module';
import os from 'node:os';
import { after, before, describe, it } from 'node:test';
import type { S3Client } from '@aws-sdk/client-s3';
import { type RequestLimits, requestsOf } from '../../src/aws/client.ts';
import type { Agents } from '../../src/net/agents.ts';
import { readImage } from '../../src/s3/images.ts';
import { clientOf } from '../s3/fake-client.ts';
import { type FakeS3, startFakeS3 } from '../support/aws/fake-s3.ts';
import { rejectsWith } from '../support/errors.ts';
import { setEnvironment, setProxies } from '../support/network/servers.ts';

const IMAGE = { bucket: 'photos', key: 'a.jpg' };

let fake: FakeS3;
let s3: S3Client;

before(async () => {
  fake = await startFakeS3(['photos']);
  fake.put(IMAGE.bucket, IMAGE.key, Buffer.alloc(1_000_000));
  s3 = clientOf(fake);
});
after(() => fake.close());

describe('the S3 client', () => {
  it('tries three times, waits 2 s for a connection, and 5 s for an answer or the next piece of one', async () => {
    await readImage(s3, IMAGE, { maxBytes: 1_000_000 });
    assert.equal(await s3.config.maxAttempts(), 3);
    const handler = s3.config.requestHandler as unknown as { httpHandlerConfigs: () => RequestLimits };
    const { connectionTimeout, requestTimeout, throwOnRequestTimeout, socketTimeout } =
      handler.httpHandlerConfigs();
    assert.deepEqual(
      { connectionTimeout, requestTimeout, throwOnRequestTimeout, socketTimeout },
      { connectionTimeout: 2_000, requestTimeout: 5_000, throwOnRequestTimeout: true, socketTimeout: 5_000 },
    );
  });

  it('keeps up to fifty connections where there is a proxy, and has none of ours where there is none', (t) => {
    setProxies(t, {});
    assert.deepEqual(requestsOf({ socketTimeout: 7 }), { requestHandler: { socketTimeout: 7 } });
    setProxies(t, { HTTPS_PROXY: 'http://127.0.0.1:9' });
    const { httpAgent, httpsAgent } = requestsOf().requestHandler as unknown as Agents;
    for (const agent of [httpAgent, httpsAgent]) {
      const { keepAlive, maxSockets } = agent as unknown as { keepAlive: boolean; maxSockets: number };
      assert.deepEqual([keepAlive, maxSockets], [true, 50]);
    }
  });

  it('finds a home that is none for a user who has none, and leaves every other where it is', (t) => {
    setEnvironment(t, { HOME: '/home/me' });
    requestsOf();
    assert.equal(process.env.HOME, '/home/me');
    const { mock } = t.mock.method(os, 'homedir', () => {
      throw new Error('uv_os_homedir returned ENOENT');
    });
    syncBuiltinESMExports();
    t.after(() => {
      mock.restore();
      syncBuiltinESMExports();
    });
    delete process.env.HOME;
    requestsOf();
    assert.equal(process.env.HOME, '/nonexistent');
  });

  it('gives a body up that stops coming, without anybody setting a deadline', async () => {
    fake.onRequest(() => ({ kind: 'stall' }));
    const start = Date.now();
    await rejectsWith(readImage(s3, IMAGE, { maxBytes: 1_000_000 }), 'UpstreamUnavailable');
    assert.ok(Date.now() - start < 10_000);
  });
});
