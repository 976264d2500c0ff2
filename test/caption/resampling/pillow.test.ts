import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { PILLOW_FILTERS, resizePillow } from '../../../src/caption/resampling/pillow.ts';
import { xorshift } from '../../support/random.ts';
import { plainResize } from './plain-resize.ts';

function resize(...photograph: Parameters<typeof resizePillow>) {
  const work = resizePillow(...photograph);
  let turns = 1;
  for (;;) {
    const turn = work.next();
    if (turn.done) return { ...turn.value, turns };
    turns++;
  }
}

const size = fc.oneof(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 40 }));
const axis = fc.record({ size, resized: size, from: fc.nat(), wanted: fc.nat() }).map((any) => {
  const from = any.from % any.resized;
  // Often the same size, where nothing is resampled.
  const was = any.wanted % 3 === 0 ? any.resized : any.size;
  return { size: was, resized: any.resized, from, wanted: 1 + (any.wanted % (any.resized - from)) };
});

test('any part of any size is what Pillow’s definition gives, by each filter', () => {
  fc.assert(
    fc.property(fc.constantFrom(...PILLOW_FILTERS), axis, axis, fc.nat(), (filter, columns, rows, seed) => {
      const random = xorshift(seed + 1);
      // Black and white beside all others: sums that overshoot.
      const sample = () => [0, 255, random.below(256)][random.below(3)]!;
      const picture = Array.from({ length: rows.size }, () =>
        Array.from({ length: columns.size }, () => [sample(), sample(), sample()]),
      );
      const image = {
        pixels: Uint8Array.from(picture.flat(2)),
        width: columns.size,
        height: rows.size,
      };
      const found = resize(image, filter, columns, rows);
      const wanted = plainResize(picture, filter, columns.resized, rows.resized)
        .slice(rows.from, rows.from + rows.wanted)
        .map((row) => row.slice(columns.from, columns.from + columns.wanted));
      assert.deepEqual([...found.pixels], wanted.flat(2));
      assert.deepEqual([found.width, found.height], [columns.wanted, rows.wanted]);
    }),
    { numRuns: 1000, seed: 20 },
  );
});

test('the photograph is left as it is, even where nothing changes', () => {
  const pixels = Uint8Array.from({ length: 12 }, (_, i) => i);
  const all = { resized: 2, from: 0, wanted: 2 };
  const { pixels: found } = resize({ pixels, width: 2, height: 2 }, 'lanczos', all, all);
  assert.deepEqual(found, pixels);
  found.fill(0);
  assert.equal(pixels[11], 11);
});

test('of a photograph far longer than wide only what the crop leaves is made', () => {
  const pixels = Uint8Array.from({ length: 3 * 5000 }, (_, i) => (i / 3) % 256);
  const columns = { resized: 2000, from: 900, wanted: 3 };
  const rows = { resized: 10_000_000, from: 5_000_000, wanted: 2 };
  const found = resize({ pixels, width: 1, height: 5000 }, 'bilinear', columns, rows);
  // Half of row 2499, which is 195, and a little more of the next.
  assert.deepEqual(found.pixels, new Uint8Array(18).fill(196));
});

test('a large photograph is resized in turns of a million pixels times weights, whichever direction comes first', () => {
  const whole = (resized: number) => ({ resized, from: 0, wanted: resized });
  const turnsOf = (width: number, height: number, side: number, otherSide = side) => {
    const pixels = new Uint8Array(3 * width * height);
    return resize({ pixels, width, height }, 'bilinear', whole(side), whole(otherSide)).turns;
  };
  assert.equal(turnsOf(400, 300, 200), 1);
  // Each pixel twice across, and what is left of them twice down.
  const [landscape, portrait] = [turnsOf(2000, 1500, 200), turnsOf(1500, 2000, 200)];
  assert.ok(landscape >= 5 && landscape <= 8, `${landscape}`);
  assert.ok(portrait >= 5 && portrait <= 8, `${portrait}`);
  // In one direction alone.
  const [down, across] = [turnsOf(1500, 2000, 1500, 200), turnsOf(2000, 1500, 200, 1500)];
  assert.ok(down >= 5 && down <= 8, `${down}`);
  assert.ok(across >= 5 && across <= 8, `${across}`);
});
