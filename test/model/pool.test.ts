import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { after, before, describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import type { CaptionOptionsInput } from '../../src/caption/options.ts';
import { planCaptions } from '../../src/caption/plan.ts';
import type { CaptionResult } from '../../src/caption/result.ts';
import {
  CaptionerHung,
  DeadlineExceeded,
  ImageTooLarge,
  InvalidRequest,
  ModelUnusable,
  Overloaded,
  reportOf,
  UnsupportedImage,
} from '../../src/errors.ts';
import { plannedModel, readBundle } from '../../src/model/bundle.ts';
import { decodeImage } from '../../src/model/image.ts';
import { DEFAULT_BUNDLE, loadCaptioner } from '../../src/model/load.ts';
import { createBudget } from '../../src/model/memory/budget.ts';
import { type CaptionerPool, createPool, type PoolOptions } from '../../src/model/pool.ts';
import { copyBundle, flipByte, temporaryDirectory } from '../support/bundles.ts';
import { withoutTimings } from '../support/captions.ts';
import { pngClaiming } from '../support/crafted-images.ts';
import { rejectsUnusable } from '../support/errors.ts';
import { readSamples } from '../support/samples.ts';

const samples = readSamples();
const THREADS = { threads: 1 };
const bundle = await readBundle(DEFAULT_BUNDLE);
const { image } = bundle.manifest;
const defaultBundle = plannedModel(bundle);
const planOf = (options: CaptionOptionsInput) => planCaptions(options, defaultBundle);

describe('a pool of two captioners', () => {
  let pool: CaptionerPool;
  before(() => {
    pool = createPool(2, { directory: DEFAULT_BUNDLE, image, ...THREADS });
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
      pool.caption(i % 2 === 0 ? Buffer.from('no image') : samples[i]!.bytes, planOf({ count: 1 })),
    );
    const outcomes = await Promise.allSettled(jobs);
    assert.deepEqual(
      outcomes.map((o) => o.status),
      [0, 1, 2, 3, 4, 5].map((i) => (i % 2 === 0 ? 'rejected' : 'fulfilled')),
    );
  });

  it('disturbs no image of another thread when threads start', async () => {
    const others = createPool(4, { directory: DEFAULT_BUNDLE, image, ...THREADS });
    const [, , small] = samples;
    let started = false;
    const starting = Promise.all(samples.slice(0, 4).map(({ bytes }) => others.caption(bytes))).finally(
      () => {
        started = true;
      },
    );
    while (!started) await Promise.all([1, 2, 3].map(() => decodeImage(small!.bytes, image)));
    await starting;
    await others.close();
  });

  it('leaves the caller’s bytes as they were', async () => {
    const bytes = Uint8Array.from(samples[0]!.bytes);
    await pool.caption(bytes);
    assert.deepEqual(bytes, Uint8Array.from(samples[0]!.bytes));
  });

  it('passes options on', async () => {
    const { captions } = await pool.caption(samples[0]!.bytes, planOf({ count: 1, maxLength: 6 }));
    assert.equal(captions.length, 1);
    assert.ok(captions[0]!.words.length <= 5);
  });

  it('passes the call on', async () => {
    const { trace } = await pool.caption(samples[0]!.bytes, undefined, { trace: true });
    assert.equal(trace![0]!.parent, null);
    await assert.rejects(
      pool.caption(samples[0]!.bytes, undefined, { deadline: Date.now() - 1 }),
      DeadlineExceeded,
    );
  });

  it('reads a view into a larger buffer as what it shows', async () => {
    const { bytes } = samples[0]!;
    const larger = Buffer.concat([Buffer.alloc(1000, 1), bytes, Buffer.alloc(1000, 2)]);
    const [view, whole] = await Promise.all([
      pool.caption(larger.subarray(1000, 1000 + bytes.length)),
      pool.caption(bytes),
    ]);
    assert.deepEqual(withoutTimings(view), withoutTimings(whole));
  });

  /** Found out only when the search has ended. */
  const NO_ROOM = planOf({ requiredWords: ['a red ball'], maxLength: 3, minLength: 0 });
  const refused = [
    { title: 'text', class: UnsupportedImage, bytes: Buffer.from('no image'), plan: planOf({}) },
    { title: 'a bomb', class: ImageTooLarge, bytes: pngClaiming(60_000, 60_000), plan: planOf({}) },
    { title: 'captions without room', class: InvalidRequest, bytes: samples[0]!.bytes, plan: NO_ROOM },
  ];
  for (const { title, class: expected, bytes, plan } of refused) {
    it(`refuses ${title} with the class and code that this thread would see, and works on`, async () => {
      const here = await loadCaptioner(DEFAULT_BUNDLE, THREADS);
      const own = await here.caption(bytes, plan).catch((error: unknown) => error);
      const crossed = await pool.caption(bytes, plan).catch((error: unknown) => error);
      assert.ok(crossed instanceof expected, String(crossed));
      assert.ok(own instanceof expected);
      assert.equal(crossed.code, expected.name);
      assert.equal(crossed.fault, own.fault);
      assert.equal(crossed.message, own.message);
      assert.deepEqual(reportOf(crossed), reportOf(own));
      assert.notEqual((await pool.caption(samples[0]!.bytes)).captions.length, 0);
    });
  }
});

