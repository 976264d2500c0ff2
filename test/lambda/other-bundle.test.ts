/** `GET /captions/{id}` over the functions as they are packed, while the model changes under it. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, it, type TestContext } from 'node:test';
import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import type { RecordedOutcome } from '../../src/caption/result.ts';
import { type FakeS3, startFakeS3 } from '../support/aws/fake-s3.ts';
import { copyBundle, temporaryDirectory } from '../support/bundles.ts';
import { COFFEE } from '../support/samples.ts';
import { objectEnvironment, type PackedFunction, pack } from './packed-function.ts';

const ID = 'Ab0_-'.repeat(7).slice(0, 32);
const KEY = `uploads/${ID}`;
const place = temporaryDirectory();

let fake: FakeS3;
let functions: Record<'http' | 'queue', PackedFunction>;
before(async () => {
  fake = await startFakeS3(['photos', 'results']);
  const environment = objectEnvironment(fake);
  const uploads = { UPLOADS_BUCKET: 'photos', UPLOADS_PREFIX: 'uploads/', RESULTS_PREFIX: 'captions/' };
  functions = {
    http: await pack('http', { ...environment, ...uploads }),
    queue: await pack('queue', environment),
  };
  fake.put('photos', KEY, readFileSync(COFFEE));
});
after(async () => {
  for (const { dispose } of Object.values(functions)) dispose();
  place.dispose();
  await fake.close();
});

/** Directory of a bundle that says the same under another name, and so with another hash. */
function bundleCalled(name: string): string {
  const bundle = copyBundle(place.make(name));
  bundle.editManifest((manifest) => {
    manifest.name = name;
  });
  return bundle.directory;
}

async function captionWith(model: string, t: TestContext): Promise<void> {
  const detail = { bucket: { name: 'photos' }, object: { key: KEY } };
  const body = JSON.stringify({ source: 'aws.s3', 'detail-type': 'Object Created', detail });
  const lambda = await functions.queue.startFor(t, { environment: { MODEL_DIR: model } });
  const Records = [{ messageId: '1', body, eventSource: 'aws:sqs' }];
  assert.deepEqual(await lambda.invoke({ Records }), { payload: { batchItemFailures: [] } });
}

it('an upload that another bundle captioned has its outcome, until the present one has captioned it', async (t) => {
  const [earlier, present] = [bundleCalled('earlier'), bundleCalled('present')];
  const http = await functions.http.startFor(t, { environment: { MODEL_DIR: present } });
  const ask = async (): Promise<[status: number | undefined, model: string | undefined]> => {
    const path = `/captions/${ID}`;
    const event = {
      version: '2.0',
      rawPath: path,
      rawQueryString: '',
      headers: { host: 'captions.example' },
      requestContext: {
        domainName: 'captions.example',
        requestId: '1',
        stage: '$default',
        http: { method: 'GET', path, protocol: 'HTTP/1.1', sourceIp: '192.0.2.1', userAgent: 'test' },
      },
      isBase64Encoded: false,
    };
    const answered = await http.invoke(event);
    assert.ok('payload' in answered, JSON.stringify(answered));
    const { statusCode, body = '' } = answered.payload as APIGatewayProxyStructuredResultV2;
    const outcome = JSON.parse(body) as RecordedOutcome | { status: 'pending' };
    return [statusCode, outcome.status === 'captioned' ? outcome.result.model.name : undefined];
  };
  assert.deepEqual(await ask(), [202, undefined]);
  await captionWith(earlier, t);
  assert.deepEqual(await ask(), [200, 'earlier']);
  await captionWith(present, t);
  assert.deepEqual(await ask(), [200, 'present']);
});
