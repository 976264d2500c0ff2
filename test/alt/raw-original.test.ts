import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import { isRawOriginal } from '../../src/alt/raw-original.ts';
import { directoriesOf } from './raw-files.ts';

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
