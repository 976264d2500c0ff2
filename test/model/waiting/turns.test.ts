import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inTurns } from '../../../src/model/waiting/turns.ts';

test('long work sees every element once, and lets others go on meanwhile', async () => {
  let others = 0;
  const ticking = setInterval(() => others++, 0);
  const turns: [number, number][] = [];
  await inTurns(3_000_000, (from, to) => {
    turns.push([from, to]);
    const end = performance.now() + 2;
    while (performance.now() < end);
  });
  clearInterval(ticking);
  assert.deepEqual([turns[0]![0], turns.at(-1)![1]], [0, 3_000_000]);
  for (const [i, [from]] of turns.entries()) if (i > 0) assert.equal(from, turns[i - 1]![1]);
  assert.ok(turns.length > 1);
  assert.ok(others > 0);
});

test('short work is done at once, none is no work', async () => {
  const seen: [number, number][] = [];
  const work = inTurns(5, (from, to) => void seen.push([from, to]));
  assert.deepEqual(seen, [[0, 5]]);
  await work;
  await inTurns(0, () => assert.fail('work'));
});

test('work ends when it says so', async () => {
  let turns = 0;
  await inTurns(3_000_000, () => ++turns < 2);
  assert.equal(turns, 2);
});
