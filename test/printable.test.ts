import assert from 'node:assert/strict';
import { test } from 'node:test';
import { printable, printableJson, printableLines } from '../src/printable.ts';

/** Code points to their names, so that nothing odd stands in this file. */
const text = (...points: number[]) => String.fromCodePoint(...points);

test('what a terminal or a log would act upon is escaped as JSON would', () => {
  const ranges = [
    ['controls', 0x00, 0x1f],
    ['DEL and C1', 0x7f, 0x9f],
    ['line ends, embeddings and overrides', 0x2028, 0x202e],
    ['isolates', 0x2066, 0x2069],
    ['lone surrogates', 0xd800, 0xdfff],
  ] as const;
  for (const [what, first, last] of ranges) {
    for (let point = first; point <= last; point++) {
      const shown = printable(`a${text(point)}b`);
      assert.match(shown, /^a\\u[0-9a-f]{4}b$/, `${what}: ${point}`);
      assert.equal(JSON.parse(`"${shown}"`), `a${text(point)}b`);
    }
  }
});

test('nothing else is', () => {
  for (const point of [0x20, 0x7e, 0xa0, 0x200f, 0x2027, 0x202f, 0x2065, 0x206a, 0xd7ff, 0xe000, 0x1f4ff]) {
    assert.equal(printable(text(point)), text(point), `${point}`);
  }
  const fine = 'été – 写真 👩‍👩‍👧 "\\"';
  assert.equal(printable(fine), fine);
});

test('lines stay where there are to be lines', () => {
  assert.equal(printable('a\nb'), 'a\\u000ab');
  assert.equal(printableLines('a\nb\r\u001b\n'), 'a\nb\\u000d\\u001b\n');
});

test('JSON has the same value, and one line', () => {
  const value = { name: 'a\u009b\u202e\n', lone: '\udcff', list: ['\u2028', 1, null] };
  assert.deepEqual(JSON.parse(printableJson(value)), value);
  assert.doesNotMatch(printableJson(value), /[\p{Cc}\p{Cs}\u2028\u202e]/u);
});
