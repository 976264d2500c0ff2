import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { altText, MAX_ALT_TEXT_LENGTH } from '../../src/alt/alt-text.ts';

const EXAMPLES: [string, string][] = [
  ['a dog runs on the grass .', 'A dog runs on the grass.'],
  ['a dog runs on the grass', 'A dog runs on the grass.'],
  ["a man 's dog does n't bark , it sleeps .", "A man's dog doesn't bark, it sleeps."],
  ['a close up of a cat .', 'A close-up of a cat.'],
  ['a closeup of a cat .', 'A close-up of a cat.'],
  ['a close-up picture of a cat .', 'A close-up of a cat.'],
  ['this is a picture of a close up of a cat .', 'A close-up of a cat.'],
  ['a man stands close up to a cat .', 'A man stands close up to a cat.'],
  ['a picture of a cat .', 'A cat.'],
  ['a black photo of two birds .', 'Two birds.'],
  ['an image showing the sea .', 'The sea.'],
  ['there is a picture of a cat .', 'A cat.'],
  ['a black and white photo of a street .', 'A street.'],
  ['there is a cat that is sitting on a bed .', 'There is a cat that is sitting on a bed.'],
  ['a man holding a picture of a dog .', 'A man holding a picture of a dog.'],
  ['two women are posing for a picture .', 'Two women are posing for a picture.'],
  ['a elephant under a orange umbrella .', 'An elephant under an orange umbrella.'],
  ['a unicycle , a used car and a urinal .', 'A unicycle, a used car and a urinal.'],
  ['a one way sign on a utility pole .', 'A one way sign on a utility pole.'],
  ['a unopened umbrella beside a upside down cup .', 'An unopened umbrella beside an upside down cup.'],
  ['is that a dog ?', 'Is that a dog?'],
  [' . ', ''],
  ['', ''],
];

for (const [caption, expected] of EXAMPLES) {
  test(`"${caption}" becomes "${expected}"`, () => {
    assert.equal(altText(caption), expected);
  });
}

test('a long caption is cut after a word that can stand last', () => {
  for (const [piece, end] of [
    ['a red shirt and', / shirt\.$/],
    ['dog very very', / dog\.$/],
  ] as const) {
    const cut = altText(`${Array(20).fill(piece).join(' ')} .`);
    assert.ok(cut.length <= MAX_ALT_TEXT_LENGTH && cut.length > 100);
    assert.match(cut, end);
  }
});

test('no caption gives more than 125 characters, a blank before a stop or a small first letter', () => {
  const word = fc.constantFrom('a', 'dog', 'with', '.', ',', "'s", 'x'.repeat(200), 'and', 'picture', 'of');
  fc.assert(
    fc.property(fc.array(word, { maxLength: 60 }), (words) => {
      const alt = altText(words.join(' '));
      assert.ok(alt.length <= MAX_ALT_TEXT_LENGTH);
      assert.doesNotMatch(alt, /\s[.,]|^[a-z]|\s$/);
    }),
    { numRuns: 500, seed: 5 },
  );
});