describe('images that wait for one captioner', () => {
  const module = new URL('./saboteur.ts', import.meta.url);
  const HOLD = 'SABOTEUR_HOLDS';
  after(() => delete process.env[HOLD]);

  /** Captions of images that all wait, decoded, when the thread becomes free. */
  async function together<T>(
    pool: CaptionerPool,
    ask: () => Promise<T>[],
  ): Promise<PromiseSettledResult<T>[]> {
    process.env[HOLD] = 'yes';
    const first = pool.caption(samples[0]!.bytes, planOf({ bannedWords: ['hold'] }));
    while (pool.load.busy === 0) await sleep(5);
    const outcomes = Promise.allSettled(ask());
    while (pool.load.reading > 0) await sleep(5);
    delete process.env[HOLD];
    await first;
    return outcomes;
  }

  const captionsOf = (outcomes: PromiseSettledResult<CaptionResult>[]) =>
    outcomes.map((outcome) => {
      assert.ok(outcome.status === 'fulfilled', String(outcome));
      return outcome.value;
    });

  it('are described together, as many as wait up to the limit, each as if it were alone', async (t) => {
    const here = await loadCaptioner(DEFAULT_BUNDLE, THREADS);
    const asked = samples.slice(0, 7);
    for (const [batch, sizes] of [
      [1, [1, 1, 1, 1, 1, 1, 1]],
      [4, [4, 2, 1]],
      [8, [4, 2, 1]],
    ] as const) {
      const pool = await startPool(t, 1, { module, batch, batchMs: Number.POSITIVE_INFINITY });
      const answers = captionsOf(
        await together(pool, () => asked.map(({ bytes }) => pool.caption(bytes, planOf({ count: 2 })))),
      );
      // Those that shared a run have its time.
      const runs = Map.groupBy(answers, ({ timings }) => timings.encode);
      if (batch > 1)
        assert.deepEqual(
          [...runs.values()].map((images) => images.length).toSorted((a, b) => b - a),
          sizes,
        );
      for (const [i, { bytes }] of asked.entries()) {
        const own = await here.caption(bytes, planOf({ count: 2 }));
        assert.deepEqual(withoutTimings(answers[i]!), withoutTimings(own));
      }
    }
    await here.close();
  });

  it('are fewer where they would take too long', async (t) => {
    const pool = await startPool(t, 1, { module, batchMs: 1 });
    const answers = captionsOf(await together(pool, () => [1, 2, 3, 4].map(() => pool.caption(PHOTO))));
    assert.equal(new Set(answers.map(({ timings }) => timings.encode)).size, 4);
  });

  it('may be asked for differently', async (t) => {
    const pool = await startPool(t, 1, { module, batchMs: Number.POSITIVE_INFINITY });
    const plans = [
      planOf({ count: 1 }),
      planOf({ beamWidth: 5 }),
      planOf({ maxLength: 4 }),
      planOf({ count: 1 }),
    ];
    const answers = captionsOf(
      await together(pool, () => plans.map((plan, i) => pool.caption(PHOTO, plan, { trace: i === 3 }))),
    );
    assert.deepEqual(
      answers.map(({ captions, trace }) => [captions.length, trace !== undefined]),
      [
        [1, false],
        [5, false],
        [3, false],
        [1, true],
      ],
    );
    assert.ok(answers[2]!.captions.every(({ words }) => words.length <= 3));
    assert.equal(new Set(answers.map(({ timings }) => timings.encode)).size, 1);
  });

  it('do not suffer from what one of them does to the thread', async (t) => {
    const pool = await startPool(t, 1, { module, batchMs: Number.POSITIVE_INFINITY });
    const outcomes = await together(pool, () =>
      [{}, { bannedWords: ['crash'] }, {}, {}].map((options) => pool.caption(PHOTO, planOf(options))),
    );
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled', 'fulfilled'],
    );
    const [, crashed] = outcomes;
    assert.ok(crashed?.status === 'rejected' && crashed.reason instanceof CaptionerHung);
  });

  it('are not held up by one that cannot be decoded yet', async (t) => {
    const all = createBudget(1 << 30);
    const held = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    let isFirst = true;
    const pool = await startPool(t, 1, {
      takeMemory: async (need, limits) => {
        if (isFirst) {
          isFirst = false;
          asked.resolve();
          await held.promise;
        }
        return all(need, limits);
      },
    });
    let last = false;
    const slow = pool.caption(PHOTO).finally(() => {
      last = true;
    });
    // Headers are read by several threads, so whoever is asked for first need not be the first to want memory.
    await asked.promise;
    await Promise.all(samples.map(({ bytes }) => pool.caption(bytes)));
    assert.equal(last, false);
    held.resolve();
    await slow;
  });

  it('are left alone when another one is not wanted any more', async (t) => {
    const pool = await startPool(t, 1, { module });
    const gone = new AbortController();
    const outcomes = await together(pool, () => {
      const jobs = [0, 1, 2].map((i) =>
        pool.caption(PHOTO, undefined, i === 1 ? { signal: gone.signal } : {}),
      );
      setTimeout(() => gone.abort(new Error('gone')), 20);
      return jobs;
    });
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    );
  });
});

