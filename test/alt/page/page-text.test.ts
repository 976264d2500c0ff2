import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readPageText } from '../../../src/alt/page/page-text.ts';
import { InvalidRequest } from '../../../src/errors.ts';

const latin1 = (text: string) => Buffer.from(text, 'latin1');
/** Text and encoding of a page of ASCII, with an "é" in Latin-1 at its end. */
const read = (html: string) => {
  const { text, encoding } = readPageText(latin1(`${html}\xe9`));
  assert.equal(text.slice(0, -1), html);
  return [encoding, text.at(-1)];
};

describe('the text of a page', () => {
  test('in UTF-8 has its own bytes, piece by piece', () => {
    for (const head of [
      '',
      '<meta charset=utf8>',
      '<meta charset=no-such-thing>',
      '<meta charset=utf-16le>',
    ]) {
      const page = readPageText(Buffer.from(`${head}é犬😀x`));
      assert.deepEqual([page.text, page.encoding], [`${head}é犬😀x`, 'utf-8']);
      const pieces = [
        page.bytes(0, head.length),
        page.bytes(head.length, head.length + 2),
        page.bytes(head.length + 2),
      ];
      assert.deepEqual(pieces.map(String), [head, 'é犬', '😀x']);
    }
  });

  test('begins behind its byte order mark, its bytes with it', () => {
    const bytes = Buffer.from('\ufeff<meta charset=iso-8859-1>é');
    const page = readPageText(bytes);
    assert.deepEqual([page.text, page.encoding], ['<meta charset=iso-8859-1>é', 'utf-8']);
    assert.deepEqual([page.bytes(0, 1), page.bytes(1, 3), page.bytes(25), page.bytes(0)].map(String), [
      '\ufeff<',
      'me',
      'é',
      bytes.toString(),
    ]);
    // One that is no UTF-8 behind its mark is text as it stands.
    const broken = readPageText(latin1('\xef\xbb\xbfa\xe9'));
    assert.deepEqual([broken.text, broken.encoding], ['ï»¿aé', 'single-byte']);
    assert.deepEqual(broken.bytes(0, 4), latin1('\xef\xbb\xbfa'));
  });

  test('is what people mostly mean where it says UTF-8, or nothing, and is none', () => {
    for (const head of [
      '',
      '<meta charset=utf-8>',
      '<meta charset=no-such-thing>',
      '<meta charset=utf-16be>',
    ])
      assert.deepEqual(read(head), ['single-byte', 'é'], head);
    assert.equal(readPageText(latin1('\x80')).text, '€');
    const page = readPageText(latin1('a\xe9b'));
    assert.deepEqual([page.bytes(0, 2), page.bytes(2)], [latin1('a\xe9'), latin1('b')]);
  });

  test('is in the encoding that its first declaration names', () => {
    const type = (content: string) => `<meta http-equiv="Content-Type" content="${content}">`;
    for (const [head, character] of [
      ['<meta charset=koi8-r>', 'И'],
      ['<meta charset=" KOI8-R ">', 'И'],
      ['<meta name=a content="charset=utf-8"><meta charset=koi8-r>', 'И'],
      ['<meta charset=koi8-r><meta charset=iso-8859-1>', 'И'],
      [type('text/html; charset=koi8-r'), 'И'],
      [type('text/html; CHARSET = koi8-r; x'), 'И'],
      [type("charset='koi8-r'"), 'И'],
      [`<meta http-equiv=refresh content="charset=koi8-r">`, 'é'],
      [`${type('text/html')}<meta charset=koi8-r>`, 'И'],
      [`<meta content="charset=koi8-r">`, 'é'],
      ['<link charset=koi8-r>', 'é'],
      ['<!-- <meta charset=koi8-r> -->', 'é'],
    ] as const)
      assert.deepEqual(read(head), ['single-byte', character], head);
  });

  test('is looked at for a declaration in its first 1,024 bytes', () => {
    const declaration = '<meta charset=koi8-r>';
    const behind = (bytes: number) => read(`${' '.repeat(bytes - declaration.length)}${declaration}`)[1];
    assert.deepEqual([behind(1024), behind(1025)], ['И', 'é']);
  });

  test('is read in every encoding of one byte, and refused in others', () => {
    for (const [label, character] of [
      ['ibm866', 'щ'],
      ['iso-8859-2', 'é'],
      ['koi8-u', 'И'],
      ['macintosh', 'È'],
      ['windows-1251', 'й'],
      ['x-mac-cyrillic', 'й'],
      ['latin1', 'é'],
    ] as const)
      assert.deepEqual(read(`<meta charset=${label}>`), ['single-byte', character], label);
    const refused = (bytes: Buffer, encoding: string) =>
      assert.throws(
        () => readPageText(bytes),
        (error) => error instanceof InvalidRequest && error.message.includes(`it is in ${encoding};`),
      );
    for (const label of ['shift_jis', 'gbk', 'euc-kr', 'big5', 'iso-2022-jp', 'euc-jp', 'gb18030'])
      refused(latin1(`<meta charset=${label}>`), label);
    refused(latin1('\xff\xfea\0'), 'UTF-16');
    refused(latin1('\xfe\xff\0a'), 'UTF-16');
    assert.equal(readPageText(latin1('\xfe\xfe')).text, 'þþ');
  });
});
