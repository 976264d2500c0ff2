import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { costOf } from '../../src/bucket-run/cost.ts';
import { estimateRun, MILLISECONDS_PER_IMAGE } from '../../src/bucket-run/plan.ts';
import { PRICE_TABLE } from '../../src/bucket-run/prices.ts';

/** US dollars: a hundred-millionth is no difference. */
function near(actual: number, expected: number): void {
  assert.ok(Math.abs(actual - expected) < 1e-8, `${actual} is not ${expected}`);
}

describe('the cost of a run', () => {
  it('is what AWS’s price pages make of it, added up by hand', () => {
    const cost = costOf({
      processed: 1_000_000,
      skipped: 500_000,
      batches: 15_000,
      // 1 GB for 200,000 s
      milliseconds: 200_000_000,
      memory: 1024,
      architecture: 'x86_64',
    });
    near(cost.lambda, 200_000 * 0.0000166667 + 15_000 * 0.0000002);
    // 64 MB for 200,000 s and 0.1 s a batch
    near(cost.stepFunctions, 15_004 * 0.000025 + 15_000 * 0.000001 + 0.0625 * 201_500 * 0.00001667);
    // 1,500 lists, a result each; three reads of an image, two where it is skipped
    near(cost.s3, 1_001_500 * 0.000005 + (3_000_000 + 1_000_000) * 0.0000004);
    assert.deepEqual([cost.region, cost.date], [PRICE_TABLE.region, PRICE_TABLE.date]);
    near(cost.total, cost.lambda + cost.stepFunctions + cost.s3);
  });

  it('is a fifth less in Lambda on arm64', () => {
    const work = { processed: 0, skipped: 0, batches: 0, milliseconds: 1e9, memory: 1024 };
    const { lambda: x86 } = costOf({ ...work, architecture: 'x86_64' });
    const { lambda: arm } = costOf({ ...work, architecture: 'arm64' });
    assert.ok(Math.abs(arm / x86 - 0.8) < 0.001);
  });

  it('has each price for one of its unit', () => {
    const { lambdaGbSecond, provisionedGbSecond, provisionedRunGbSecond, ...single } = PRICE_TABLE.prices;
    const prices = {
      lambdaRequest: 0.000_000_2,
      httpRequest: 0.000_001,
      event: 0.000_001,
      sqsRequest: 0.000_000_4,
      transition: 0.000_025,
      expressRequest: 0.000_001,
      expressGbSecond: 0.000_016_67,
      s3Write: 0.000_005,
      s3Read: 0.000_000_4,
      logGb: 0.5,
      gpuHour: 0.526,
    };
    assert.deepEqual(Object.keys(single), Object.keys(prices));
    for (const [name, price] of Object.entries(prices)) {
      assert.ok(Math.abs(single[name as keyof typeof single] / price - 1) < 1e-9, name);
    }
    for (const both of [lambdaGbSecond, provisionedGbSecond, provisionedRunGbSecond]) {
      assert.ok(Math.abs(both.arm64 / both.x86_64 - 0.8) < 0.001);
    }
  });

  it('says whose prices it uses, and of when', () => {
    assert.match(PRICE_TABLE.date, /^\d{4}-\d\d-\d\d$/);
    assert.ok(PRICE_TABLE.sources.length >= 7);
    for (const source of PRICE_TABLE.sources) assert.equal(new URL(source).hostname, 'aws.amazon.com');
  });
});

describe('an estimate', () => {
  const plan = { batchSize: 40, concurrency: 5, memory: 1769, architecture: 'x86_64' } as const;
  const batchMinutes = (40 * MILLISECONDS_PER_IMAGE) / 60_000;
  const cases: { images: number; batches: number; rounds: number }[] = [
    { images: 40, batches: 1, rounds: 1 },
    { images: 200, batches: 5, rounds: 1 },
    { images: 201, batches: 6, rounds: 2 },
    { images: 1500, batches: 38, rounds: 8 },
  ];
  for (const { images, batches, rounds } of cases) {
    it(`of ${images} images is ${batches} batches in ${rounds} rounds`, () => {
      const estimate = estimateRun(images, plan);
      assert.equal(estimate.batches, batches);
      near(estimate.minutes, rounds * batchMinutes);
    });
  }

  it('of nothing takes no time', () => {
    const { batches, minutes, cost } = estimateRun(0, plan);
    assert.deepEqual([batches, minutes, cost.lambda, cost.s3], [0, 0, 0, 0]);
  });
});
