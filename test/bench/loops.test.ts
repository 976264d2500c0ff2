import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { closedLoop, openLoop, poissonArrivals } from '../../bench/shared/loops.ts';
import { percentile } from '../../bench/shared/statistics.ts';

describe('arrivals', () => {
  test('are the same for the same seed, and others for another', () => {
    assert.deepEqual(poissonArrivals(50, 2, 1), poissonArrivals(50, 2, 1));
    assert.notDeepEqual(poissonArrivals(50, 2, 1), poissonArrivals(50, 2, 2));
  });

  test('come in order, within the time', () => {
    const arrivals = poissonArrivals(50, 2, 3);
    assert.deepEqual(
      arrivals,
      arrivals.toSorted((a, b) => a - b),
    );
    assert.ok(arrivals[0]! > 0);
    assert.ok(arrivals.at(-1)! < 2000);
  });

  test('come at the rate, with gaps of the exponential distribution', () => {
    const arrivals = poissonArrivals(100, 100, 4);
    // Four standard deviations of a Poisson count.
    assert.ok(Math.abs(arrivals.length - 10_000) < 400, String(arrivals.length));
    const gaps = arrivals.map((at, i) => at - (arrivals[i - 1] ?? 0));
    const longerThan = (milliseconds: number) =>
      gaps.filter((gap) => gap > milliseconds).length / gaps.length;
    for (const means of [0.5, 1, 2]) {
      assert.ok(Math.abs(longerThan(10 * means) - Math.exp(-means)) < 0.02, `${means} mean gaps`);
    }
  });

  test('are stretched at a lower rate', () => {
    const slow = poissonArrivals(10, 10, 5);
    const fast = poissonArrivals(40, 10, 5);
    for (const [i, at] of slow.entries()) assert.ok(Math.abs(at - 4 * fast[i]!) < 1e-6);
  });
});

describe('the open loop', () => {
  test('waits for no answer before the next question', async () => {
    const all = Promise.withResolvers<void>();
    const latencies = await openLoop(
      (n) => {
        if (n === 2) all.resolve();
        return all.promise;
      },
      [0, 1, 2],
    );
    assert.equal(latencies.length, 3);
  });

  test('counts from the time at which it should have asked', async () => {
    const blocked = 30;
    const [, second] = await openLoop(
      async (n) => {
        const end = performance.now() + blocked;
        while (n === 0 && performance.now() < end);
      },
      [0, 0],
    );
    assert.ok(second! >= blocked, String(second));
  });

  test('never asks too early', async () => {
    const start = performance.now();
    const asked: number[] = [];
    const arrivals = [0.3, 1.7, 4.2];
    await openLoop(async () => asked.push(performance.now() - start), arrivals);
    for (const [n, at] of asked.entries()) assert.ok(at >= arrivals[n]!, `${n} at ${at}`);
  });

  test('ends with what failed', async () => {
    const failing = (n: number) => (n === 0 ? Promise.reject(new Error('broken')) : Promise.resolve());
    await assert.rejects(openLoop(failing, [0, 5]), /broken/);
  });
});

describe('the closed loop', () => {
  const later = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

  test('has as many questions in flight as it may, and a latency for each', async () => {
    let [asked, inFlight, most] = [0, 0, 0];
    const { latencies } = await closedLoop(
      async () => {
        asked++;
        most = Math.max(most, ++inFlight);
        await later(1);
        inFlight--;
      },
      { inFlight: 3, seconds: 0.05 },
    );
    assert.equal(most, 3);
    assert.equal(latencies.length, asked);
  });

  test('goes on until two turns are over, however long they take', async () => {
    const { rate, latencies } = await closedLoop(() => later(5), { inFlight: 4, seconds: 0 });
    assert.ok(latencies.length >= 8, String(latencies.length));
    assert.ok(rate > 0 && rate < 1000, String(rate));
  });

  test('leaves the first turn out of the rate', async () => {
    const started = performance.now();
    const { rate, latencies } = await closedLoop((n) => later(n === 0 ? 200 : 1), {
      inFlight: 1,
      seconds: 0,
    });
    const overAll = latencies.length / ((performance.now() - started) / 1000);
    assert.ok(rate > overAll, `${rate} ${overAll}`);
  });
});

test('a percentile is the smallest value that the share of all does not exceed', () => {
  const hundred = Array.from({ length: 100 }, (_, i) => 100 - i);
  assert.equal(percentile(hundred, 0.5), 50);
  assert.equal(percentile(hundred, 0.99), 99);
  assert.equal(percentile(hundred, 1), 100);
  assert.equal(percentile([7], 0.01), 7);
  assert.equal(percentile([], 0.5), Number.NaN);
});
