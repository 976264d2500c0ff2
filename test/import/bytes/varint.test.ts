import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readVarint } from '../../../src/import/bytes/varint.ts';

const MOST = Number.MAX_SAFE_INTEGER;

/** Read from the second byte on, so that a number is not read from the start of its buffer by chance. */
function read(hex: string, end?: number) {
  const bytes = Buffer.from(`ff${hex}`, 'hex');
  return readVarint(bytes, 1, end ?? bytes.length);
}

const WHOLE: [hex: string, value: number, next: number][] = [
  ['00', 0, 2],
  ['7f', 127, 2],
  ['8001', 128, 3],
  ['ac0207', 300, 3],
  ['ffffffff0f', 2 ** 32 - 1, 6],
  ['ffffffffffffff0f', MOST, 9],
  // Ten bytes, the most there may be: zero in a long form.
  ['80808080808080808000', 0, 11],
];
for (const [hex, value, next] of WHOLE) {
  test(`${hex} is ${value}`, () => assert.deepEqual(read(hex), { value, next }));
}

test('null: cut off, longer than ten bytes, or past what a double holds exactly', () => {
  assert.equal(read(''), null);
  assert.equal(read('80'), null);
  assert.equal(read('8001', 2), null);
  assert.equal(read('8080808080808080808000'), null);
  assert.equal(read('8080808080808010'), null);
  assert.equal(read('ffffffffffffffffff01'), null);
});
