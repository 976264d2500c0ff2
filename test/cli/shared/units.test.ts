import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { durationOf, sizeOf } from '../../../src/cli/shared/units.ts';

describe('a size', () => {
  const sizes = [
    ['0', 0],
    ['4096', 4096],
    ['1b', 1],
    ['10kb', 10_000],
    ['10mb', 10_000_000],
    ['1.5MB', 1_500_000],
    ['2gb', 2_000_000_000],
    ['32kib', 32 << 10],
    ['32MiB', 32 << 20],
    [' 1 gib ', 1 << 30],
    ['0.1kib', 102],
  ] as const;
  for (const [text, bytes] of sizes) it(`${text} is ${bytes} bytes`, () => assert.equal(sizeOf(text), bytes));

  for (const text of ['', 'mb', '10x', '10 m b', '-1mb', '1e3', '0x10', '1,5mb', 'Infinity', '10s']) {
    it(`“${text}” is none`, () =>
      assert.throws(() => sizeOf(text), { code: 'commander.invalidArgument', message: /10mb/ }));
  }
});

describe('a time', () => {
  const times = [
    ['500ms', 500],
    ['30s', 30_000],
    ['1.5S', 1_500],
    ['2m', 120_000],
    ['1h', 3_600_000],
  ] as const;
  for (const [text, ms] of times) it(`${text} is ${ms} ms`, () => assert.equal(durationOf(text), ms));

  // Nobody can know what a number alone would mean: both seconds and milliseconds are usual.
  for (const text of ['', '30', 's', '-1s', '1 day', '10mb', '1e3s']) {
    it(`“${text}” is none`, () =>
      assert.throws(() => durationOf(text), { code: 'commander.invalidArgument', message: /30s/ }));
  }
});
