/** Clients of AWS as the program makes them, through a proxy. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, beforeEach, describe, type TestContext, test } from 'node:test';
import { ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { createS3Client } from '../../src/aws/s3-client.ts';
import { createStepFunctionsClient } from '../../src/bucket-run/execution.ts';
import { listObjects } from '../../src/bucket-run/list.ts';
import { readPlan } from '../../src/bucket-run/plan.ts';
import { readImage } from '../../src/s3/images.ts';
import { createSigningClient } from '../../src/s3/uploads.ts';
import { createSqsClient } from '../../src/server/queue-consumer.ts';
import { type FakeS3, startFakeS3 } from '../support/aws/fake-s3.ts';
import { temporaryDirectory } from '../support/bundles.ts';
import { rejectsWith } from '../support/errors.ts';
import {
  setEnvironment,
  setProxies,
  startHttps,
  startProxy,
  trustTestAuthority,
} from '../support/network/servers.ts';

const IMAGE = { bucket: 'photos', key: 'a.jpg' };
const BYTES = Buffer.from('the bytes of an image');
const { path: directory, dispose } = temporaryDirectory();
const token = join(directory, 'token');
let fake: FakeS3;

before(async () => {
  trustTestAuthority();
  writeFileSync(token, 'token');
  fake = await startFakeS3(['photos']);
  fake.put(IMAGE.bucket, IMAGE.key, BYTES);
});
after(async () => {
  dispose();
  await fake.close();
});
beforeEach((t) =>
  setEnvironment(t as TestContext, {
    AWS_REGION: 'eu-west-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_MAX_ATTEMPTS: '1',
    AWS_EC2_METADATA_DISABLED: 'true',
  }),
);

describe('through the proxy of the environment go', () => {
  test('objects, over TLS in a tunnel', async (t) => {
    const secure = await startHttps(t, (_request, response) => {
      response.writeHead(200, { etag: '"1"', 'content-length': BYTES.length }).end(BYTES);
    });
    const proxy = await startProxy(t);
    setProxies(t, { HTTPS_PROXY: `http://me:secret@127.0.0.1:${proxy.port}` });
    setEnvironment(t, { AWS_ENDPOINT_URL_S3: `https://127.0.0.1:${secure}` });
    const s3 = createS3Client();
    t.after(() => s3.destroy());
    for (let i = 0; i < 3; i++) {
      assert.deepEqual(Buffer.from(await readImage(s3, IMAGE, { maxBytes: 100 })), BYTES);
    }
    assert.deepEqual(proxy.asked, [`CONNECT 127.0.0.1:${secure} as me:secret`]);
  });

  test('objects of an endpoint without TLS', async (t) => {
    const proxy = await startProxy(t);
    setProxies(t, { HTTP_PROXY: `http://me:secret@127.0.0.1:${proxy.port}` });
    setEnvironment(t, { AWS_ENDPOINT_URL_S3: fake.url });
    const s3 = createS3Client();
    t.after(() => s3.destroy());
    assert.deepEqual(Buffer.from(await readImage(s3, IMAGE, { maxBytes: 100 })), BYTES);
    assert.match(
      proxy.asked[0]!,
      /^GET http:\/\/127\.0\.0\.1:\d+\/photos\/a\.jpg\?x-id=GetObject as me:secret$/,
    );
    setProxies(t, { HTTP_PROXY: `http://127.0.0.1:${proxy.port}`, NO_PROXY: '127.0.0.0/8' });
    const direct = createS3Client();
    t.after(() => direct.destroy());
    await readImage(direct, IMAGE, { maxBytes: 100 });
    assert.equal(proxy.asked.length, 1);
  });

  const asks: [what: string, ask: () => Promise<unknown>, asked: string][] = [
    [
      'lists',
      () => listObjects(createS3Client(), { bucket: 'photos', prefix: '' }).next(),
      'photos.s3.eu-west-1',
    ],
    [
      'queues',
      () =>
        createSqsClient().send(
          new ReceiveMessageCommand({ QueueUrl: 'https://sqs.eu-west-1.amazonaws.com/1/q' }),
        ),
      'sqs.eu-west-1',
    ],
    [
      'state machines',
      () => readPlan(createStepFunctionsClient(), 'arn:aws:states:eu-west-1:123456789012:stateMachine:a'),
      'states.eu-west-1',
    ],
  ];
  for (const [what, ask, asked] of asks) {
    test(what, async (t) => {
      const proxy = await startProxy(t, { refuse: 403 });
      setProxies(t, { HTTPS_PROXY: `http://127.0.0.1:${proxy.port}` });
      await assert.rejects(ask);
      assert.deepEqual(proxy.asked, [`CONNECT ${asked}.amazonaws.com:443`]);
    });
  }

  for (const [who, createClient] of Object.entries({
    createS3Client,
    createSqsClient,
    createStepFunctionsClient,
    createSigningClient,
  })) {
    test(`credentials of a role that ${who} needs`, async (t) => {
      const proxy = await startProxy(t, { refuse: 403 });
      setProxies(t, { HTTPS_PROXY: `http://127.0.0.1:${proxy.port}` });
      setEnvironment(t, {
        AWS_ACCESS_KEY_ID: '',
        AWS_SECRET_ACCESS_KEY: '',
        AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/reader',
        AWS_WEB_IDENTITY_TOKEN_FILE: token,
      });
      await assert.rejects(createClient().config.credentials());
      assert.deepEqual([...new Set(proxy.asked)], ['CONNECT sts.eu-west-1.amazonaws.com:443']);
    });
  }
});

describe('a proxy in the way of AWS is told in one line:', () => {
  const list = () => listObjects(createS3Client(), { bucket: 'photos', prefix: '' }).next();
  test('one that wants a password', async (t) => {
    const proxy = await startProxy(t, { refuse: 407 });
    setProxies(t, { HTTPS_PROXY: `http://me:secret@127.0.0.1:${proxy.port}` });
    const { message } = await rejectsWith(list(), 'UpstreamUnavailable');
    assert.match(
      message,
      /^listing s3:\/\/photos\/: the proxy 127\.0\.0\.1:\d+ wants a name and a password, or others \(status 407\)\. Give/,
    );
    assert.doesNotMatch(message, /secret|\n/);
  });

  test('one that wants a password for an endpoint without TLS', async (t) => {
    const proxy = await startProxy(t, { refuse: 407 });
    setProxies(t, { HTTP_PROXY: `http://127.0.0.1:${proxy.port}` });
    setEnvironment(t, { AWS_ENDPOINT_URL_S3: 'http://s3.example.invalid' });
    const { message } = await rejectsWith(list(), 'UpstreamUnavailable');
    assert.match(message, /wants a name and a password/);
  });

  test('one that is not there', async (t) => {
    setProxies(t, { HTTPS_PROXY: 'http://me:secret@127.0.0.1:9' });
    const { message } = await rejectsWith(list(), 'UpstreamUnavailable');
    assert.match(
      message,
      /the proxy 127\.0\.0\.1:9 cannot be reached: 127\.0\.0\.1:9 refuses connections \(ECONNREFUSED\)\. Check HTTPS_PROXY/,
    );
    const image = await rejectsWith(
      readImage(createS3Client(), IMAGE, { maxBytes: 1 }),
      'UpstreamUnavailable',
    );
    assert.match(image.message, /^s3:\/\/photos\/a\.jpg: the proxy/);
  });

  test('one that is none', async (t) => {
    setProxies(t, { HTTPS_PROXY: 'socks5://me:secret@127.0.0.1:9' });
    for (const create of [createS3Client, createSqsClient, createStepFunctionsClient, createSigningClient]) {
      assert.throws(create, {
        name: 'InvalidRequest',
        message: /^HTTPS_PROXY: expected the address of a proxy/,
      });
    }
  });

  test('a certificate of AWS that nobody vouches for, as where a proxy looks into everything', async (t) => {
    setProxies(t, {});
    const port = await startHttps(t, (_, response) => response.end(), 'alone');
    setEnvironment(t, { AWS_ENDPOINT_URL_S3: `https://127.0.0.1:${port}` });
    const { message } = await rejectsWith(list(), 'UpstreamUnavailable');
    assert.match(message, /127\.0\.0\.1 signed its certificate by itself .*NODE_EXTRA_CA_CERTS/);
  });
});
