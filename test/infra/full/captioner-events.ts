/** The functions as they are packed, with a captioner of pieces. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it, type TestContext } from 'node:test';
import { outcomeSchema } from '../../../src/caption/result.ts';
import { loadCaptioner } from '../../../src/model/load.ts';
import { importKind } from '../../captioners/imported.ts';
import { objectEnvironment, type PackedFunction, pack } from '../../lambda/packed-function.ts';
import { notification, record } from '../../s3/event-factory.ts';
import { type FakeS3, startFakeS3 } from '../../support/aws/fake-s3.ts';
import { temporaryDirectory } from '../../support/bundles.ts';
import { COFFEE } from '../../support/samples.ts';

const place = temporaryDirectory();
after(place.dispose);
const photo = readFileSync(COFFEE);
const model = await importKind('vit-gpt2-merged', place.path);
const captioner = await loadCaptioner(model, { threads: 1 });
const { captions } = await captioner.caption(photo);
await captioner.close();

let fake: FakeS3;
let queue: PackedFunction;
let workflow: PackedFunction;
before(async () => {
  fake = await startFakeS3(['photos', 'results']);
  const environment = { ...objectEnvironment(fake), MODEL_DIR: model };
  [queue, workflow] = await Promise.all([pack('queue', environment), pack('workflow', environment)]);
});
after(async () => {
  queue.dispose();
  workflow.dispose();
  await fake.close();
});

/** What is recorded, found to be what is promised. */
function recorded() {
  const documents = fake.keys('results').map((key) => JSON.parse(fake.get('results', key)!.bytes.toString()));
  return documents.map(({ status, result, error }) => outcomeSchema.parse({ status, result, error }));
}

describe('a captioner of pieces in the functions', () => {
  it('captions what the queue brings, and what a workflow does', async (t: TestContext) => {
    fake.put('photos', 'a.jpg', photo);
    fake.put('photos', 'b.jpg', photo);
    const ofQueue = await queue.startFor(t);
    const body = notification([record('photos', 'a.jpg')]);
    const Records = [{ messageId: '1', body, eventSource: 'aws:sqs', attributes: {} }];
    assert.deepEqual(await ofQueue.invoke({ Records }), { payload: { batchItemFailures: [] } });
    const ofWorkflow = await workflow.startFor(t);
    const batch = { Items: [{ Key: 'a.jpg' }, { Key: 'b.jpg' }], BatchInput: { bucket: 'photos' } };
    const done = await ofWorkflow.invoke(batch);
    assert.ok('payload' in done, JSON.stringify(done));
    // What the queue has captioned already has its document.
    const { captioned, skipped } = done.payload as { captioned: number; skipped: number };
    assert.deepEqual({ captioned, skipped }, { captioned: 1, skipped: 1 });
    const outcomes = recorded();
    assert.equal(outcomes.length, 2);
    for (const outcome of outcomes) {
      assert.ok(outcome.status === 'captioned');
      assert.deepEqual(outcome.result.captions, captions);
    }
  });
});