describe('a pool over an unusable bundle', () => {
  const temporary = temporaryDirectory();
  after(() => temporary.dispose());

  it('rejects every caption with the model’s problem', async (t) => {
    const bundle = copyBundle(temporary.path);
    flipByte(bundle.pathOf('decoder'));
    const pool = createPool(1, { directory: bundle.directory, image, ...THREADS });
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
    const pool = createPool(1, { directory: bundle.directory, image, ...THREADS });
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
      const pool = createPool(2, { directory: DEFAULT_BUNDLE, image, ...THREADS });
      const jobs = samples.map(({ bytes }) => pool.caption(bytes));
      const outcomes = Promise.allSettled(jobs);
      if (round % 2 === 0) await Promise.any(jobs);
      else await new Promise((resolve) => setTimeout(resolve, 200));
      await pool.close();
      assert.equal((await outcomes).length, samples.length);
    }
  });

  it('has rejected what waited and rejects what comes; its thread has ended by itself', async (t) => {
    const ends: unknown[] = [];
    const listen = (worker: Worker) =>
      worker.on('error', (error) => ends.push(error)).on('exit', (code) => ends.push(code));
    process.on('worker', listen);
    t.after(() => process.off('worker', listen));
    const pool = createPool(1, { directory: DEFAULT_BUNDLE, image, ...THREADS });
    const waiting = [0, 1, 2].map(() => pool.caption(samples[0]!.bytes));
    const outcomes = Promise.allSettled(waiting);
    await pool.close();
    assert.deepEqual(
      (await outcomes).map((o) => o.status),
      ['rejected', 'rejected', 'rejected'],
    );
    await assert.rejects(pool.caption(samples[0]!.bytes));
    await pool.close();
    assert.deepEqual(ends, [0]);
  });
});

