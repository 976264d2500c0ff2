import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import type { CaptionResult } from '../../src/caption/result.ts';
import type { BatchOutcome, Refusal } from '../../src/lambda/workflow-output.ts';
import type { ResultDocument } from '../../src/s3/results.ts';
import { type FakeS3, startFakeS3 } from '../support/aws/fake-s3.ts';
import { copyBundle, temporaryDirectory } from '../support/bundles.ts';
import type { Invocation } from '../support/runtime-api/runtime-api.ts';
import { COFFEE } from '../support/samples.ts';
import { metricsOf, objectEnvironment, type PackedFunction, pack } from './packed-function.ts';

const PHOTO = readFileSync(COFFEE);
const NO_IMAGE = Buffer.from('no image');

let fake: FakeS3;
let workflow: PackedFunction;

before(async () => {
  workflow = await pack('workflow', {});
});
after(() => workflow.dispose());
beforeEach(async () => {
  fake = await startFakeS3(['photos', 'versions', 'results'], ['versions']);
});
afterEach(() => fake.close());

function payloadOf<T>(invocation: Invocation): T {
  assert.ok('payload' in invocation, JSON.stringify(invocation));
  return invocation.payload as T;
}

/** What a state machine's Retry sees, and Lambda counts as an error. */
function errorName(invocation: Invocation): string | undefined {
  return 'error' in invocation ? invocation.error.errorType : undefined;
}

/** What a state machine's Choice sees. */
function refusalIn(invocation: Invocation): { code: string; message: string } {
  const { status, error } = payloadOf<Refusal>(invocation);
  assert.equal(status, 'failed');
  assert.notEqual(error.message, '');
  return error;
}

