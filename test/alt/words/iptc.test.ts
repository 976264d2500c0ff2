import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { iptcInStep, iptcTexts } from '../../../src/alt/words/iptc.ts';
import { UnsupportedImage } from '../../../src/errors.ts';
import { binary, dataSet } from './files.ts';

const md5 = (bytes: Buffer) => createHash('md5').update(bytes).digest();
const captions = (...parts: Buffer[]) => iptcTexts(Buffer.concat(parts)).map(({ text }) => text);
/** A length field of 2 bytes that says how many bytes of length follow. */
const extended = (lengthBytes: number, value: string) => {
  const length = Buffer.alloc(lengthBytes);
  length.writeUIntBE(value.length, 0, Math.min(lengthBytes, 6));
  return Buffer.concat([binary('\x1c\x02\x78\x80'), Buffer.from([lengthBytes]), length, binary(value)]);
};

const BYLINE = dataSet(2, 80, 'Ann');
const WRITER = dataSet(2, 122, 'Bo');
const CAPTION = dataSet(2, 120, 'a dog');

describe('captions in IPTC', () => {
  test('are those of the application record, up to their NUL', () => {
    assert.deepEqual(
      iptcTexts(Buffer.concat([BYLINE, CAPTION, dataSet(2, 120, binary('caf\xe9\0rest')), WRITER])),
      ['a dog', 'café'].map((text) => ({ field: 'IPTC:Caption-Abstract', text })),
    );
    assert.deepEqual(captions(dataSet(1, 120, 'x'), dataSet(3, 120, 'x'), dataSet(2, 119, 'x')), []);
    assert.deepEqual(captions(dataSet(2, 120, '')), ['']);
  });

  test('may have a length of one to four bytes beside the field', () => {
    for (const bytes of [1, 2, 3, 4])
      assert.deepEqual(captions(extended(bytes, 'long'), CAPTION), ['long', 'a dog'], `${bytes}`);
  });

  test('end where a data set is damaged', () => {
    const head = binary('\x1c\x02\x78');
    for (const [what, rest] of [
      ['no marker', binary('\x1d\x02\x78\0\x01x')],
      ['of a length field of no bytes', Buffer.concat([head, binary('\x80\0x')])],
      ['of a length field of five bytes', extended(5, 'x')],
      ['whose length field reaches out of the block', Buffer.concat([head, binary('\x80\x02\0')])],
      ['longer than the block', Buffer.concat([head, binary('\0\x02x')])],
      ['cut off in its head', Buffer.concat([head, binary('\0')])],
      ['nothing', Buffer.alloc(0)],
    ] as const)
      assert.deepEqual(captions(CAPTION, rest), ['a dog'], what);
    // Up to the very end of the block.
    assert.deepEqual(captions(Buffer.concat([head, binary('\0\x02xy')])), ['xy']);
    assert.deepEqual(captions(Buffer.concat([head, binary('\0\0')])), ['']);
    assert.deepEqual(captions(Buffer.concat([head, binary('\x80\x02\0\0')])), ['']);
  });
});

describe('IPTC beside a new description', () => {
  const right = Buffer.concat([BYLINE, CAPTION, WRITER]);
  const bare = Buffer.concat([BYLINE, WRITER]);
  const wrong = Buffer.alloc(16, 7);
  const captioned = (text: string | Buffer) => Buffer.concat([BYLINE, dataSet(2, 120, text), WRITER]);

  test('stays where it has no caption and its digest is right or missing', () => {
    assert.equal(iptcInStep(bare, null, 'two cats'), null);
    assert.equal(iptcInStep(bare, md5(bare), 'two cats'), null);
  });

  test('has the text where it has a caption, or a digest that is wrong, which stays wrong', () => {
    const block = captioned('two cats');
    assert.deepEqual(iptcInStep(right, null, 'two cats'), { block, digest: null });
    assert.deepEqual(iptcInStep(right, md5(right), 'two cats'), { block, digest: md5(block) });
    assert.deepEqual(iptcInStep(right, wrong, 'two cats'), { block, digest: wrong });
    assert.deepEqual(iptcInStep(bare, wrong, 'two cats'), { block, digest: wrong });
  });

  test('is filled up with NUL to a multiple of what is asked for, which its digest counts', () => {
    for (const text of ['1', '12', '123', '1234']) {
      const plain = captioned(text);
      const padded = Buffer.concat([plain, Buffer.alloc((4 - (plain.length % 4)) % 4)]);
      assert.deepEqual(iptcInStep(right, md5(right), text, 4), { block: padded, digest: md5(padded) });
    }
  });

  test('has its caption where the numbers want it, once, and keeps what stands behind the data sets', () => {
    const changed = (...parts: Buffer[]) => iptcInStep(Buffer.concat(parts), wrong, 'x')!.block;
    const X = dataSet(2, 120, 'x');
    const digest = dataSet(3, 10, 'later record');
    const first = dataSet(1, 120, 'earlier record');
    for (const [parts, expected] of [
      [[], [X]],
      [[BYLINE], [BYLINE, X]],
      [[WRITER], [X, WRITER]],
      [
        [first, BYLINE, digest],
        [first, BYLINE, X, digest],
      ],
      [
        [CAPTION, WRITER, CAPTION],
        [X, WRITER],
      ],
      [
        [BYLINE, binary('\0\0\0')],
        [BYLINE, X, binary('\0\0\0')],
      ],
    ] as const)
      assert.deepEqual(changed(...parts), Buffer.concat(expected));
  });

  test('is in UTF-8 where it says so, else in Latin-1, which does not hold every text', () => {
    const utf8 = (code: string, number = 90, record = 1) =>
      Buffer.concat([dataSet(record, number, binary(code)), CAPTION]);
    const written = (block: Buffer, text: string) => captionBytes(iptcInStep(block, null, text)!.block);
    assert.deepEqual(written(utf8('\x1b%G'), 'é – 犬'), Buffer.from('é – 犬'));
    assert.deepEqual(written(utf8('\x1b%G\0'), 'é'), Buffer.from('é'));
    for (const other of [utf8('\x1b.A'), utf8('\x1b%G', 91), utf8('\x1b%G', 90, 2), CAPTION]) {
      assert.deepEqual(written(other, 'é'), binary('\xe9'));
      assert.throws(() => iptcInStep(other, null, '犬'), UnsupportedImage);
    }
  });
});

/** Of the one that ends the block. */
const captionBytes = (block: Buffer) => block.subarray(block.indexOf(binary('\x1c\x02\x78')) + 5);
