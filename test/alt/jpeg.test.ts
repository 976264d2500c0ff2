import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { readJpeg } from '../../src/alt/jpeg.ts';
import { UnsupportedImage } from '../../src/errors.ts';
import {
  binary,
  dataSet,
  exifSegment,
  imageDescription,
  photoshopSegment,
  resources,
  segment,
  tiffBlock,
  xmpSegment,
} from './words/files.ts';

const START = Buffer.from([0xff, 0xd8]);
/** The header of the scan, then pixels, some of which look like segments. */
const PIXELS = Buffer.concat([
  segment(0xda, binary('\x01')),
  binary('\xff\xe1\0\x04ab'),
  Buffer.from([0xff, 0xd9]),
]);
const JFIF = segment(0xe0, binary('JFIF\0\x01\x01\0\0\x01\0\x01\0\0'));
const INDEX = segment(0xe2, binary('MPF\0II*\0'));
const TABLE = segment(0xdb, Buffer.alloc(65, 1));
const PACKET = binary('<a packet/>');
const exif = (text: string) => exifSegment(tiffBlock('II', [imageDescription(text)]));
const extended = (text: string) => {
  const head = Buffer.alloc(40, 'A');
  head.writeUInt32BE(text.length, 32);
  head.writeUInt32BE(0, 36);
  return segment(0xe1, Buffer.concat([binary('http://ns.adobe.com/xmp/extension/\0'), head, binary(text)]));
};

const file = (...segments: Buffer[]) => Buffer.concat([START, ...segments, PIXELS]);
const read = (...segments: Buffer[]) => readJpeg(file(...segments));
const texts = (...segments: Buffer[]) => read(...segments).texts.map(({ field, text }) => `${field}=${text}`);
const refused = (bytes: Buffer) => assert.throws(() => readJpeg(bytes), UnsupportedImage);

describe('packets of a JPEG', () => {
  test('are the first one, further ones and extended ones', () => {
    const { packet, otherPackets, room } = read(
      segment(0xe2, binary('http://ns.adobe.com/xap/1.0/\0in another segment')),
      extended('extended'),
      xmpSegment('one'),
      xmpSegment('two'),
      segment(0xe1, binary('http://ns.adobe.com/xap/1.0/')),
      xmpSegment('three'),
    );
    assert.deepEqual([packet, ...otherPackets].map(String), ['one', 'two', 'three', 'extended']);
    assert.equal(room, 65_502);
    const none = read(JFIF);
    assert.deepEqual([none.packet, none.otherPackets, none.texts], [null, [], []]);
  });

  test('are put behind the segments that want to be first, or in place of the old one', () => {
    const fresh = xmpSegment(PACKET);
    for (const [before, after] of [
      [[], [fresh]],
      [[TABLE], [fresh, TABLE]],
      [
        [JFIF, TABLE],
        [JFIF, fresh, TABLE],
      ],
      [
        [JFIF, exif('a'), JFIF, TABLE, JFIF],
        [JFIF, exif('a'), JFIF, fresh, TABLE, JFIF],
      ],
      [
        [segment(0xe1, binary('other')), JFIF],
        [fresh, segment(0xe1, binary('other')), JFIF],
      ],
      [
        [segment(0xe3, binary('Exif\0\0')), JFIF],
        [fresh, segment(0xe3, binary('Exif\0\0')), JFIF],
      ],
      [
        [TABLE, xmpSegment('an old one'), exif('a'), xmpSegment('another')],
        [TABLE, fresh, exif('a'), xmpSegment('another')],
      ],
      // Fill bytes belong to the segment behind them.
      [
        [TABLE, binary('\xff\xff'), xmpSegment('old'), binary('\xff'), JFIF],
        [TABLE, fresh, binary('\xff'), JFIF],
      ],
    ] as const)
      assert.deepEqual(read(...before).withPacket(PACKET, null), file(...after));
  });

  test('have no more bytes than their specification says', () => {
    const most = Buffer.alloc(65_502, 'x');
    assert.deepEqual(read(JFIF).withPacket(most, null), file(JFIF, xmpSegment(most)));
    assert.throws(
      () => read(JFIF).withPacket(Buffer.alloc(65_503), null),
      (error) => error instanceof UnsupportedImage && /65503 bytes.* 65502/.test(error.message),
    );
  });

  test('are not put in front of further pictures whose places an index counts from its own', () => {
    const fresh = xmpSegment(PACKET);
    assert.deepEqual(read(xmpSegment('x'), INDEX).withPacket(PACKET, null), file(fresh, INDEX));
    assert.deepEqual(read(JFIF, TABLE, INDEX).withPacket(PACKET, null), file(JFIF, fresh, TABLE, INDEX));
    assert.deepEqual(read(JFIF, INDEX).withPacket(PACKET, null), file(JFIF, fresh, INDEX));
    assert.throws(() => read(INDEX, xmpSegment('x')).withPacket(PACKET, null), UnsupportedImage);
    const other = segment(0xe2, binary('ICC_PROFILE\0'));
    assert.deepEqual(read(other, xmpSegment('x')).withPacket(PACKET, null), file(other, fresh));
  });
});