const PHOTO = samples[0]!.bytes;
const sayNothing = () => undefined;

/** A pool that has loaded its model, and is closed after the test. */
async function startPool(t: TestContext, workers: number, options: PoolOptions): Promise<CaptionerPool> {
  const pool = createPool(workers, { directory: DEFAULT_BUNDLE, image, ...THREADS }, options);
  t.after(() => pool.close());
  await pool.ready;
  return pool;
}

describe('a pool whose queue is bounded', () => {
  it('rejects at once what does not fit, and captions what does', async (t) => {
    const pool = await startPool(t, 1, { queueLength: 2 });
    assert.deepEqual(pool.load, { pending: 0, waiting: 0, reading: 0, busy: 0, alive: 1 });
    const jobs = [0, 1, 2, 3, 4].map(() => pool.caption(PHOTO));
    assert.equal(pool.full, true);
    // The thread has not got its one yet.
    assert.deepEqual(pool.load, { pending: 3, waiting: 2, reading: 3, busy: 0, alive: 1 });
    for (const job of jobs.slice(3)) await assert.rejects(job, Overloaded);
    await Promise.all(jobs.slice(0, 3));
    assert.equal(pool.full, false);
  });

  it('takes no job but those at work when nothing may wait', async (t) => {
    const pool = await startPool(t, 1, { queueLength: 0 });
    const first = pool.caption(PHOTO);
    await assert.rejects(pool.caption(PHOTO), Overloaded);
    await first;
    await pool.caption(PHOTO);
  });

  it('rejects a job whose deadline passes while it waits, before its turn', async (t) => {
    const pool = await startPool(t, 1, {});
    let finished = 0;
    const before = [0, 1, 2, 3, 4].map(async () => {
      await pool.caption(PHOTO);
      finished++;
    });
    await assert.rejects(pool.caption(PHOTO, undefined, { deadline: Date.now() + 1 }), DeadlineExceeded);
    assert.ok(finished < before.length, 'the others were still at work');
    await Promise.all(before);
  });
});

describe('a pool whose memory is taken', () => {
  const ALL = 64 << 20;
  /** A pool and what gives the memory back that somebody else has. */
  async function startFull(t: TestContext, options: PoolOptions = {}) {
    const takeMemory = createBudget(ALL);
    const release = await takeMemory(ALL);
    return { pool: await startPool(t, 1, { ...options, takeMemory }), release };
  }

  it('lets an image wait longer than a thread may hang, and captions it when there is memory', async (t) => {
    const { pool, release } = await startFull(t, { hangMs: 1_000 });
    let ended = false;
    const waiting = pool.caption(PHOTO).finally(() => {
      ended = true;
    });
    await sleep(1_500);
    assert.equal(ended, false);
    release();
    assert.notEqual((await waiting).captions.length, 0);
  });

  it('ends the wait at the deadline', async (t) => {
    const { pool, release } = await startFull(t);
    const late = pool.caption(PHOTO, undefined, { deadline: Date.now() + 300 });
    await assert.rejects(late, DeadlineExceeded);
    release();
    await pool.caption(PHOTO);
  });

  it('does not begin with an image that is not wanted any more', async (t) => {
    const { pool, release } = await startFull(t);
    const gone = new AbortController();
    const aborted = pool.caption(PHOTO, undefined, { signal: gone.signal });
    await sleep(300);
    gone.abort(new Error('gone'));
    await assert.rejects(aborted, /gone/);
    while (pool.load.busy > 0) await sleep(5);
    release();
    await pool.caption(PHOTO);
  });

  it('refuses what could never have enough, before a pixel is decoded', async (t) => {
    const { pool, release } = await startFull(t);
    release();
    const large = await pool.caption(pngClaiming(12_000, 10_000)).catch((error: unknown) => error);
    assert.ok(large instanceof ImageTooLarge, String(large));
    assert.match(large.message, /MiB of memory.* 64 MiB .*--decode-memory/);
    // Its pixels are not there, which only decoding finds.
    await assert.rejects(pool.caption(pngClaiming(1_000, 1_000)), UnsupportedImage);
  });
});

