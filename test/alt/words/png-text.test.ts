import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { deflateSync } from 'node:zlib';
import { contentOf, pngTexts } from '../../../src/alt/words/png-text.ts';
import { binary, dataSet, imageDescription, resources, tiffBlock } from './files.ts';

const LIMIT = 100;
const zipped = (text: string) => deflateSync(Buffer.from(text));
const join = (head: string, tail: string | Buffer) => Buffer.concat([binary(head), Buffer.from(tail)]);
const said = (type: string, rest: Buffer, limit = LIMIT) => contentOf(type, rest, limit)?.toString() ?? null;

describe('what a text chunk says', () => {
  // Behind the keyword: compression flag and method, language, translated keyword, each of these ended by NUL.
  const INTERNATIONAL: [what: string, rest: Buffer, text: string | null][] = [
    ['without language and translated keyword', join('\0\0\0\0', 'Über'), 'Über'],
    ['with a language', join('\0\0de\0\0', 'Über'), 'Über'],
    ['with a translated keyword', join('\0\0\0Titel\0', 'Über'), 'Über'],
    ['with both', join('\0\0de\0Titel\0', 'Über'), 'Über'],
    ['with NUL in the text', join('\0\0\0\0', 'a\0b\0c'), 'a\0b\0c'],
    ['without text', binary('\0\0\0\0'), ''],
    ['compressed, without language', join('\x01\0\0\0', zipped('Über')), 'Über'],
    ['compressed, with both', join('\x01\0de\0Titel\0', zipped('Über')), 'Über'],
    ['that ends within the language', binary('\0\0de'), null],
    ['that ends within the translated keyword', binary('\0\0\0Titel'), null],
    ['that ends within both flags', binary('\0'), null],
    ['said to be compressed, that is not', join('\x01\0\0\0', 'Über'), null],
  ];
  for (const [what, rest, text] of INTERNATIONAL)
    test(`iTXt ${what}: ${JSON.stringify(text)}`, () => assert.equal(said('iTXt', rest), text));

  test('tEXt is as it stands, zTXt compressed behind its method', () => {
    assert.equal(said('tEXt', binary('a\0b')), 'a\0b');
    assert.equal(said('zTXt', join('\0', zipped('a dog'))), 'a dog');
    assert.equal(said('zTXt', zipped('a dog')), null);
  });

  test('of compressed text up to the limit is read and no more', () => {
    for (const [type, head] of [
      ['zTXt', '\0'],
      ['iTXt', '\x01\0\0\0'],
    ] as const) {
      assert.equal(said(type, join(head, zipped('x'.repeat(LIMIT))))?.length, LIMIT);
      assert.equal(said(type, join(head, zipped('x'.repeat(LIMIT + 1)))), null);
    }
  });
});

/** Fields and texts of chunks. */
const found = (...chunks: [type: string, data: Buffer][]) =>
  pngTexts(chunks.map(([type, data]) => ({ type, data }))).map(({ field, text }) => `${field}=${text}`);

describe('texts of a PNG', () => {
  test('are those under the keywords of people', () => {
    const texts = ['Description', 'Comment', 'Title', 'Software', 'comment', 'Comments', ''].map(
      (keyword): [string, Buffer] => ['tEXt', binary(`${keyword}\0a dog`)],
    );
    assert.deepEqual(found(...texts), ['PNG:Description=a dog', 'PNG:Comment=a dog', 'PNG:Title=a dog']);
  });

  test('stand in chunks of three kinds, in the order of the file', () => {
    const chunks: [string, Buffer][] = [
      ['zTXt', join('Comment\0\0', zipped('z'))],
      ['tEXt', binary('Comment\0t')],
      ['iTXt', join('Comment\0\0\0\0\0', 'ü')],
      ['eXIf', binary('Comment\0e')],
      ['tIME', binary('Comment\0e')],
    ];
    assert.deepEqual(found(...chunks), ['PNG:Comment=z', 'PNG:Comment=t', 'PNG:Comment=ü']);
  });

  test('are none where a chunk is damaged', () => {
    assert.deepEqual(
      found(
        ['tEXt', binary('Comment')],
        ['tEXt', binary('')],
        ['zTXt', binary('Comment\0\0nothing deflated')],
        ['iTXt', binary('Comment\0\0\0de')],
      ),
      [],
    );
  });

  test('are read up to a hundred, other chunks not counted', () => {
    const one: [string, Buffer] = ['tEXt', binary('Comment\0a')];
    const other: [string, Buffer] = ['IDAT', Buffer.alloc(0)];
    assert.equal(found(other, ...Array(150).fill(one)).length, 100);
  });

  test('may be raw profiles with a keyword of 79 letters and no longer', () => {
    const keyword = (letters: number) => 'Raw profile type iptc'.padEnd(letters, 'x');
    assert.equal(found(['tEXt', join(`${keyword(79)}\0`, raw('iptc', IPTC))]).length, 1);
    assert.deepEqual(found(['tEXt', join(`${keyword(80)}\0`, raw('iptc', IPTC))]), []);
  });
});

const IPTC = dataSet(2, 120, 'a dog');
const EXIF = tiffBlock('II', [imageDescription('a dog')]);
const IN_IPTC = 'IPTC:Caption-Abstract=a dog';
const IN_EXIF = 'EXIF:ImageDescription=a dog';

/** ImageMagick's form: a name, the number of bytes, lines of hexadecimal digits. */
function raw(name: string, profile: Buffer): string {
  const lines = profile.toString('hex').replaceAll(/.{1,72}/g, '$&\n');
  return `\n${name}\n${String(profile.length).padStart(8)}\n${lines}`;
}

describe('a raw profile', () => {
  const PROFILES: [name: string, profile: Buffer, expected: string[]][] = [
    ['exif', EXIF, [IN_EXIF]],
    ['app1', EXIF, [IN_EXIF]],
    ['EXIF', Buffer.concat([binary('Exif\0\0'), EXIF]), [IN_EXIF]],
    ['iptc', IPTC, [IN_IPTC]],
    ['IPTC', resources(IPTC), [IN_IPTC]],
    ['8bim', resources(IPTC), [IN_IPTC]],
    ['xmp', IPTC, []],
    ['icm', EXIF, []],
  ];
  for (const [name, profile, expected] of PROFILES) {
    test(`${name} of ${profile.length} bytes`, () => {
      const keyword = `Raw profile type ${name}\0`;
      assert.deepEqual(found(['tEXt', join(keyword, raw(name, profile))]), expected);
      assert.deepEqual(found(['zTXt', join(`${keyword}\0`, zipped(raw(name, profile)))]), expected);
    });
  }

  test('is none where there is nothing in it', () => {
    for (const content of ['', '\n', '\nexif', '\nexif\n0\n', '\nexif\n4\nzzzz\n'])
      assert.deepEqual(
        found(['tEXt', binary(`Raw profile type exif\0${content}`)]),
        [],
        JSON.stringify(content),
      );
  });
});
