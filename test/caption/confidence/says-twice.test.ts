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
  ['', false],
  ['dog', false],
  ['dog and', false],
  // A thing and the same thing, whatever joins them and whichever article it has.
  ['a hat with the hat', true],
  ['an apple of apple', true],
  ['the hat and a hat on a table', true],
  ['a hat on a hat', false],
  ['a hat , a hat', false],
  ['a dog and a cat with a dog', false],
  // Twice in a row, punctuation apart.
  ['a dog , dog runs', true],
  ['a dog runs . .', false],
  ['the dog the cat', false],
  ['dog runs dog', false],
  // Two content words, or three in a row with one among them, that come again.
  ['red shirt near blue red shirt', true],
  ['on the grass next to a dog on the grass', true],
  ['on the grass a dog on the sand', false],
  ['in front of a dog and in front of a cat', true],
  ['two of the dogs in one of the parks', false],
  ['one of the ones next to the house with one next to the tree', false],
  ['on to the grass on to the sand', false],
  ['ab c d abc d', false],
  ['dog c runs dog c', true],
] as const) {
  test(`"${caption}" ${expected ? 'says a thing twice' : 'is fine'}`, () => {
    assert.equal(saysTwice(caption.split(' ')), expected);
  });
}