describe('the workflow function, for one image', () => {
  it('answers with the document that it wrote, and with the same one the next time', async (t) => {
    fake.put('photos', 'a b+c.jpg', PHOTO);
    const lambda = await workflow.startFor(t, { environment: objectEnvironment(fake) });
    const event = { bucket: 'photos', key: 'a b+c.jpg', options: { count: 1 } };
    const first = payloadOf<ResultDocument>(await lambda.invoke(event));
    assert.ok(first.status === 'captioned');
    assert.equal(first.result.captions.length, 1);
    const [key] = fake.keys('results');
    assert.deepEqual(JSON.parse(fake.get('results', key!)!.bytes.toString()), first);
    assert.deepEqual(payloadOf(await lambda.invoke(event)), first);
    assert.equal(
      fake.requests.filter(({ method, bucket }) => method === 'GET' && bucket === 'photos').length,
      1,
    );
  });

  it('captions an image that comes as base64 and touches no S3', async (t) => {
    const lambda = await workflow.startFor(t, { environment: objectEnvironment(fake) });
    const image = PHOTO.toString('base64');
    const result = payloadOf<CaptionResult>(await lambda.invoke({ image, options: { beamWidth: 1 } }));
    assert.equal(result.captions.length, 1);
    assert.equal(result.format, 'jpeg');
    assert.deepEqual(fake.requests, []);
    assert.deepEqual(metricsOf(lambda).Captions, [1]);
  });

  it('reads base64 in every way that it is read over HTTP', async (t) => {
    const lambda = await workflow.startFor(t, { environment: objectEnvironment(fake) });
    const image = PHOTO.toString('base64');
    const lines = image.replaceAll(/(.{76})/g, '$1\r\n');
    const forUrls = PHOTO.toString('base64url');
    const options = { beamWidth: 1 };
    const expected = payloadOf<CaptionResult>(await lambda.invoke({ image, options })).captions;
    for (const spelt of [image.replace(/=+$/, ''), lines, forUrls, `data:image/jpeg;base64,${lines}`])
      assert.deepEqual(
        payloadOf<CaptionResult>(await lambda.invoke({ image: spelt, options })).captions,
        expected,
        spelt.slice(0, 30),
      );
    const wrong = [
      '',
      ' ',
      ` ${image}`,
      'data:image/jpeg,abc',
      'https://example.com/a.jpg',
      '+_8=',
      'YR==',
      7,
    ];
    for (const image of wrong)
      assert.equal(
        refusalIn(await lambda.invoke({ image })).code,
        'InvalidRequest',
        String(image).slice(0, 30),
      );
  });

  it("answers with an input's own fault, recorded or not, and no invocation fails for it", async (t) => {
    fake.put('photos', 'text.jpg', NO_IMAGE);
    const lambda = await workflow.startFor(t, {
      environment: { ...objectEnvironment(fake), MAX_OBJECT_BYTES: '1000' },
    });
    fake.put('photos', 'large.jpg', PHOTO);
    const text = { bucket: 'photos', key: 'text.jpg' };
    const cases: [event: unknown, code: string, lines: string][] = [
      [text, 'UnsupportedImage', 'recorded a failure'],
      // Again, from what was recorded.
      [text, 'UnsupportedImage', 'done before'],
      [{ bucket: 'photos', key: 'large.jpg' }, 'ImageTooLarge', 'recorded a failure'],
      [{ bucket: 'photos', key: 'gone.jpg' }, 'ImageNotFound', 'recorded a failure'],
      [{ bucket: 'elsewhere', key: 'a.jpg' }, 'InvalidRequest', 'failed'],
      [{ image: NO_IMAGE.toString('base64') }, 'UnsupportedImage', 'failed'],
    ];
    for (const [event, code] of cases)
      assert.equal(refusalIn(await lambda.invoke(event)).code, code, JSON.stringify(event));
    const { source, model } = payloadOf<ResultDocument>(await lambda.invoke(text));
    assert.deepEqual([source.key, typeof model.hash], ['text.jpg', 'string']);
    const lines = (lambda.logs() as Record<string, unknown>[]).filter(({ message }) =>
      ['failed', 'recorded a failure', 'done before'].includes(String(message)),
    );
    assert.deepEqual(
      lines.slice(0, -1).map(({ message, correlation_id }) => [message, correlation_id]),
      cases.map(([, , line], i) => [line, `request-${i + 1}`]),
    );
    // Each once, and not again when it is told from what was recorded.
    assert.deepEqual(metricsOf(lambda).Failures, [1, 1, 1, 1, 1]);
    assert.equal(lambda.starts(), 1);
  });

  it("fails by the name of what is not the input's own fault", async (t) => {
    fake.put('photos', 'a.jpg', PHOTO);
    const lambda = await workflow.startFor(t, { environment: objectEnvironment(fake) });
    for (const [status, code, name] of [
      [403, 'AccessDenied', 'ObjectRefused'],
      [503, 'SlowDown', 'UpstreamUnavailable'],
    ] as const) {
      fake.onRequest(() => ({ kind: 'error', status, code }));
      assert.equal(errorName(await lambda.invoke({ bucket: 'photos', key: 'a.jpg' })), name);
    }
  });

  const wrong: [string, unknown][] = [
    ['nothing', null],
    ['a text', 'photos/a.jpg'],
    ['no key', { bucket: 'photos' }],
    ['a field that nobody knows', { bucket: 'photos', key: 'a.jpg', version: 'v1' }],
    ['an option out of bounds', { bucket: 'photos', key: 'a.jpg', options: { beamWidth: 99 } }],
    ['an unknown option', { bucket: 'photos', key: 'a.jpg', options: { temperature: 1 } }],
    ['no base64', { image: '***' }],
  ];
  const wrongBatches: [string, unknown][] = [
    ['an empty batch', { Items: [] }],
    ['too large a batch', { Items: Array(1001).fill({ Key: 'a.jpg' }), BatchInput: { bucket: 'photos' } }],
    ['items without keys', { Items: [{ ETag: 'e' }], BatchInput: { bucket: 'photos' } }],
    [
      'an unknown key encoding',
      { Items: [{ Key: 'a.jpg' }], BatchInput: { bucket: 'photos', keyEncoding: 'html' } },
    ],
  ];
  it('refuses events of another shape', async (t) => {
    const lambda = await workflow.startFor(t, { environment: objectEnvironment(fake) });
    for (const [what, event] of wrong)
      assert.equal(refusalIn(await lambda.invoke(event)).code, 'InvalidRequest', what);
    for (const [what, event] of wrongBatches)
      assert.equal(errorName(await lambda.invoke(event)), 'InvalidRequest', what);
    assert.deepEqual(fake.requests, []);
  });

  it('fails with ModelUnusable while its model is', async (t) => {
    const { path, dispose } = temporaryDirectory();
    t.after(dispose);
    copyBundle(path).editManifest((manifest) => {
      manifest.files.encoder.sha256 = '0'.repeat(64);
    });
    const lambda = await workflow.startFor(t, {
      environment: { ...objectEnvironment(fake), MODEL_DIR: path },
    });
    const event = { image: PHOTO.toString('base64') };
    for (let i = 0; i < 2; i++) assert.equal(errorName(await lambda.invoke(event)), 'ModelUnusable');
    assert.equal(lambda.starts(), 1);
  });
});

