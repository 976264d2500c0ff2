import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { deflateSync } from 'node:zlib';
import { readPng } from '../../src/alt/png.ts';
import { UnsupportedImage } from '../../src/errors.ts';
import { binary, imageDescription, pngChunk, tiffBlock } from './words/files.ts';

const SIGNATURE = binary('\x89PNG\r\n\x1a\n');
const HEADER = pngChunk('IHDR', Buffer.alloc(13, 1));
const PIXELS = pngChunk('IDAT', binary('pixels'));
const END = pngChunk('IEND', Buffer.alloc(0));
const PACKET = binary('<a packet/>');

const xmp = (packet: Buffer) =>
  pngChunk('iTXt', Buffer.concat([binary('XML:com.adobe.xmp\0\0\0\0\0'), packet]));
const zipped = (packet: Buffer) =>
  pngChunk('zTXt', Buffer.concat([binary('XML:com.adobe.xmp\0\0'), deflateSync(packet)]));
const exif = (text: string) => pngChunk('eXIf', tiffBlock('II', [imageDescription(text)]));
const comment = (text: string) => pngChunk('tEXt', binary(`Comment\0${text}`));
const file = (...chunks: Buffer[]) => Buffer.concat([SIGNATURE, HEADER, ...chunks, END]);
const read = (...chunks: Buffer[]) => readPng(file(...chunks));
const refused = (bytes: Buffer, why: RegExp) =>
  assert.throws(
    () => readPng(bytes),
    (error) => error instanceof UnsupportedImage && why.test(error.message),
  );

describe('packets of a PNG', () => {
  test('are the first one, in any kind of text, and further ones', () => {
    const { packet, otherPackets, room } = read(
      pngChunk('prVt', binary('XML:com.adobe.xmp\0')),
      pngChunk('tEXt', binary('XML:com.adobe.xmpx\0')),
      zipped(binary('one')),
      PIXELS,
      xmp(binary('two')),
      pngChunk('tEXt', binary('XML:com.adobe.xmp\0three')),
    );
    assert.deepEqual([packet, ...otherPackets].map(String), ['one', 'two', 'three']);
    assert.equal(room, Infinity);
    const none = read(PIXELS);
    assert.deepEqual([none.packet, none.otherPackets, none.texts], [null, [], []]);
  });

  test('are put in front of the pixels, or in place of the old one', () => {
    const fresh = xmp(PACKET);
    for (const [before, after] of [
      [[PIXELS], [fresh, PIXELS]],
      [
        [comment('a'), PIXELS, PIXELS, comment('b')],
        [comment('a'), fresh, PIXELS, PIXELS, comment('b')],
      ],
      [
        [zipped(binary('old')), comment('a'), PIXELS, xmp(binary('another'))],
        [fresh, comment('a'), PIXELS, xmp(binary('another'))],
      ],
      [
        [PIXELS, xmp(binary('old'))],
        [PIXELS, fresh],
      ],
    ] as const)
      assert.deepEqual(read(...before).withPacket(PACKET, null), file(...after));
    // What follows the picture stays.
    const longer = Buffer.concat([file(PIXELS), binary('more')]);
    assert.deepEqual(
      readPng(longer).withPacket(PACKET, null),
      Buffer.concat([file(fresh, PIXELS), binary('more')]),
    );
  });

  test('are 4 MiB at most, the further ones together', () => {
    const most = 4 << 20;
    const packet = zipped(Buffer.alloc(most));
    const third = zipped(Buffer.alloc(most / 2));
    assert.equal(read(packet, PIXELS).packet?.length, most);
    assert.deepEqual(
      read(packet, third, third, PIXELS).otherPackets.map(({ length }) => length),
      [most / 2, most / 2],
    );
    refused(file(zipped(Buffer.alloc(most + 1)), PIXELS), /damaged or too large/);
    refused(file(packet, third, zipped(Buffer.alloc(most / 2 + 1)), PIXELS), /damaged or too large/);
    refused(file(packet, third, third, zipped(Buffer.alloc(2)), PIXELS), /damaged or too large/);
  });

  test('are refused where they cannot be read, or have the form of ImageMagick', () => {
    refused(file(pngChunk('zTXt', binary('XML:com.adobe.xmp\0\0x')), PIXELS), /damaged or too large/);
    refused(file(PIXELS, comment('a'), pngChunk('tEXt', binary('Raw profile type xmp\0'))), /ImageMagick/);
    assert.ok(read(pngChunk('tEXt', binary('Raw profile type xmpx\0')), PIXELS));
    assert.ok(read(pngChunk('prVt', binary('Raw profile type xmp\0')), PIXELS));
  });
});

describe('descriptions of a PNG', () => {
  test('are those in EXIF and in texts', () => {
    assert.deepEqual(read(comment('in a text'), PIXELS, exif('in EXIF')).texts, [
      { field: 'EXIF:ImageDescription', text: 'in EXIF' },
      { field: 'PNG:Comment', text: 'in a text' },
    ]);
  });

  test('are blanked in EXIF where the packet has a new one, with the check sum', () => {
    for (const place of [0, 1]) {
      const chunks = (text: string) => (place === 0 ? [exif(text), PIXELS] : [PIXELS, exif(text)]);
      const bytes = file(...chunks('a dog'));
      const copy = Buffer.from(bytes);
      const expected = (text: string) =>
        file(...chunks(text).flatMap((chunk) => (chunk === PIXELS ? [xmp(PACKET), chunk] : [chunk])));
      assert.deepEqual(readPng(bytes).withPacket(PACKET, 'x'), expected('     '));
      assert.deepEqual(readPng(bytes).withPacket(PACKET, null), expected('a dog'));
      assert.deepEqual(bytes, copy);
    }
    assert.deepEqual(read(PIXELS).withPacket(PACKET, 'x'), file(xmp(PACKET), PIXELS));
  });
});

test('damaged chunks are refused, and what follows the end is not read', () => {
  const whole = file(PIXELS);
  assert.ok(readPng(whole));
  for (let end = 0; end < whole.length; end++) refused(whole.subarray(0, end), /PNG chunks are damaged/);
  refused(file(), /PNG chunks are damaged/);
  refused(Buffer.concat([file(), PIXELS]), /PNG chunks are damaged/);
  refused(Buffer.concat([SIGNATURE, HEADER, PIXELS]), /PNG chunks are damaged/);
  assert.deepEqual(readPng(Buffer.concat([whole, xmp(PACKET)])).packet, null);
});
