import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { utf8Beginning, utf8Text, wordsOfText } from '../../../src/caption/search/text-words.ts';

const bytesOf = (text: string) => Buffer.from(text).toString('latin1');

test('bytes that are cut anywhere are the letters that are whole, and the rest', () => {
  const letter = fc.constantFrom('a', ' ', 'é', '日', '😀', '\u{7ff}', '\u{800}', '‘', '\u{ffff}', '\ufeff');
  fc.assert(
    fc.property(fc.array(letter, { minLength: 1, maxLength: 5 }), fc.nat(20), (letters, cut) => {
      const bytes = bytesOf(letters.join('')).slice(0, cut);
      const { text, rest } = utf8Beginning(bytes);
      const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
      assert.equal(text, decoder.decode(Buffer.from(bytes, 'latin1'), { stream: true }));
      assert.equal(bytesOf(text) + rest, bytes);
      assert.equal(utf8Text(bytesOf(text)), text);
    }),
    { numRuns: 2000, seed: 26 },
  );
});

test('bytes that no letter can begin with are not kept for one', () => {
  for (const bytes of ['\x80', 'a\xbf', '\xf5', '\xff', '\xc3a', '\xc3\xa9\xa9', '\x80'.repeat(4)]) {
    assert.deepEqual(utf8Beginning(bytes).rest, '', JSON.stringify(bytes));
  }
  assert.equal(utf8Beginning('a\xf4\x8f\xbf').rest, '\xf4\x8f\xbf');
  assert.equal(utf8Text('a\x80'), 'a\ufffd');
});

test('words are letters, marks and digits in a row, in lower case; every sign is one', () => {
  const all = (text: string) => wordsOfText(text).words.join(' ');
  assert.equal(all("The man's 2 hats..."), "the man ' s 2 hats . . .");
  assert.equal(all('Cafe\u0301 №5'), 'cafe\u0301 № 5');
  // At the end of a word or not: where it is cut nobody knows yet.
  assert.equal(all('ΟΔΟΣ ΟΔΟΣΑ'), 'οδοσ οδοσα');
  const joins = (text: string) => {
    const { joinsBefore, joinsAfter } = wordsOfText(text);
    return [joinsBefore, joinsAfter];
  };
  assert.deepEqual(joins('a b'), [true, true]);
  assert.deepEqual(joins(' 2.'), [false, false]);
  assert.deepEqual(joins('\u0301 '), [true, false]);
  assert.deepEqual(joins('.é'), [false, true]);
  assert.deepEqual(joins('ab\n'), [true, false]);
  assert.deepEqual(joins(''), [false, false]);
});
