import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { readTiff } from '../../src/alt/tiff.ts';
import { UnsupportedImage } from '../../src/errors.ts';
import { binary, dataSet, imageDescription, resources, type Tag, tiff } from './words/files.ts';

const XMP = 700;
const IPTC = 33_723;
const PHOTOSHOP = 34_377;
const BYTE = 1;
const ASCII = 2;
const LONG = 4;
const UNDEFINED = 7;
const PACKET = binary('<a new packet/>');

/** The first directory, read without the code under test. */
function directoryOf(file: Buffer) {
  const little = file[0] === 0x49;
  const u16 = (at: number) => (little ? file.readUInt16LE(at) : file.readUInt16BE(at));
  const u32 = (at: number) => (little ? file.readUInt32LE(at) : file.readUInt32BE(at));
  const start = u32(4);
  const count = u16(start);
  const entries = Array.from({ length: count }, (_, i) => {
    const at = start + 2 + 12 * i;
    return { tag: u16(at), type: u16(at + 2), count: u32(at + 4), value: u32(at + 8), at };
  });
  return { start, entries, next: u32(start + 2 + 12 * count), end: start + 2 + 12 * count + 4 };
}

const entryOf = (file: Buffer, tag: number) => directoryOf(file).entries.find((entry) => entry.tag === tag)!;
const bytesOf = (file: Buffer, tag: number) => {
  const { count, type, value } = entryOf(file, tag);
  return file.subarray(value, value + count * (type === LONG ? 4 : 1));
};
/** As a file of another length: bytes that nothing points to at the end. */
const longer = (file: Buffer, bytes: number) => Buffer.concat([file, Buffer.alloc(bytes, 0xee)]);

for (const order of ['II', 'MM'] as const) {
  describe(`a new packet in a TIFF, ${order}`, () => {
    for (const more of [0, 1]) {
      test(`without one, of ${more === 0 ? 'even' : 'odd'} length: a longer directory goes to the end, even`, () => {
        const old = longer(
          tiff(order, [imageDescription('a dog'), { tag: IPTC, type: LONG, value: Buffer.alloc(8) }]),
          more,
        );
        assert.equal(old.length % 2, more);
        const file = readTiff(old).withPacket(PACKET, null);
        const before = directoryOf(old);
        const { start, entries, next, end } = directoryOf(file);

        assert.equal(start, old.length + more);
        assert.equal(end + PACKET.length, file.length);
        assert.equal(next, before.next);
        assert.deepEqual(
          entries.map(({ tag }) => tag),
          [...before.entries.map(({ tag }) => tag), XMP].sort((a, b) => a - b),
        );
        for (const { at: _at, ...entry } of before.entries) {
          const { at, ...copied } = entryOf(file, entry.tag);
          assert.deepEqual(copied, entry);
        }
        assert.deepEqual(
          { ...entryOf(file, XMP), at: 0 },
          { tag: XMP, type: BYTE, count: PACKET.length, value: end, at: 0 },
        );
        assert.deepEqual(bytesOf(file, XMP), PACKET);
        // What was there stays, but for where the directory is.
        assert.deepEqual(file.subarray(8, old.length), old.subarray(8));
        assert.deepEqual(file.subarray(old.length, start), Buffer.alloc(more));
      });

      test(`with one, of ${more === 0 ? 'even' : 'odd'} length: it goes to the end, even, the directory stays`, () => {
        for (const type of [BYTE, UNDEFINED]) {
          const old = longer(tiff(order, [{ tag: XMP, type, value: binary('<the old one/>') }]), more);
          const image = readTiff(old);
          assert.deepEqual(image.packet, binary('<the old one/>'));
          const file = image.withPacket(PACKET, null);

          assert.deepEqual(bytesOf(file, XMP), PACKET);
          assert.equal(entryOf(file, XMP).value, old.length + more);
          assert.equal(file.length, old.length + more + PACKET.length);
          const { at } = entryOf(old, XMP);
          const kept = (bytes: Buffer) =>
            Buffer.concat([bytes.subarray(0, at + 4), bytes.subarray(at + 12, old.length)]);
          assert.deepEqual(kept(file), kept(old));
          assert.deepEqual(file.subarray(old.length, old.length + more), Buffer.alloc(more));
        }
      });
    }

    test('behind the last entry where no tag is larger', () => {
      const file = readTiff(tiff(order, [])).withPacket(PACKET, null);
      assert.equal(directoryOf(file).entries.at(-1)!.tag, XMP);
      assert.deepEqual(readTiff(file).packet, PACKET);
    });

    test('with a caption in IPTC: that is brought in step, behind what there is, each at an even place', () => {
      for (const [type, padding] of [
        [UNDEFINED, 0],
        [LONG, 1],
      ] as const) {
        const block = Buffer.concat([dataSet(2, 120, 'a dogs'), Buffer.alloc(padding)]);
        const old = tiff(order, [{ tag: IPTC, type, value: block }]);
        const file = readTiff(old).withPacket(PACKET, 'two cats');
        const caption = dataSet(2, 120, 'two cats');
        const written = bytesOf(file, IPTC);

        assert.deepEqual(written.subarray(0, caption.length), caption);
        assert.ok(written.subarray(caption.length).every((byte) => byte === 0));
        assert.equal(written.length % (type === LONG ? 4 : 1), 0);
        assert.equal(entryOf(file, IPTC).value, old.length);
        assert.equal(directoryOf(file).start % 2, 0);
        assert.deepEqual(readTiff(file).packet, PACKET);
        assert.deepEqual(
          readTiff(file).texts.map(({ field, text }) => [field, text]),
          [['IPTC:Caption-Abstract', 'two cats']],
        );
      }
    });
  });
}

