import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import { isRawOriginal } from '../../src/alt/raw-original.ts';
import { directoriesOf } from './raw-files.ts';
import { tiffBlock } from './words/files.ts';

const CFA = { tag: 262, value: 32_803 };
const RGB = { tag: 262, value: 2 };

test('raw pictures are found where cameras put them, in both byte orders', () => {
  for (const little of [true, false]) {
    const tiff = (...directories: Parameters<typeof directoriesOf>[1]) => directoriesOf(little, directories);
    assert.ok(isRawOriginal(tiff([CFA])), 'first');
    assert.ok(isRawOriginal(tiff([RGB], [{ tag: 262, value: 34_892 }])), 'second');
    assert.ok(isRawOriginal(tiff([RGB, { tag: 330, to: 1 }], [CFA])), 'below the first');
    assert.ok(isRawOriginal(tiff([RGB, { tag: 50_706, value: 1 }])), 'DNG without any');
    assert.ok(!isRawOriginal(tiff([RGB], [RGB])));
  }
  const canon = Buffer.concat([Buffer.from('II*\0\x10\0\0\0CR\x02\0', 'latin1'), Buffer.alloc(8)]);
  assert.ok(isRawOriginal(canon));
});

test('pictures that people make are none', async () => {
  const picture = sharp({ create: { width: 8, height: 8, channels: 3, background: 'red' } });
  for (const format of ['tiff', 'jpeg', 'png', 'webp'] as const) {
    assert.ok(!isRawOriginal(await picture.toFormat(format).toBuffer()), format);
  }
});

test('directories that lead in circles or out of the file end', () => {
  const circle = directoriesOf(true, [[RGB, { tag: 330, to: 0 }]]);
  assert.ok(!isRawOriginal(circle));
  for (let end = 0; end < circle.length; end++) assert.ok(!isRawOriginal(circle.subarray(0, end)));
  // Three offsets of two bytes each at the very end, where four bytes at a time do not come out even.
  const odd = Buffer.from(circle);
  odd.writeUInt16LE(3, 24);
  odd.writeUInt32LE(3, 26);
  odd.writeUInt32LE(odd.length - 6, 30);
  assert.ok(!isRawOriginal(odd));
  const many = Buffer.from(circle);
  many.writeUInt32LE(0xffffffff, 4);
  assert.ok(!isRawOriginal(many));
});

test('a raw picture is found wherever a list of directories names it, up to the thirty-second directory', () => {
  for (const order of ['II', 'MM'] as const) {
    const little = order === 'II';
    /** A preview with as many directories below it, one of which is raw. */
    const listed = (count: number, raw: number) => {
      const offsets = Buffer.alloc(4 * count);
      const preview = () => tiffBlock(order, [{ tag: 330, type: 4, value: offsets }]);
      const size = 18;
      for (let i = 0; i < count; i++) {
        const place = preview().length + i * size;
        if (little) offsets.writeUInt32LE(place, 4 * i);
        else offsets.writeUInt32BE(place, 4 * i);
      }
      const below = Array.from({ length: count }, (_, i) =>
        directoriesOf(little, [[i === raw ? CFA : RGB]]).subarray(8),
      );
      return Buffer.concat([preview(), ...below]);
    };
    assert.ok([0, 1, 2].every((raw) => isRawOriginal(listed(3, raw))));
    assert.ok(!isRawOriginal(listed(3, 3)));
    // In a buffer of which it is not the beginning, as files come from pools.
    const pooled = Buffer.concat([Buffer.alloc(10), listed(3, 2)]).subarray(10);
    assert.ok(isRawOriginal(pooled));
    assert.deepEqual(
      [30, 31].map((raw) => isRawOriginal(listed(40, raw))),
      [true, false],
    );
    const chained = (raw: number) =>
      directoriesOf(
        little,
        Array.from({ length: 40 }, (_, i) => [i === raw ? CFA : RGB]),
      );
    assert.deepEqual(
      [31, 32].map((raw) => isRawOriginal(chained(raw))),
      [true, false],
    );
  }
});

test('a file is an original by what its tags say, whatever else is like it', () => {
  const has = (...entries: Parameters<typeof directoriesOf>[1][number]) =>
    isRawOriginal(directoriesOf(true, [entries]));
  assert.deepEqual(
    [32_803, 34_892, 32_802, 34_893, 0].map((value) => has({ tag: 262, value })),
    [true, true, false, false, false],
  );
  assert.ok(has({ tag: 50_706, value: 0 }));
  assert.ok(!has({ tag: 263, value: 32_803 }, { tag: 331, to: 0 }, { tag: 50_707, value: 1 }));
  const raw = directoriesOf(false, [[CFA]]);
  assert.ok(isRawOriginal(new Uint8Array(raw)));
  for (const start of ['MM*\0', 'II*\0', 'IM\0*', 'xMM\0*'])
    assert.ok(
      !isRawOriginal(Buffer.concat([Buffer.from(start, 'latin1'), raw.subarray(start.length)])),
      start,
    );
  assert.ok(!isRawOriginal(raw.subarray(0, 7)));
  // Canon's mark has its place.
  const mark = (text: string) => isRawOriginal(Buffer.from(`II*\0${text}`.padEnd(20, '\0'), 'latin1'));
  assert.deepEqual(['\x10\0\0\0CR', '\x10\0\0\0\0CR', '\x10\0\0CR\0', '\x10\0\0\0RC'].map(mark), [
    true,
    false,
    false,
    false,
  ]);
});