describe('segments of a JPEG', () => {
  test('are read up to the pixels', () => {
    assert.equal(read(JFIF).withPacket(PACKET, null).subarray(-PIXELS.length).compare(PIXELS), 0);
    // Without content, and with fill bytes in front of the pixels.
    assert.ok(read(segment(0xfe, Buffer.alloc(0)), binary('\xff\xff\xff')));
    assert.ok(readJpeg(Buffer.concat([START, segment(0xda, Buffer.alloc(0))])));
  });

  test('are damaged where one is cut off, of no length, or none', () => {
    const whole = Buffer.concat([START, JFIF, TABLE, PIXELS.subarray(0, 5)]);
    assert.ok(readJpeg(whole));
    for (let end = 0; end < whole.length; end++) refused(whole.subarray(0, end));
    const spaced = Buffer.concat([
      START,
      binary('\xff\xff\xff'),
      JFIF,
      binary('\xff'),
      PIXELS.subarray(0, 5),
    ]);
    assert.ok(readJpeg(spaced));
    for (let end = 0; end < spaced.length; end++) refused(spaced.subarray(0, end));
    for (const damage of [
      binary('\xff\xe3\0\x01'),
      binary('\xff\xe3\0\0'),
      binary('\xfe\xe3\0\x02'),
      binary('x'),
    ])
      refused(file(JFIF, damage));
    refused(Buffer.concat([START, binary('\xff'.repeat(20))]));
    refused(Buffer.concat([START, JFIF, Buffer.from([0xff, 0xd9])]));
    assert.throws(() => readJpeg(START), /JPEG segments are damaged/);
  });
});

describe('descriptions of a JPEG', () => {
  test('are those in EXIF, IPTC and comments', () => {
    const photoshop = resources(dataSet(2, 120, 'in IPTC'));
    assert.deepEqual(
      texts(
        segment(0xfe, binary('one\0rest')),
        photoshopSegment(photoshop.subarray(0, 40)),
        exif('in EXIF'),
        segment(0xfe, Buffer.from('zwei – ü')),
        photoshopSegment(photoshop.subarray(40)),
        exif('again'),
      ),
      [
        'EXIF:ImageDescription=in EXIF',
        'EXIF:ImageDescription=again',
        'IPTC:Caption-Abstract=in IPTC',
      ].concat(['File:Comment=one', 'File:Comment=zwei – ü']),
    );
    // Each in segments of its own kind.
    const content = (whole: Buffer) => whole.subarray(4);
    assert.deepEqual(
      texts(
        segment(0xe2, content(exif('a'))),
        segment(0xe1, content(photoshopSegment(photoshop))),
        segment(0xef, binary('c')),
      ),
      [],
    );
  });

  test('are blanked in EXIF and brought in step in IPTC where the packet has a new one', () => {
    const md5 = (bytes: Buffer) => createHash('md5').update(bytes).digest();
    const old = dataSet(2, 120, 'a dog');
    const fresh = dataSet(2, 120, 'two cats');
    for (const [before, after] of [
      [resources(old), resources(fresh)],
      [resources(old, md5(old)), resources(fresh, md5(fresh))],
      [resources(old, md5(fresh)), resources(fresh, md5(fresh))],
    ] as const) {
      const image = (text: string, blocks: Buffer, ...more: Buffer[]) =>
        file(
          JFIF,
          exif(text),
          ...more,
          TABLE,
          photoshopSegment(blocks),
          exif(text),
          segment(0xfe, binary('c')),
        );
      const bytes = image('a dog', before);
      const copy = Buffer.from(bytes);
      assert.deepEqual(
        readJpeg(bytes).withPacket(PACKET, 'two cats'),
        image('     ', after, xmpSegment(PACKET)),
      );
      assert.deepEqual(bytes, copy);
      // Without a new description both stay.
      assert.deepEqual(readJpeg(bytes).withPacket(PACKET, null), image('a dog', before, xmpSegment(PACKET)));
    }
  });

  test('are put into one row of segments where they came in several', () => {
    const long = (caption: string) =>
      Buffer.concat([
        resources(dataSet(2, 120, caption)),
        ...Array(5).fill(resources(Buffer.alloc(20_000, 1))),
      ]);
    const room = 65_533 - 14;
    const split = (blocks: Buffer) => [blocks.subarray(0, room), blocks.subarray(room)].map(photoshopSegment);
    const [first, second] = split(long('a dog'));
    const [changed, rest] = split(long('a much longer text'));
    assert.deepEqual(
      read(JFIF, first!, TABLE, second!).withPacket(PACKET, 'a much longer text'),
      file(JFIF, xmpSegment(PACKET), changed!, rest!, TABLE),
    );
  });

  test('stay where IPTC has none, and are refused behind an index of pictures', () => {
    const keywords = photoshopSegment(resources(dataSet(2, 25, 'dogs')));
    assert.deepEqual(read(JFIF, keywords).withPacket(PACKET, 'x'), file(JFIF, xmpSegment(PACKET), keywords));
    const others = photoshopSegment(resources(Buffer.alloc(0)).subarray(0, 18));
    assert.deepEqual(read(JFIF, others).withPacket(PACKET, 'x'), file(JFIF, xmpSegment(PACKET), others));
    const caption = photoshopSegment(resources(dataSet(2, 120, 'a dog')));
    assert.throws(() => read(JFIF, INDEX, caption).withPacket(PACKET, 'x'), UnsupportedImage);
    assert.ok(read(JFIF, INDEX, caption).withPacket(PACKET, null));
  });
});