describe('descriptions of a TIFF', () => {
  const texts = (...tags: Tag[]) =>
    readTiff(tiff('II', tags)).texts.map(({ field, text }) => `${field}=${text}`);
  const block = dataSet(2, 120, 'a dog'); // ten bytes

  test('stand in EXIF, in IPTC, and in the IPTC among the resources of Photoshop', () => {
    assert.deepEqual(
      texts(
        imageDescription('in EXIF'),
        { tag: IPTC, type: UNDEFINED, value: dataSet(2, 120, 'in IPTC') },
        { tag: PHOTOSHOP, type: UNDEFINED, value: resources(dataSet(2, 120, 'in a resource')) },
      ),
      [
        'EXIF:ImageDescription=in EXIF',
        'IPTC:Caption-Abstract=in IPTC',
        'IPTC:Caption-Abstract=in a resource',
      ],
    );
    assert.deepEqual(texts(), []);
  });

  test('are read where a writer swapped the bytes of IPTC as numbers of 32 bits, and only there', () => {
    const whole = Buffer.concat([block, Buffer.alloc(2)]);
    const swapped = Buffer.from(whole).swap32();
    assert.deepEqual(texts({ tag: IPTC, type: LONG, value: swapped }), ['IPTC:Caption-Abstract=a dog']);
    // A caption so long that its length begins with the marker, in a block of a multiple of four.
    const long = 'x'.repeat(0x1c03);
    const inOrder = dataSet(2, 120, long);
    assert.deepEqual([inOrder[3], inOrder.length % 4], [0x1c, 0]);
    assert.deepEqual(texts({ tag: IPTC, type: LONG, value: inOrder }), [`IPTC:Caption-Abstract=${long}`]);
    // Not a multiple of four, so never swapped.
    const odd = Buffer.concat([binary('x'), binary('yz'), block]);
    assert.deepEqual(texts({ tag: IPTC, type: UNDEFINED, value: odd }), []);
  });

  test('in EXIF are blanked where the packet has a new one, and stay where it has none', () => {
    const old = tiff('MM', [imageDescription('somebody wrote this')]);
    assert.ok(readTiff(old).withPacket(PACKET, null).includes('somebody wrote this'));
    const file = readTiff(old).withPacket(PACKET, 'a dog');
    assert.ok(!file.includes('somebody wrote this'));
    assert.ok(old.includes('somebody wrote this'), 'the bytes that were given are not written to');
  });

  test('in IPTC whose digest was right get a digest that is right, a wrong one stays wrong', () => {
    const md5 = (bytes: Buffer) => createHash('md5').update(bytes).digest();
    const wrong = md5(Buffer.from('edited since'));
    for (const [digest, expected] of [
      [md5(block), md5(dataSet(2, 120, 'two cats'))],
      [wrong, wrong],
    ] as const) {
      const old = tiff('II', [
        { tag: IPTC, type: UNDEFINED, value: block },
        { tag: PHOTOSHOP, type: UNDEFINED, value: resources(block, digest) },
      ]);
      const file = readTiff(old).withPacket(PACKET, 'two cats');
      assert.ok(bytesOf(file, PHOTOSHOP).includes(expected));
      assert.deepEqual(bytesOf(file, IPTC), dataSet(2, 120, 'two cats'));
    }
  });

  test('are put before what nobody can read in IPTC, which stays in its order', () => {
    const unknown = binary('abcdefgh');
    const old = tiff('II', [
      { tag: IPTC, type: UNDEFINED, value: unknown },
      { tag: PHOTOSHOP, type: UNDEFINED, value: resources(unknown, Buffer.alloc(16, 7)) },
    ]);
    const written = bytesOf(readTiff(old).withPacket(PACKET, 'two cats'), IPTC);
    assert.deepEqual(written, Buffer.concat([dataSet(2, 120, 'two cats'), unknown]));
  });

  test('are not put into IPTC that has none', () => {
    const keywords = dataSet(2, 25, 'dogs');
    const old = tiff('II', [{ tag: IPTC, type: UNDEFINED, value: keywords }]);
    assert.deepEqual(bytesOf(readTiff(old).withPacket(PACKET, 'two cats'), IPTC), keywords);
  });
});

test('a damaged directory is refused, with nothing written', () => {
  const good = tiff('II', [{ tag: XMP, type: BYTE, value: binary('<packet/>') }]);
  const damages: [string, (file: Buffer) => void][] = [
    ['out of the file', (file) => file.writeUInt32LE(file.length, 4)],
    ['of more entries than there is room', (file) => file.writeUInt16LE(0xffff, directoryOf(file).start)],
    ['whose packet is of characters', (file) => file.writeUInt16LE(ASCII, entryOf(file, XMP).at + 2)],
    [
      'whose packet reaches out of the file',
      (file) => file.writeUInt32LE(file.length, entryOf(file, XMP).at + 8),
    ],
  ];
  readTiff(good);
  for (const [what, damage] of damages) {
    const file = Buffer.from(good);
    damage(file);
    assert.throws(
      () => readTiff(file),
      (error) =>
        error instanceof UnsupportedImage &&
        error.message.includes('its TIFF directory is damaged, so nothing was written'),
      what,
    );
  }
});
