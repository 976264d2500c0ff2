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
  ['no , a dog !', 'No, a dog!'],
  ['a dog . . ; , :', 'A dog.'],
  ["dogs : two ; cats ’ toys and men 's hats", "Dogs: two; cats’ toys and men's hats."],
  ["a dog n'td", "A dog n'td."],
  ["a dog does xn't", "A dog does xn't."],
  ['  a   dog\trun ', 'A dog run.'],
  ['x', 'X.'],
  // As models write that say capital letters and no blank before a stop.
  ['A dog runs on the grass.', 'A dog runs on the grass.'],
  ["A man's dog doesn't bark, it sleeps.", "A man's dog doesn't bark, it sleeps."],
  ['A picture of a cat.', 'A cat.'],
  ['This is a photo of an orange cat.', 'An orange cat.'],
  ['A close up of a cat.', 'A close-up of a cat.'],
  ['A elephant under a orange umbrella.', 'An elephant under an orange umbrella.'],
  ['The image shows a cat on a mat.', 'A cat on a mat.'],
  ['this picture depicts two cats .', 'Two cats.'],
  ['In this image we can see a cat.', 'A cat.'],
  ['The image is a cat.', 'The image is a cat.'],
  // Only at the start, and only the announcement.
  ['this is an image of a cat', 'A cat.'],
  ['it is the photograph of a cat', 'A cat.'],
  ['the color photo showing a cat', 'A cat.'],
  ['an old black photo of a cat', 'An old black photo of a cat.'],
  ['image of a cat', 'Image of a cat.'],
  ['a picture for a cat', 'A picture for a cat.'],
  ['a pictures of a cat', 'A pictures of a cat.'],
  ['a drawing of a cat', 'A drawing of a cat.'],
  ['there is an photo of a cat', 'A cat.'],
  // The noun, wherever it stands.
  ['a close up shot of a close up view of a cat', 'A close-up of a close-up of a cat.'],
  ['a close up photograph of a cat', 'A close-up of a cat.'],
  ['a close up image of a cat', 'A close-up of a cat.'],
  ['a close up photo of a cat', 'A close-up of a cat.'],
  ['a close up', 'A close up.'],
  ['a close up for a cat', 'A close up for a cat.'],
  ['xclose up of a cat', 'Xclose up of a cat.'],
  ['a close up ofa cat', 'A close up ofa cat.'],
  // Spoken as a vowel, or as a consonant.
  ['a apple a inn a ox a eye a umbrella a hour', 'An apple an inn an ox an eye an umbrella a hour.'],
  [
    'a euro a ewe a once a uk a usual a user a using a usury a utensil a utility',
    'A euro a ewe a once a uk a usual a user a using a usury a utensil a utility.',
  ],
  [
    'a urn a uranium a urine a u turn a unit a uniform a unique',
    'An urn a uranium a urine a u turn a unit a uniform a unique.',
  ],
  [
    'a unideal a unimportant a uninvited a ugly a utmost a usher',
    'An unideal an unimportant an uninvited an ugly an utmost an usher.',
  ],
  ['a one a only a european a up', 'A one an only a european an up.'],
  ['banana apple', 'Banana apple.'],
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

test('a caption of 124 characters and a stop is whole, a longer one ends before the word that is too much', () => {
  for (const length of [123, 124]) {
    const text = 'x'.repeat(length);
    assert.equal(altText(text), `X${text.slice(1)}.`);
  }
  // One word that is too long by itself is cut.
  assert.equal(altText('x'.repeat(125)), `X${'x'.repeat(123)}.`);
  const words = 'dog '.repeat(30); // 120 characters
  assert.equal(altText(`${words}cats`), `D${words.slice(1)}cats.`);
  assert.equal(altText(`${words}cats x`), `D${words.slice(1)}cats.`);
  assert.equal(altText(`${words}catsx`), `D${words.slice(1).trim()}.`);
  for (const last of 'a an the of in on at to by with and or is are from for near next its his her their while as very'.split(
    ' ',
  ))
    assert.equal(altText(`${words}${last} of elephants`), `D${words.slice(1).trim()}.`, last);
  assert.equal(altText(`${words}, elephants`), `D${words.slice(1).trim()}.`);
  assert.equal(altText(`${words}? elephants`), `D${words.slice(1).trim()}?`);
  assert.equal(altText(`${'the '.repeat(31)}x`).length, MAX_ALT_TEXT_LENGTH);
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