describe('a pool whose threads fail', () => {
  const threads: Worker[] = [];
  const onWorker = (worker: Worker) => threads.push(worker);
  before(() => process.on('worker', onWorker));
  after(() => process.off('worker', onWorker));
  const module = new URL('./saboteur.ts', import.meta.url);
  /** An ordinary caption takes a tenth of it on a busy processor. */
  const HANG_MS = 1_000;
  const sabotaged = (pool: CaptionerPool, how: string) => pool.caption(PHOTO, planOf({ bannedWords: [how] }));

  for (const how of ['crash', 'exit']) {
    it(`rejects the job of a thread that ends by ${how}, and replaces the thread`, async (t) => {
      const pool = await startPool(t, 1, { module });
      for (let round = 0; round < 4; round++) {
        const [crashed, next] = await Promise.allSettled([sabotaged(pool, how), pool.caption(PHOTO)]);
        assert.ok(crashed.status === 'rejected' && crashed.reason instanceof CaptionerHung);
        assert.ok(crashed.reason.cause instanceof Error, 'what the thread ended of');
        assert.equal(next.status, 'fulfilled', 'the next job has another thread');
      }
    });
  }

  for (const how of ['hang', 'hang natively']) {
    it(`rejects the job of threads that ${how}, replaces and in the end ends them`, async (t) => {
      const before = threads.length;
      const pool = await startPool(t, 2, { module, hangMs: HANG_MS });
      const jobs = [sabotaged(pool, how), sabotaged(pool, how), pool.caption(PHOTO)];
      const [first, second, next] = await Promise.allSettled(jobs);
      for (const hung of [first!, second!]) {
        assert.ok(hung.status === 'rejected' && hung.reason instanceof CaptionerHung);
      }
      assert.equal(next!.status, 'fulfilled', 'the next job has another thread');
      const hung = threads.slice(before, before + 2);
      while (hung.some(({ threadId }) => threadId > 0)) await sleep(50);
      assert.equal(threads.length - before, 4);
    });
  }

  it('gives up after three threads that do not start, and says why', async (t) => {
    const before = threads.length;
    const lost = Promise.withResolvers<Error>();
    const broken = new URL('./no-start.ts', import.meta.url);
    const pool = createPool(
      1,
      { directory: DEFAULT_BUNDLE, image, ...THREADS },
      { module: broken, onLost: lost.resolve },
    );
    t.after(() => pool.close());
    const waiting = pool.caption(PHOTO).catch((error: unknown) => error);
    const cause = await lost.promise;
    assert.equal(await waiting, cause);
    await assert.rejects(pool.ready, cause);
    await assert.rejects(pool.caption(PHOTO), cause);
    assert.equal(threads.length - before, 3);
  });

  it('does not try again with a model that cannot be used', async (t) => {
    const temporary = temporaryDirectory();
    t.after(temporary.dispose);
    const bundle = copyBundle(temporary.path);
    flipByte(bundle.pathOf('encoder'));
    const before = threads.length;
    const pool = createPool(2, { directory: bundle.directory, image, ...THREADS });
    t.after(() => pool.close());
    await rejectsUnusable(pool.caption(PHOTO));
    await rejectsUnusable(pool.ready.then(sayNothing as () => never));
    await sleep(600);
    assert.equal(threads.length - before, 2);
  });
});
