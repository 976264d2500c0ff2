import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { idsThatRepeat } from '../../../src/caption/search/repeated-run.ts';

test('ids that end a run which was there before, and no others', () => {
  assert.deepEqual([...idsThatRepeat([0, 5, 6, 7, 5], 2)], [6]);
  assert.deepEqual([...idsThatRepeat([0, 5, 6, 5, 7, 5], 2)], [6, 7]);
  assert.deepEqual([...idsThatRepeat([0, 5, 6, 7, 5, 6], 3)], [7]);
  assert.deepEqual([...idsThatRepeat([4, 4], 2)], [4]);
  assert.deepEqual([...idsThatRepeat([3, 4, 3], 1)], [3, 4]);
  assert.deepEqual([...idsThatRepeat([3, 4], 3)], []);
  assert.deepEqual([...idsThatRepeat([3, 4, 3, 4], 0)], []);
});

test('a caption without them has no run twice, one with any of them has', () => {
  const hasRepeat = (ids: readonly number[], n: number) => {
    const runs = Array.from({ length: Math.max(0, ids.length - n + 1) }, (_, i) =>
      ids.slice(i, i + n).join(),
    );
    return new Set(runs).size < runs.length;
  };
  fc.assert(
    fc.property(
      fc.array(fc.nat(3), { maxLength: 9 }),
      fc.integer({ min: 1, max: 4 }),
      fc.nat(3),
      (ids, n, id) => {
        fc.pre(!hasRepeat(ids, n));
        assert.equal(idsThatRepeat(ids, n).has(id), hasRepeat([...ids, id], n));
      },
    ),
  );
});
