import assert from 'node:assert/strict';
import { test } from 'node:test';
import { saysTwice } from '../../../src/caption/confidence/says-twice.ts';

for (const [caption, expected] of [
  ['two dogs run on the grass on the beach .', false],
  ['a black dog and a brown dog .', false],
  ['a white and white dog .', true],
  ['a man in a hat and a hat .', true],
  ['a man in a red shirt and a red shirt .', true],
  ['a dog dog runs .', true],
  ['a man on a horse , a man on a bicycle .', true],
  ['.', false],
] as const) {
  test(`"${caption}" ${expected ? 'says a thing twice' : 'is fine'}`, () => {
    assert.equal(saysTwice(caption.split(' ')), expected);
  });
}
