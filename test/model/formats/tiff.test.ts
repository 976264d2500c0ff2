/** Numbers in the directory of a TIFF, written in every form that has the same meaning. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isLossyWebp, tileRowsOf } from '../../../src/model/formats/layout.ts';
import { pixelLimit } from '../../../src/model/formats/pixel-limit.ts';
import { TAG, tiffTags } from '../../../src/model/formats/tiff-tags.ts';
import { tiffOf } from '../../support/crafted-images.ts';

const BYTE = 1;
const ASCII = 2;
const SHORT = 3;
const LONG = 4;
const LONG8 = 16;

const FORMS = [true, false].flatMap((little) => [true, false].map((big) => ({ little, big })));

for (const { little, big } of FORMS) {
  describe(`a ${big ? 'BigTIFF' : 'TIFF'}, ${little ? 'little' : 'big'}-endian`, () => {
    const file = (...fields: [tag: number, type: number, values: number[]][]) =>
      tiffOf({ little, big }, fields);

    it('has its numbers read, the first of each field, wherever they stand', () => {
      const tags = tiffTags(
        file(
          [TAG.bitsPerSample, SHORT, [12, 13, 14, 15, 16]],
          [TAG.compression, SHORT, [34712]],
          [TAG.photometric, LONG, [32803]],
          [TAG.sampleFormat, BYTE, [3, 0]],
          [700, ASCII, [65, 66]],
          [TAG.dngVersion, BYTE, [1, 4, 0, 0, 0, 0, 0, 0, 0]],
          [50_000, LONG8, [2 ** 33]],
        ),
      )!;
      assert.deepEqual(
        [...tags],
        [
          [258, 12],
          [259, 34712],
          [262, 32803],
          [339, 3],
          [50706, 1],
          [50_000, 2 ** 33],
        ],
      );
    });

    it('that breaks off within what is read is none, as one of another version', () => {
      const whole = file([TAG.compression, SHORT, [5]], [TAG.bitsPerSample, SHORT, [8, 8, 8, 8, 8]]);
      assert.notEqual(tiffTags(whole), null);
      // Of the values that stand elsewhere only the first is looked at, and nothing of a next directory.
      const read = whole.indexOf(Buffer.from(little ? [8, 0, 8, 0, 8, 0] : [0, 8, 0, 8, 0, 8])) + 2;
      for (let end = 0; end < read; end++) assert.equal(tiffTags(whole.subarray(0, end)), null, `${end}`);
      assert.deepEqual(tiffTags(whole.subarray(0, read)), tiffTags(whole));
      const other = Buffer.from(whole);
      other[little ? 2 : 3] = 44;
      assert.equal(tiffTags(other), null);
      for (const order of ['MI', 'IM', 'JI', 'LL']) {
        const named = Buffer.from(whole);
        named.write(order, 'latin1');
        assert.equal(tiffTags(named), null, order);
      }
    });

    it('says how high its tiles are, as 16 or 32 bits', () => {
      assert.equal(tileRowsOf(file([322, SHORT, [32]], [323, SHORT, [48]])), 48);
      assert.equal(tileRowsOf(file([322, SHORT, [32]], [323, LONG, [100_000]], [339, SHORT, [1]])), 100_000);
      assert.equal(tileRowsOf(file([256, SHORT, [32]], [278, SHORT, [48]])), 0);
    });

    it('is read where it stands in a larger buffer', () => {
      const whole = file([TAG.compression, SHORT, [5]], [323, SHORT, [48]]);
      const view = Buffer.concat([Buffer.alloc(7, 1), whole]).subarray(7);
      assert.deepEqual(tiffTags(view), tiffTags(whole));
      assert.equal(tileRowsOf(view), 48);
    });
  });
}

describe('a WebP', () => {
  /** Chunks of RIFF, padded to even lengths; of an animation's frame the chunks in it stand behind 16 bytes. */
  const webp = (...chunks: [type: string, bytes: number][]) => {
    const parts = chunks.map(([type, bytes]) => {
      const head = Buffer.alloc(8 + bytes + (bytes % 2), 1);
      head.write(type, 'latin1');
      head.writeUInt32LE(bytes, 4);
      return head;
    });
    return Buffer.concat([Buffer.from('RIFF\0\0\0\0WEBP', 'latin1'), ...parts]);
  };
  const LOSSY: [string, number] = ['VP8 ', 10];
  const LOSSLESS: [string, number] = ['VP8L', 10];
  for (const before of [
    [],
    [['VP8X', 10]],
    [
      ['VP8X', 10],
      ['ICCP', 7],
      ['ALPH', 1],
    ],
  ] as [string, number][][]) {
    it(`is lossy or not, whatever stands before the picture: ${before.map(([type]) => type)}`, () => {
      assert.equal(isLossyWebp(webp(...before, LOSSY, LOSSLESS)), true);
      assert.equal(isLossyWebp(webp(...before, LOSSLESS, LOSSY)), false);
      const view = Buffer.concat([Buffer.alloc(5), webp(...before, LOSSY)]).subarray(5);
      assert.equal(isLossyWebp(view), true);
    });
  }

  it('has the picture of its first frame', () => {
    const frame = (type: string) => {
      const file = webp(['VP8X', 10], ['ANIM', 6], ['ANMF', 40], LOSSLESS);
      file.write(type, file.indexOf('ANMF') + 8 + 16, 'latin1');
      return file;
    };
    assert.equal(isLossyWebp(frame('VP8 ')), true);
    assert.equal(isLossyWebp(frame('VP8L')), false);
  });

  it('that ends before its picture is not known to be lossy', () => {
    assert.equal(isLossyWebp(webp(['VP8X', 10])), false);
    const cut = webp(['VP8X', 10], ['VP8 ', 0]);
    assert.equal(isLossyWebp(cut), true);
    assert.equal(isLossyWebp(cut.subarray(0, -1)), false);
  });
});

it('how large an image may be goes by what decoding it takes', () => {
  const [costly, whole, shrunk] = [50e6, 128e6, 256e6];
  const limitOf = (format: string, isProgressive: boolean, how: { shrunk: boolean; scaled: boolean }) =>
    pixelLimit({ format: format as 'jpeg', isProgressive }, how);
  // Small copies, then all pixels; of progressive files, then of those that are not.
  for (const [format, limits] of Object.entries({
    jpeg: [whole, shrunk, whole, whole],
    webp: [shrunk, shrunk, whole, whole],
    png: [whole, whole, whole, whole],
    tiff: [whole, whole, whole, whole],
    heif: [costly, costly, costly, costly],
  })) {
    const found = [true, false].flatMap((small) =>
      [true, false].map((progressive) => limitOf(format, progressive, { shrunk: small, scaled: false })),
    );
    assert.deepEqual(found, limits, format);
    for (const small of [true, false]) {
      assert.equal(limitOf(format, false, { shrunk: small, scaled: true }), costly, format);
    }
  }
});