describe('the workflow function, for a batch of a Distributed Map', () => {
  it('captions what can be, and reports the rest item by item', async (t) => {
    for (const key of ['a.jpg', 'c.jpg']) fake.put('photos', key, PHOTO);
    fake.put('photos', 'b.jpg', NO_IMAGE);
    const lambda = await workflow.startFor(t, { environment: objectEnvironment(fake) });
    const Items = ['a.jpg', 'b.jpg', 'c.jpg', 'd.jpg'].map((Key) => ({
      Key,
      ETag: '"e"',
      Size: 1,
      StorageClass: 'STANDARD',
    }));
    Items.push({ Bucket: 'elsewhere', Key: 'e.jpg' } as never);
    const event = { Items, BatchInput: { bucket: 'photos' } };
    const outcome = payloadOf<BatchOutcome>(await lambda.invoke(event));
    assert.deepEqual([outcome.captioned, outcome.failed, outcome.skipped], [2, 3, 0]);
    const codes = outcome.results?.map((item) => item.code ?? item.status);
    assert.deepEqual(codes, [
      'captioned',
      'UnsupportedImage',
      'captioned',
      'ImageNotFound',
      'InvalidRequest',
    ]);
    const [first] = outcome.results!;
    const document = JSON.parse(fake.get('results', first!.result!.key)!.bytes.toString());
    assert.equal(first!.caption, document.result.captions[0].text);
    assert.equal(first!.probability, document.result.captions[0].probability);

    // A second run over the same objects reads no image.
    fake.requests.length = 0;
    const again = payloadOf<BatchOutcome>(await lambda.invoke(event));
    assert.deepEqual([again.captioned, again.failed, again.skipped], [0, 1, 4]);
    assert.ok(fake.requests.every(({ method, bucket }) => method !== 'GET' || bucket !== 'photos'));
  });

  it('reads rows of inventories and of CSV files', async (t) => {
    const { versionId } = fake.put('versions', 'a b+ü.jpg', PHOTO);
    fake.put('versions', 'a b+ü.jpg', NO_IMAGE);
    const lambda = await workflow.startFor(t, { environment: objectEnvironment(fake) });
    const inventory = {
      Bucket: 'versions',
      Key: 'a%20b%2B%C3%BC.jpg',
      VersionId: versionId,
      IsLatest: 'false',
      Size: '9',
    };
    const url = { Items: [inventory], BatchInput: { keyEncoding: 'url' } };
    assert.equal(payloadOf<BatchOutcome>(await lambda.invoke(url)).captioned, 1);
    const csv = {
      Items: [{ key: 'a b+ü.jpg', versionId: '', note: 'x' }],
      BatchInput: { bucket: 'versions' },
    };
    assert.equal(payloadOf<BatchOutcome>(await lambda.invoke(csv)).results?.[0]?.code, 'UnsupportedImage');
  });

  it('captions what a spreadsheet names, and reports the rows that name nothing', async (t) => {
    for (const key of ['a.jpg', 'b.jpg']) fake.put('photos', key, PHOTO);
    const lambda = await workflow.startFor(t, { environment: objectEnvironment(fake) });
    const Items = [
      { '\uFEFFkey': 'a.jpg', bucket: 'photos' },
      { '\uFEFFkey': '', bucket: 'photos' },
      { '\uFEFFkey': 'b.jpg', bucket: '' },
    ];
    const outcome = payloadOf<BatchOutcome>(await lambda.invoke({ Items, BatchInput: { bucket: 'photos' } }));
    assert.deepEqual([outcome.captioned, outcome.failed], [2, 1]);
    assert.deepEqual(outcome.results?.[1], {
      bucket: 'photos',
      key: '',
      status: 'failed',
      code: 'InvalidRequest',
      message: 'Items.1: names no key',
    });
    const lines = (lambda.logs() as Record<string, unknown>[]).filter(({ message }) => message === 'failed');
    assert.deepEqual(
      lines.map(({ code, reason }) => [code, reason]),
      [['InvalidRequest', 'Items.1: names no key']],
    );
    assert.deepEqual(metricsOf(lambda).Failures, [1]);
  });

  const refusals: [what: string, method: string, status: number, code: string, says: RegExp][] = [
    ['denied to a HEAD', 'HEAD', 403, 'AccessDenied', /: 403 Forbidden$/],
    ['encrypted by its sender', 'HEAD', 400, 'BadRequest', /: 400 Bad Request$/],
    ['in another region', 'HEAD', 301, 'PermanentRedirect', /: 301 .*, the bucket is in eu-west-3$/],
    ['denied, or its key is', 'GET', 403, 'AccessDenied', /: 403 AccessDenied$/],
    ['encrypted with a disabled key', 'GET', 400, 'KMS.DisabledException', /: 400 KMS.DisabledException$/],
    ['archived', 'GET', 403, 'InvalidObjectState', /archived/],
  ];
  it('captions what stands beside an object that S3 refuses, and that one later', async (t) => {
    const lambda = await workflow.startFor(t, { environment: objectEnvironment(fake) });
    const elsewhere = { 'x-amz-bucket-region': 'eu-west-3' };
    for (const [i, [what, method, status, code, says]] of refusals.entries()) {
      const keys = ['a', 'refused', 'c'].map((name) => `${i}/${name}.jpg`);
      for (const key of keys) fake.put('photos', key, PHOTO);
      fake.onRequest((asked) =>
        asked.bucket === 'photos' && asked.key === keys[1] && asked.method === method
          ? { kind: 'error', status, code, headers: status === 301 ? elsewhere : {} }
          : undefined,
      );
      const event = { Items: keys.map((Key) => ({ Key })), BatchInput: { bucket: 'photos' } };
      const first = payloadOf<BatchOutcome>(await lambda.invoke(event));
      assert.deepEqual([first.captioned, first.failed], [2, 1], what);
      assert.match(String(first.results?.[1]?.message), says);
      assert.ok(first.results?.[1]?.message?.includes(`s3://photos/${keys[1]}`));
      if (code !== 'InvalidObjectState') {
        assert.equal(first.results?.[1]?.code, 'ObjectRefused');
        const lines = lambda.logs() as Record<string, unknown>[];
        const line = lines.findLast(({ message }) => message === 'failed');
        assert.deepEqual([line?.level, line?.code], ['ERROR', 'ObjectRefused'], what);
        assert.match(String(line?.reason), says);
        assert.deepEqual(line?.source, { bucket: 'photos', key: keys[1] });
      }
      fake.onRequest(() => undefined);
      const { captioned, skipped } = payloadOf<BatchOutcome>(await lambda.invoke(event));
      assert.deepEqual([captioned, skipped], [1, 2], what);
    }
  });

  it('passes over folders and delete markers: no failure, no document', async (t) => {
    for (const bucket of ['photos', 'versions']) fake.put(bucket, '2026/', Buffer.alloc(0));
    fake.put('photos', '2026/a.jpg', PHOTO);
    const lambda = await workflow.startFor(t, { environment: objectEnvironment(fake) });
    const Items = [
      { Key: '2026/', Size: 0 },
      { Key: '2026/a.jpg', Size: PHOTO.length },
      { bucket: 'versions', key: '2026/' },
      {
        Bucket: 'versions',
        Key: 'gone.jpg',
        VersionId: 'v2',
        IsLatest: 'true',
        IsDeleteMarker: 'true',
        Size: '',
      },
    ];
    const event = { Items, BatchInput: { bucket: 'photos' } };
    const { results, ...counts } = payloadOf<BatchOutcome>(await lambda.invoke(event));
    assert.deepEqual(counts, { captioned: 1, failed: 0, skipped: 0 });
    assert.deepEqual(
      results?.map(({ key, status }) => [key, status]),
      [['2026/a.jpg', 'captioned']],
    );
    assert.equal(fake.keys('results').length, 1);
    assert.equal(metricsOf(lambda).Failures, undefined);
    const ignored = (lambda.logs() as Record<string, unknown>[]).filter(
      ({ message }) => message === 'ignored',
    );
    assert.deepEqual(
      ignored.map(({ source }) => source),
      ['photos', 'versions'].map((bucket) => ({ bucket, key: '2026/' })),
    );
    const nothing = payloadOf<BatchOutcome>(await lambda.invoke({ Items: [Items[3]] }));
    assert.deepEqual(nothing, { captioned: 0, failed: 0, skipped: 0, results: [] });
  });

  it('refuses a folder that is asked for alone, and records nothing of it', async (t) => {
    fake.put('photos', '2026/', Buffer.alloc(0));
    const lambda = await workflow.startFor(t, { environment: objectEnvironment(fake) });
    const answer = await lambda.invoke({ bucket: 'photos', key: '2026/' });
    assert.equal(refusalIn(answer).code, 'UnsupportedImage');
    assert.deepEqual(fake.keys('results'), []);
  });

  it('fails as a whole when the service fails, and keeps what was done', async (t) => {
    for (const key of ['a.jpg', 'b.jpg']) fake.put('photos', key, PHOTO);
    fake.onRequest(({ key }) =>
      key === 'b.jpg' ? { kind: 'error', status: 503, code: 'SlowDown' } : undefined,
    );
    const lambda = await workflow.startFor(t, { environment: objectEnvironment(fake) });
    const event = { Items: [{ Key: 'a.jpg' }, { Key: 'b.jpg' }], BatchInput: { bucket: 'photos' } };
    assert.equal(errorName(await lambda.invoke(event)), 'UpstreamUnavailable');
    fake.onRequest(() => undefined);
    const { captioned, skipped } = payloadOf<BatchOutcome>(await lambda.invoke(event));
    assert.deepEqual([captioned, skipped], [1, 1]);
  });

  it('stops amid a batch that takes too long with DeadlineExceeded, and gets further each time', async (t) => {
    const keys = Array.from({ length: 600 }, (_, i) => `${i}.jpg`);
    for (const key of keys) fake.put('photos', key, PHOTO);
    // A second and a half for captioning; the rest of the time is kept back for answering.
    const lambda = await workflow.startFor(t, { environment: objectEnvironment(fake), timeout: 4_500 });
    const event = {
      Items: keys.map((Key) => ({ Key })),
      BatchInput: { bucket: 'photos', options: { beamWidth: 10, count: 1 } },
    };
    let done = 0;
    for (const _ of ['first', 'again']) {
      const before = done;
      // Where much else runs beside it the time may be over before the first of them is done.
      for (let tries = 0; done === before; tries++) {
        assert.ok(tries < 20, `${done} done`);
        assert.equal(errorName(await lambda.invoke(event)), 'DeadlineExceeded');
        done = fake.keys('results').length;
      }
      assert.ok(done < keys.length, `${done} done`);
    }
    assert.equal(lambda.starts(), 1);
  });

  it('leaves a list that is too long to be passed on in S3, and says where', async (t) => {
    const lambda = await workflow.startFor(t, { environment: objectEnvironment(fake) });
    // Each line names the key and the result's key: 150 of the longest make more than 240 KiB.
    const Items = Array.from({ length: 150 }, (_, i) => ({
      Key: `${String(i).padStart(3, '0')}${'k'.repeat(1000)}`,
    }));
    const answer = payloadOf<BatchOutcome>(await lambda.invoke({ Items, BatchInput: { bucket: 'photos' } }));
    assert.equal(answer.failed, 150);
    assert.equal(answer.results, undefined);
    assert.match(answer.resultsAt!.key, /^captions\/_batches\/[0-9a-f]{64}\.json$/);
    const { results } = JSON.parse(
      fake.get('results', answer.resultsAt!.key)!.bytes.toString(),
    ) as BatchOutcome;
    assert.equal(results?.length, 150);
    assert.ok(Buffer.byteLength(JSON.stringify(answer)) < 256 << 10);
  });
});
