import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { blankDescription, EXIF_SIGNATURE, exifTexts } from '../../../src/alt/words/exif.ts';
import { entriesOf, orderOf, sizeOf, valueBytes } from '../../../src/alt/words/tiff-directory.ts';
import { binary, imageDescription, type Tag, tiffBlock, xpComment } from './files.ts';

const ORDERS = ['II', 'MM'] as const;
const found = (exif: Buffer) => exifTexts(exif).map(({ field, text }) => `${field}=${text}`);
const utf16 = (text: string, order: 'II' | 'MM' = 'II') => {
  const bytes = Buffer.from(text, 'utf16le');
  return order === 'II' ? bytes : bytes.swap16();
};
const comment = (code: string, text: Buffer): Tag => ({
  tag: 0x9286,
  type: 7,
  value: Buffer.concat([binary(code.padEnd(8, '\0')), text]),
});
const artist: Tag = { tag: 0x013b, type: 2, value: binary('Ann\0') };

for (const order of ORDERS) {
  describe(`texts of EXIF, ${order}`, () => {
    test('are the description, the title and comment of Windows, and the comment of the user', () => {
      const block = tiffBlock(
        order,
        [imageDescription('a dog'), artist, { ...xpComment('title'), tag: 0x9c9b }, xpComment('Bär')],
        [comment('ASCII', binary('said\0rest')), { tag: 0x9000, type: 7, value: binary('0300') }],
      );
      const all = [
        'EXIF:ImageDescription=a dog',
        'EXIF:XPTitle=title',
        'EXIF:XPComment=Bär',
        'EXIF:UserComment=said',
      ];
      assert.deepEqual(found(block), all);
      assert.deepEqual(found(Buffer.concat([EXIF_SIGNATURE, binary('\0'), block])), all);
      assert.deepEqual(found(Buffer.concat([EXIF_SIGNATURE, block])), []);
    });

    test('end at their NUL, and are as long as their field without one', () => {
      const texts = (value: Buffer) => found(tiffBlock(order, [{ tag: 0x010e, type: 2, value }]));
      assert.deepEqual(texts(binary('a\0b')), ['EXIF:ImageDescription=a']);
      assert.deepEqual(texts(binary('a dog')), ['EXIF:ImageDescription=a dog']);
      assert.deepEqual(texts(binary('caf\xe9\0')), ['EXIF:ImageDescription=café']);
      const title = (value: Buffer) => found(tiffBlock(order, [{ tag: 0x9c9b, type: 1, value }]));
      // Windows writes the low byte first in either order.
      assert.deepEqual(title(utf16('a dog\0rest')), ['EXIF:XPTitle=a dog']);
      assert.deepEqual(title(utf16('a dog')), ['EXIF:XPTitle=a dog']);
      assert.deepEqual(title(utf16('\0rest')), ['EXIF:XPTitle=']);
    });

    test('have comments of users in the order of the block, or in bytes', () => {
      const said = (tag: Tag) => found(tiffBlock(order, [], [tag]));
      assert.deepEqual(said(comment('UNICODE', utf16('Bär', order))), ['EXIF:UserComment=Bär']);
      assert.deepEqual(said(comment('', Buffer.from('Bär'))), ['EXIF:UserComment=Bär']);
      assert.deepEqual(said(comment('JIS', binary('x'))), ['EXIF:UserComment=x']);
      // Stray: not in the directory that it belongs to.
      assert.deepEqual(found(tiffBlock(order, [comment('ASCII', binary('x'))])), ['EXIF:UserComment=x']);
    });

    test('are told once for each tag of a directory', () => {
      const twice = tiffBlock(order, [imageDescription('first'), imageDescription('second')]);
      assert.deepEqual(found(twice), ['EXIF:ImageDescription=first']);
      const both = tiffBlock(order, [imageDescription('first')], [imageDescription('deeper')]);
      assert.deepEqual(found(both), ['EXIF:ImageDescription=first', 'EXIF:ImageDescription=deeper']);
    });

    test('are none where the block is damaged, or where one of them reaches out of it', () => {
      const whole = tiffBlock(order, [imageDescription('a dog')], [comment('ASCII', binary('said'))]);
      assert.equal(found(whole).length, 2);
      // From the last byte of the comment to the first of the directory behind its header.
      assert.deepEqual(found(whole.subarray(0, -1)), ['EXIF:ImageDescription=a dog']);
      for (let end = 0; end < 8 + 2 + 2 * 12 + 4; end++) assert.deepEqual(found(whole.subarray(0, end)), []);
      for (const start of ['II\0*', 'MM*\0', 'IM*\0', 'II+\0'])
        assert.deepEqual(found(Buffer.concat([binary(start), whole.subarray(4)])), [], start);
    });

    test('can be blanked in place where a description is a text with its end', () => {
      const blanked = (value: Buffer, type = 2) => {
        const block = tiffBlock(order, [{ tag: 0x010e, type, value }, artist]);
        const signed = Buffer.concat([EXIF_SIGNATURE, binary('\0'), block]);
        blankDescription(block);
        blankDescription(signed);
        assert.deepEqual(signed.subarray(6), block);
        return block;
      };
      const block = (value: Buffer, type = 2) => tiffBlock(order, [{ tag: 0x010e, type, value }, artist]);
      assert.deepEqual(blanked(binary('a dog\0')), block(binary('     \0')));
      assert.deepEqual(blanked(binary('a dog\0\0\0')), block(binary('     \0\0\0')));
      for (const [value, type] of [
        [binary('a dog'), 2],
        [binary('a dog\0more'), 2],
        [binary('a dog\0\0m\0'), 2],
        [binary('a dog\0'), 7],
        [binary('ImageJ=1.53t\0'), 2],
      ] as const)
        assert.deepEqual(blanked(value, type), block(value, type), value.toString());
      for (const other of [tiffBlock(order, [artist]), binary('nothing'), Buffer.alloc(0)]) {
        const before = Buffer.from(other);
        blankDescription(other);
        assert.deepEqual(other, before);
      }
    });

    test('are not blanked outside of the block', () => {
      const block = tiffBlock(order, [imageDescription('a dog')]);
      const cut = block.subarray(0, -1);
      const before = Buffer.from(cut);
      blankDescription(cut);
      assert.deepEqual(cut, before);
    });
  });

  describe(`a directory of TIFF, ${order}`, () => {
    const block = tiffBlock(order, [
      { tag: 256, type: 3, value: order === 'II' ? binary('\x02\x01') : binary('\x01\x02') },
      { tag: 700, type: 1, value: binary('abcd') },
      { tag: 701, type: 1, value: binary('abcde') },
    ]);
    const numbers = orderOf(block);
    const entries = entriesOf(block, 8, numbers)!;

    test('has entries with tag, type, count and place', () => {
      assert.deepEqual(entries, [
        { tag: 256, type: 3, count: 1, at: 10 },
        { tag: 700, type: 1, count: 4, at: 22 },
        { tag: 701, type: 1, count: 5, at: 34 },
      ]);
      assert.deepEqual([numbers.u16(18), numbers.u32(4)], [0x0102, 8]);
    });

    test('has values in place up to four bytes, else elsewhere', () => {
      assert.deepEqual(
        entries.map((entry) => valueBytes(block, entry, numbers)?.toString('latin1')),
        [order === 'II' ? '\x02\x01' : '\x01\x02', 'abcd', 'abcde'],
      );
      // One byte of padding follows the last value.
      assert.equal(valueBytes(block.subarray(0, -2), entries[2]!, numbers), null);
      assert.equal(valueBytes(block.subarray(0, -1), entries[2]!, numbers)?.length, 5);
    });

    test('is none where it reaches out of the bytes, the offset of the next one included', () => {
      const end = 8 + 2 + 3 * 12 + 4;
      assert.equal(entriesOf(block.subarray(0, end), 8, numbers)?.length, 3);
      assert.equal(entriesOf(block.subarray(0, end - 1), 8, orderOf(block)), null);
      assert.equal(entriesOf(block, block.length, numbers), null);
      assert.equal(entriesOf(block, block.length - 1, numbers), null);
      assert.equal(entriesOf(block, 0xffffffff, numbers), null);
      const empty = Buffer.concat([block, Buffer.alloc(6)]);
      assert.deepEqual(entriesOf(empty, block.length, orderOf(empty)), []);
    });

    test('is written in the same order', () => {
      const to = Buffer.alloc(8);
      numbers.put16(0x0102, to, 0);
      numbers.put32(0x01020304, to, 4);
      const expected = order === 'II' ? '\x02\x01\0\0\x04\x03\x02\x01' : '\x01\x02\0\0\x01\x02\x03\x04';
      assert.equal(to.toString('latin1'), expected);
    });
  });
}

test('types of TIFF have the sizes of their specification', () => {
  const sizes = { 1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 129: 1 };
  assert.deepEqual(Object.fromEntries(Object.keys(sizes).map((type) => [type, sizeOf(Number(type))])), sizes);
});
