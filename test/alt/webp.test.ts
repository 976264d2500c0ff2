import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readWebp } from '../../src/alt/webp.ts';
import { UnsupportedImage } from '../../src/errors.ts';
import { binary, imageDescription, tiffBlock } from './words/files.ts';

function chunk(type: string, data: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.write(type, 'latin1');
  head.writeUInt32LE(data.length, 4);
  return Buffer.concat([head, data, Buffer.alloc(data.length % 2)]);
}
function file(...chunks: Buffer[]): Buffer {
  const body = Buffer.concat([binary('WEBP'), ...chunks]);
  const head = binary('RIFF....');
  head.writeUInt32LE(body.length, 4);
  return Buffer.concat([head, body]);
}
/** Flags, then width - 1 and height - 1 in three bytes each. */
const extended = (flags: number, sizes: readonly number[]) =>
  chunk('VP8X', Buffer.from([flags, 0, 0, 0, ...sizes]));
const read = (...chunks: Buffer[]) => readWebp(file(...chunks));
const refused = (work: () => unknown) =>
  assert.throws(
    work,
    (error) => error instanceof UnsupportedImage && /WebP chunks are damaged/.test(error.message),
  );

const PACKET = binary('<a packet/>');
const XMP = chunk('XMP ', PACKET);
const ANIMATED = [0x34, 0x12, 0, 0x78, 0x56, 0x01];
const HEADER = extended(0x12, ANIMATED);
const MARKED = extended(0x16, ANIMATED);
const PIXELS = chunk('ANMF', binary('pixel'));
const exif = (text: string) => chunk('EXIF', tiffBlock('II', [imageDescription(text)]));

describe('packets of a WebP', () => {
  test('are the first one, and further ones', () => {
    const { packet, otherPackets, room } = read(
      HEADER,
      PIXELS,
      chunk('XMP ', binary('one')),
      chunk('XMP ', binary('two')),
    );
    assert.deepEqual([packet, ...otherPackets].map(String), ['one', 'two']);
    assert.equal(room, Infinity);
    const none = read(HEADER, PIXELS, chunk('XMP\0', binary('x')));
    assert.deepEqual([none.packet, none.otherPackets, none.texts], [null, [], []]);
  });

  test('are put at the end, or in place of the old one; the header says that there is one', () => {
    for (const [before, after] of [
      [
        [HEADER, PIXELS],
        [MARKED, PIXELS, XMP],
      ],
      [
        [MARKED, PIXELS, chunk('XMP ', binary('old')), exif('a')],
        [MARKED, PIXELS, XMP, exif('a')],
      ],
      [
        [HEADER, chunk('XMP ', binary('old')), PIXELS, chunk('XMP ', binary('two'))],
        [MARKED, XMP, PIXELS, chunk('XMP ', binary('two'))],
      ],
    ] as const)
      assert.deepEqual(read(...before).withPacket(PACKET, null), file(...after));
    const even = binary('even');
    assert.deepEqual(read(HEADER, PIXELS).withPacket(even, null), file(MARKED, PIXELS, chunk('XMP ', even)));
    // What follows the picture stays, and is not counted.
    const more = (bytes: Buffer) => Buffer.concat([bytes, binary('more')]);
    assert.deepEqual(
      readWebp(more(file(HEADER, PIXELS))).withPacket(PACKET, null),
      more(file(MARKED, PIXELS, XMP)),
    );
  });

  test('give a file in the simple format a header, with the size of its pixels', () => {
    // Frame tag, start code, width and height with two bits of scale each.
    const lossy = chunk('VP8 ', Buffer.from([9, 9, 9, 0x9d, 1, 0x2a, 0x34, 0x52, 0x78, 0xd6, 7]));
    assert.deepEqual(
      read(lossy).withPacket(PACKET, null),
      file(extended(0x04, [0x33, 0x12, 0, 0x77, 0x16, 0]), lossy, XMP),
    );
    for (const [alpha, flags] of [
      [0, 0x04],
      [1, 0x14],
    ] as const) {
      // Signature; 14 bits of width - 1, 14 of height - 1, one of transparency, and of the version.
      const data = Buffer.from([0x2f, 0, 0, 0, 0, 7]);
      data.writeUInt32LE(((0x2 << 29) | (alpha << 28) | (0x2345 << 14) | 0x1234) >>> 0, 1);
      const lossless = chunk('VP8L', data);
      assert.deepEqual(
        read(lossless, exif('a')).withPacket(PACKET, null),
        file(extended(flags, [0x34, 0x12, 0, 0x45, 0x23, 0]), lossless, exif('a'), XMP),
      );
    }
  });

  test('are refused where the header or the pixels are too short, or neither stands first', () => {
    const shortest = (type: string, length: number) => {
      const image = read(chunk(type, Buffer.alloc(length, 1)));
      return () => image.withPacket(PACKET, null);
    };
    for (const [type, length] of [
      ['VP8X', 10],
      ['VP8 ', 10],
      ['VP8L', 5],
    ] as const) {
      assert.ok(shortest(type, length)());
      refused(shortest(type, length - 1));
    }
    refused(shortest('ANIM', 20));
  });
});

describe('descriptions of a WebP', () => {
  test('are those in EXIF, and blanked there where the packet has a new one', () => {
    const bytes = file(HEADER, PIXELS, exif('a dog'));
    const copy = Buffer.from(bytes);
    assert.deepEqual(readWebp(bytes).texts, [{ field: 'EXIF:ImageDescription', text: 'a dog' }]);
    assert.deepEqual(readWebp(bytes).withPacket(PACKET, 'x'), file(MARKED, PIXELS, exif('     '), XMP));
    assert.deepEqual(readWebp(bytes).withPacket(PACKET, null), file(MARKED, PIXELS, exif('a dog'), XMP));
    assert.deepEqual(bytes, copy);
    assert.deepEqual(read(HEADER, PIXELS).withPacket(PACKET, 'x'), file(MARKED, PIXELS, XMP));
  });
});

test('damaged chunks are refused', () => {
  const whole = file(HEADER, PIXELS);
  assert.ok(readWebp(whole));
  for (let end = 8; end < whole.length; end++) refused(() => readWebp(whole.subarray(0, end)));
  // The size in the header counts.
  for (const size of [0, 4, 11, whole.length - 9, whole.length - 7]) {
    const other = Buffer.concat([whole, binary('x')]);
    other.writeUInt32LE(size, 4);
    refused(() => readWebp(other));
  }
  const long = Buffer.from(whole);
  long.writeUInt32LE(6, 12 + 18 + 4);
  assert.ok(readWebp(long), 'a chunk of five bytes and its padding');
  long.writeUInt32LE(7, 12 + 18 + 4);
  refused(() => readWebp(long));
  refused(() => read());
  assert.ok(read(chunk('VP8X', Buffer.alloc(0))));
});
