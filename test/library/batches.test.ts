/** What a captioner does with the images that it is given, whatever captions them. */
import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { CaptionPlan } from '../../src/caption/plan.ts';
import { captionerOf, type Engine } from '../../src/library/captioner.ts';
import type { CaptionResult } from '../../src/library/result.ts';

const PLAN = { asked: 'plan' } as unknown as CaptionPlan;
const resultOf = (bytes: Uint8Array) => ({ format: String(bytes) }) as CaptionResult;
const textsOf = (results: CaptionResult[]) => results.map(({ format }) => format);
const imagesOf = (count: number) => Array.from({ length: count }, (_, i) => Buffer.from(`${i}`));

/** An engine that says of each image what it is, after a while, and counts. */
function engineOf(batch: Engine['batch'], work: (files: readonly Uint8Array[]) => unknown = turn) {
  const seen = { batches: [] as number[], atWork: 0, most: 0, closed: 0, calls: [] as unknown[] };
  const engine: Engine = {
    model: { name: 'any', hash: '' },
    defaults: {},
    ready: Promise.resolve(),
    plan: () => PLAN,
    caption: async (bytes, ...call) => {
      seen.calls.push(call);
      await work([bytes]);
      return resultOf(bytes) as never;
    },
    captionSome: async (files, ...call) => {
      seen.calls.push(call);
      seen.batches.push(files.length);
      seen.most = Math.max(seen.most, ++seen.atWork);
      await work(files);
      seen.atWork--;
      return files.map(resultOf);
    },
    batch,
    close: async () => {
      seen.closed++;
    },
  };
  return { captioner: captionerOf(engine), seen };
}

describe('many images', () => {
  for (const [count, images, calls, batches] of [
    [0, 8, 1, []],
    [1, 8, 1, [1]],
    [8, 8, 1, [8]],
    [9, 8, 1, [8, 1]],
    [20, 8, 1, [8, 8, 4]],
    [5, 1, 2, [1, 1, 1, 1, 1]],
    [3, 1, 9, [1, 1, 1]],
  ] as [number, number, number, number[]][]) {
    it(`${count} of them are captioned ${images} at a time, ${calls} times at once, in their order`, async () => {
      const { captioner, seen } = engineOf({ images, calls });
      const results = await captioner.captionAll(imagesOf(count));
      assert.deepEqual(textsOf(results), imagesOf(count).map(String));
      assert.deepEqual(seen.batches, batches);
      assert.equal(seen.most, Math.min(calls, batches.length));
      assert.equal(seen.atWork, 0);
    });
  }

  it('are not read before it is their turn', async () => {
    const opened: number[] = [];
    const sources = imagesOf(6).map((bytes, i) => ({
      async *[Symbol.asyncIterator]() {
        opened.push(i);
        yield bytes;
      },
    }));
    const { promise, resolve } = Promise.withResolvers<void>();
    const { captioner } = engineOf({ images: 2, calls: 1 }, () => promise);
    const all = captioner.captionAll(sources);
    await turn();
    assert.deepEqual(opened, [0, 1]);
    resolve();
    await all;
    assert.deepEqual(opened, [0, 1, 2, 3, 4, 5]);
  });

  it('are left at the first that fails: the streams of others, and what is captioned', async () => {
    const stuck = new Readable({ read: () => undefined });
    const failure = new Error('broken');
    const { captioner, seen } = engineOf({ images: 1, calls: 3 });
    const broken = Readable.from(
      (async function* () {
        yield Buffer.from('begun');
        await turn();
        throw failure;
      })(),
    );
    await assert.rejects(captioner.captionAll([Buffer.from('0'), stuck, broken, Buffer.from('3')]), failure);
    await turn();
    assert.equal(stuck.destroyed, true);
    const [[plan, { signal }]] = seen.calls as [[CaptionPlan, { signal: AbortSignal }]];
    assert.equal(plan, PLAN);
    assert.equal(signal.aborted, true);
  });

  it('are left when the caller’s signal says so; what it asks besides is passed on', async () => {
    const controller = new AbortController();
    const reason = new Error('not wanted');
    const { captioner, seen } = engineOf({ images: 1, calls: 1 }, () => new Promise(() => undefined));
    const deadline = Date.now() + 60_000;
    const all = captioner.captionAll(imagesOf(2), { signal: controller.signal, deadline, trace: true });
    await turn();
    const [[, call]] = seen.calls as [[CaptionPlan, { signal: AbortSignal }]];
    assert.deepEqual({ ...call, signal: null }, { deadline, trace: true, explain: undefined, signal: null });
    controller.abort(reason);
    await assert.rejects(all, reason);
    assert.equal(call.signal.reason, reason);
  });
});

describe('a captioner that is closed', () => {
  it('has finished what it was asked before, also what nobody waits for any more; once', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { captioner, seen } = engineOf({ images: 1, calls: 1 }, () => promise);
    const controller = new AbortController();
    const aborted = captioner.caption(Buffer.from('a'), { signal: controller.signal });
    await turn();
    controller.abort();
    await assert.rejects(aborted, { name: 'AbortError' });
    const closing = [captioner.close(), captioner.close(), captioner[Symbol.asyncDispose]()];
    await turn();
    assert.equal(seen.closed, 0);
    await assert.rejects(captioner.caption(Buffer.from('b')), { code: 'InvalidRequest' });
    await assert.rejects(captioner.captionAll([]), { code: 'InvalidRequest' });
    resolve();
    await Promise.all(closing);
    assert.equal(seen.closed, 1);
  });

  it('holds nothing of what is done', async (t) => {
    const { captioner } = engineOf({ images: 1, calls: 1 });
    for (const bytes of imagesOf(3)) await captioner.caption(bytes);
    await turn();
    const { mock } = t.mock.method(Promise, 'allSettled');
    await captioner.close();
    assert.deepEqual([...mock.calls[0]!.arguments[0]!], []);
  });

  it('is closed where a caption failed, too', async () => {
    const { captioner, seen } = engineOf({ images: 1, calls: 1 }, () => Promise.reject(new Error('failed')));
    const failing = assert.rejects(captioner.caption(Buffer.from('a')), /failed/);
    await captioner.close();
    await failing;
    assert.equal(seen.closed, 1);
  });
});
