/** Captioners with attention behind a server: over HTTP, and from its queue. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CaptionResult } from '../../src/caption/result.ts';
import { loadCaptioner } from '../../src/model/load.ts';
import { type RunningServer, startServer } from '../../src/server/server.ts';
import { type ServerSettingsInput, serverSettingsSchema } from '../../src/server/settings.ts';
import { openApi, validatorOf } from '../http/harness.ts';
import { notification, record } from '../s3/event-factory.ts';
import { type FakeS3, startFakeS3 } from '../support/aws/fake-s3.ts';
import { type FakeSqs, startFakeSqs } from '../support/aws/fake-sqs.ts';
import { temporaryDirectory } from '../support/bundles.ts';
import { runCli } from '../support/cli.ts';
import { readScrape, sampleOf } from '../support/prometheus.ts';
import { COFFEE } from '../support/samples.ts';
import { importKind, KINDS } from './imported.ts';

const place = temporaryDirectory();
after(place.dispose);
const photo = readFileSync(COFFEE);
const model = await importKind('swin-gpt2-merged', place.make('served'));

function start(directory: string, settings: ServerSettingsInput = {}): Promise<RunningServer> {
  return startServer({
    model: directory,
    settings: serverSettingsSchema.parse({ port: 0, workers: 1, ...settings }),
  });
}

/** As much of any answer as is looked at here. */
interface Answered extends CaptionResult {
  results: CaptionResult[];
  code: string;
  detail: string;
  explains: boolean;
  name: string;
}

/** An answer, found to be what the reference promises. */
async function ask(
  path: string,
  schema: string,
  body?: Uint8Array | FormData,
): Promise<{ status: number; body: Answered }> {
  // A form has a type of its own.
  const headers: Record<string, string> = body instanceof FormData ? {} : { 'content-type': 'image/jpeg' };
  const init = { method: 'POST', headers, body: body as FormData | Uint8Array<ArrayBuffer> };
  const response = await fetch(path, body === undefined ? {} : init);
  const json = (await response.json()) as Answered;
  const validate = validatorOf(openApi.components.schemas[schema]!);
  assert.ok(validate(json), JSON.stringify(validate.errors));
  return { status: response.status, body: json };
}

describe('every kind of captioner', () => {
  for (const kind of KINDS) {
    it(`${kind} says over HTTP what the command says`, async (t) => {
      const directory = await importKind(kind, place.path);
      const command = runCli(['caption', '--json', '--threads', '1', '--model', directory, COFFEE]);
      const server = await start(directory);
      t.after(() => server.stop());
      const { status, body } = await ask(`${server.url}/captions`, 'CaptionResult', photo);
      assert.equal(status, 200);
      const said = await command;
      assert.equal(said.status, 0, said.stderr);
      const { captions, model } = JSON.parse(said.stdout) as CaptionResult;
      assert.deepEqual(body.captions, captions);
      assert.deepEqual(body.model, model);
    });
  }
});

describe('a server of a captioner of pieces', () => {
  const environment = { ...process.env };
  let s3: FakeS3;
  let sqs: FakeSqs;
  let server: RunningServer;
  let expected: CaptionResult;
  before(async () => {
    s3 = await startFakeS3(['photos', 'results']);
    sqs = await startFakeSqs();
    Object.assign(process.env, {
      AWS_REGION: 'eu-west-1',
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      AWS_ENDPOINT_URL_S3: s3.url,
      AWS_ENDPOINT_URL_SQS: sqs.url,
    });
    server = await start(model, {
      allowedBuckets: ['photos'],
      queueUrl: sqs.queueUrl,
      resultsBucket: 'results',
    });
    const captioner = await loadCaptioner(model, { threads: 1 });
    expected = await captioner.caption(photo, undefined, { trace: true });
    await captioner.close();
  });
  after(async () => {
    await server.stop();
    await Promise.all([s3.close(), sqs.close()]);
    process.env = environment;
  });

  it('answers a form with several images, and traces', async () => {
    const form = new FormData();
    for (const name of ['1.jpg', '2.jpg', '3.jpg']) form.append('image', new Blob([photo]), name);
    const { body } = await ask(`${server.url}/captions?trace=1`, 'CaptionResults', form);
    assert.equal(body.results.length, 3);
    for (const { captions, trace, confidence } of body.results) {
      assert.deepEqual(captions, expected.captions);
      assert.deepEqual(trace, expected.trace);
      assert.equal(confidence, undefined);
    }
  });

  it('refuses what it cannot do before it looks at an image, and tells so beforehand', async () => {
    for (const query of ['explain=1', 'minConfidence=0.5']) {
      const { status, body } = await ask(
        `${server.url}/captions?${query}`,
        'Problem',
        Buffer.from('no image'),
      );
      assert.equal(status, 422);
      assert.equal(body.code, 'InvalidRequest', body.detail);
      assert.match(body.detail, new RegExp(`^${query.split('=')[0]}: this model `));
    }
    const { body } = await ask(`${server.url}/model`, 'Model');
    assert.equal(body.explains, false);
    assert.equal(body.name, 'swin-gpt2-merged');
  });

  it('captions from its queue, and counts', async () => {
    s3.put('photos', 'a.jpg', photo);
    sqs.send(notification([record('photos', 'a.jpg')]));
    while (s3.keys('results').length === 0) await sleep(5);
    const document = JSON.parse(s3.get('results', s3.keys('results')[0]!)!.bytes.toString());
    assert.equal(document.status, 'captioned');
    assert.deepEqual(document.result.captions, expected.captions);
    while (sqs.bodies().length > 0) await sleep(5);
    const scrape = readScrape(await (await fetch(`${server.url}/metrics`)).text());
    assert.equal(sampleOf(scrape, 'show_and_tell_images_captioned_total{source="queue"}'), 1);
    assert.ok(sampleOf(scrape, 'show_and_tell_images_captioned_total{source="http"}') >= 3);
  });
});
