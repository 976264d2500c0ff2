import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { ImageTooLarge, InvalidRequest, ModelUnusable, UnsupportedImage } from '../../src/errors.ts';
import { DEFAULT_BUNDLE, loadCaptioner } from '../../src/model/load.ts';
import { type CaptionerPool, createPool } from '../../src/model/pool.ts';
import { copyBundle, flipByte, temporaryDirectory } from '../support/bundles.ts';
import { withoutTimings } from '../support/captions.ts';
import { pngClaiming } from '../support/crafted-images.ts';
import { rejectsUnusable } from '../support/errors.ts';
import { readSamples } from '../support/samples.ts';

const samples = readSamples();
const THREADS = { threads: 1 };

describe('a pool of two captioners', () => {
  let pool: CaptionerPool;
  before(() => {
    pool = createPool(2, { directory: DEFAULT_BUNDLE, options: THREADS });
  });
  after(() => pool.close());

  it('says what a captioner in this thread says, of more images than it has threads', async () => {
    const results = await Promise.all(samples.map(({ bytes }) => pool.caption(bytes)));

    const here = await loadCaptioner(DEFAULT_BUNDLE, THREADS);
    for (const [i, { bytes }] of samples.entries()) {
      assert.deepEqual(withoutTimings(results[i]!), withoutTimings(await here.caption(bytes)));
    }
  });

  it('ends no thread because the one before it failed', async () => {
    const jobs = [0, 1, 2, 3, 4, 5].map((i) =>
      pool.caption(i % 2 === 0 ? Buffer.from('no image') : samples[i]!.bytes, { captions: 1 }),
    );
    const outcomes = await Promise.allSettled(jobs);
    assert.deepEqual(
      outcomes.map((o) => o.status),
      [0, 1, 2, 3, 4, 5].map((i) => (i % 2 === 0 ? 'rejected' : 'fulfilled')),
    );
  });

  it('leaves the caller’s bytes as they were', async () => {
    const bytes = Uint8Array.from(samples[0]!.bytes);
    await pool.caption(bytes);
    assert.deepEqual(bytes, Uint8Array.from(samples[0]!.bytes));
  });

  it('passes options on', async () => {
    const { captions } = await pool.caption(samples[0]!.bytes, { captions: 1, maxLength: 6 });
    assert.equal(captions.length, 1);
    assert.ok(captions[0]!.words.length <= 5);
  });

  const refused = [
    { title: 'text', class: UnsupportedImage, bytes: Buffer.from('no image'), options: {} },
    { title: 'a bomb', class: ImageTooLarge, bytes: pngClaiming(60_000, 60_000), options: {} },
    { title: 'a beam of 11', class: InvalidRequest, bytes: samples[0]!.bytes, options: { beamWidth: 11 } },
  ];
  for (const { title, class: expected, bytes, options } of refused) {
    it(`refuses ${title} with the class and code that this thread would see, and works on`, async () => {
      const here = await loadCaptioner(DEFAULT_BUNDLE, THREADS);
      const own = await here.caption(bytes, options).catch((error: unknown) => error);
      const crossed = await pool.caption(bytes, options).catch((error: unknown) => error);
      assert.ok(crossed instanceof expected, String(crossed));
      assert.ok(own instanceof expected);
      assert.equal(crossed.code, expected.name);
      assert.equal(crossed.fault, own.fault);
      assert.equal(crossed.message, own.message);
      assert.notEqual((await pool.caption(samples[0]!.bytes)).captions.length, 0);
    });
  }
});

describe('a pool of one captioner', () => {
  it('finishes what it is given in the order given', async (t) => {
    const pool = createPool(1, { directory: DEFAULT_BUNDLE, options: THREADS });
    t.after(() => pool.close());
    const finished: number[] = [];
    await Promise.all(
      samples.map(async ({ bytes }, i) => {
        await pool.caption(bytes, { captions: 1, maxLength: 3 });
        finished.push(i);
      }),
    );
    assert.deepEqual(
      finished,
      samples.map((_, i) => i),
    );
  });
});

describe('a pool over an unusable bundle', () => {
  const temporary = temporaryDirectory();
  after(() => temporary.dispose());

  it('rejects every caption with the model’s problem', async (t) => {
    const bundle = copyBundle(temporary.path);
    flipByte(bundle.pathOf('decoder'));
    const pool = createPool(1, { directory: bundle.directory, options: THREADS });
    t.after(() => pool.close());
    for (let i = 0; i < 2; i++) {
      const problem = await rejectsUnusable(pool.caption(samples[0]!.bytes));
      assert.equal(problem.file, bundle.pathOf('decoder'));
      assert.match(problem.expected, /SHA-256/);
    }
  });

  it('rejects them too when not even the manifest can be read', async (t) => {
    const bundle = copyBundle(temporary.path);
    writeFileSync(bundle.manifestPath, '{');
    const pool = createPool(1, { directory: bundle.directory, options: THREADS });
    t.after(() => pool.close());
    const error = await pool.caption(samples[0]!.bytes).catch((e: unknown) => e);
    assert.ok(error instanceof ModelUnusable);
    assert.equal(error.problem.file, bundle.manifestPath);
  });
});

describe('a closed pool', () => {
  // A thread that is killed amid a network run takes the whole process with it, two times out of three.
  it('lets its threads finish what they are at', async () => {
    for (let round = 0; round < 4; round++) {
      const pool = createPool(2, { directory: DEFAULT_BUNDLE, options: THREADS });
      const jobs = samples.map(({ bytes }) => pool.caption(bytes));
      const outcomes = Promise.allSettled(jobs);
      if (round % 2 === 0) await Promise.any(jobs);
      else await new Promise((resolve) => setTimeout(resolve, 200));
      await pool.close();
      assert.equal((await outcomes).length, samples.length);
    }
  });

  it('has rejected what waited and rejects what comes', async () => {
    const pool = createPool(1, { directory: DEFAULT_BUNDLE, options: THREADS });
    const waiting = [0, 1, 2].map(() => pool.caption(samples[0]!.bytes));
    const outcomes = Promise.allSettled(waiting);
    await pool.close();
    assert.deepEqual(
      (await outcomes).map((o) => o.status),
      ['rejected', 'rejected', 'rejected'],
    );
    await assert.rejects(pool.caption(samples[0]!.bytes));
    await pool.close();
  });
});
