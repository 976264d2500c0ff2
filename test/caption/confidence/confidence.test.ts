import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  CAPTION_FEATURES,
  type ConfidenceFeatures,
  confidenceFeatures,
  confidenceOf,
  confidenceSchema,
  PHOTOGRAPH_FEATURES,
  photographProbability,
} from '../../../src/caption/confidence/confidence.ts';
import { EVIDENCE_FEATURES } from '../../../src/caption/confidence/evidence.ts';
import { seenImage } from '../../support/seen-image.ts';

const caption = {
  logProbability: -6,
  words: [
    { word: 'a', logProbability: -0.5 },
    { word: 'dog', logProbability: -1 },
    { word: 'runs', logProbability: -3 },
    { word: '.', logProbability: -0.5 },
  ],
};

/** Everything 0 but what is given. */
function features(given: Partial<ConfidenceFeatures>): ConfidenceFeatures {
  const zeros = Object.fromEntries(
    Object.keys(confidenceFeatures(caption, seenImage(), null)).map((name) => [name, 0]),
  );
  return { ...(zeros as ConfidenceFeatures), ...given };
}

test('a caption counts by its words, and by its content words apart', () => {
  const found = confidenceFeatures(caption, seenImage({ regions: [[3, 4]] }), null);
  assert.equal(found.meanLogProbability, -6 / 5);
  assert.equal(found.worstLogProbability, -3);
  assert.equal(found.words, 4);
  assert.equal(found.meanContentLogProbability, -2);
  assert.equal(found.lastContentLogProbability, -3);
  assert.equal(found.contentWords, 2);
  assert.equal(found.embeddingLogLength, Math.log(5));
});

test('a caption without any word has numbers, too', () => {
  const found = confidenceFeatures({ logProbability: 0, words: [] }, seenImage(), null);
  assert.ok(Object.values(found).every(Number.isFinite), JSON.stringify(found));
});

test('the confidence is the logistic function of the weighted sum', () => {
  const weights = { meanLogProbability: 1, worstLogProbability: 0.5, words: 2 };
  const numbers = features({ meanLogProbability: -2, worstLogProbability: -4.5, words: 2, contentWords: 9 });
  // 0.25 - 2 - 2.25 + 4 = 0
  assert.equal(confidenceOf(numbers, { bias: 0.25, weights }), 0.5);
  assert.ok(confidenceOf(numbers, { bias: 3, weights }) > 0.9);
});

test('the confidence falls as far as the image is no photograph', () => {
  const photograph = { bias: -3, weights: { regionSpread: 1, colours: 1 } };
  const acceptable = { bias: 2, weights: {} };
  const sure = confidenceOf(features({}), acceptable);
  for (const [regionSpread, share] of [
    [3, 0.5],
    [-50, 0],
    [50, 1],
  ] as const) {
    const numbers = features({ regionSpread });
    assert.ok(Math.abs(photographProbability(numbers, photograph) - share) < 1e-12);
    assert.ok(Math.abs(confidenceOf(numbers, { ...acceptable, photograph }) - share * sure) < 1e-12);
  }
});

/** As bundles had it before there were kinds. */
const BEFORE = {
  acceptableCiderD: 40,
  reviewBelow: 0.5,
  bias: 2.393168110452972,
  weights: {
    meanLogProbability: 7.079158029855469,
    worstLogProbability: -0.544046016394924,
    words: 0.006487494550007136,
  },
  images: 1000,
  acceptable: 0.444,
  expectedCalibrationError: 0.036,
  areaUnderRoc: 0.7281,
};

test('an older manifest is read, and gives the confidence that it gave', () => {
  const model = confidenceSchema.parse(BEFORE);
  const { meanLogProbability: mean, worstLogProbability: worst, words } = BEFORE.weights;
  const expected = 1 / (1 + Math.exp(-(BEFORE.bias + mean * -1.2 + worst * -3 + words * 4)));
  assert.equal(confidenceOf(confidenceFeatures(caption, seenImage(), null), model), expected);
});

test('a manifest with a number that this program does not know is refused', () => {
  const weights = { ...BEFORE.weights, phaseOfTheMoon: 1 };
  assert.equal(confidenceSchema.safeParse({ ...BEFORE, weights }).success, false);
});

test('a manifest may weigh every number of a caption and of a photograph', () => {
  assert.deepEqual(CAPTION_FEATURES, [
    'meanLogProbability',
    'worstLogProbability',
    'words',
    'meanContentLogProbability',
    'lastContentLogProbability',
    'contentWords',
    'embeddingLogLength',
  ]);
  assert.deepEqual(PHOTOGRAPH_FEATURES, [
    'regionSpread',
    'colours',
    'colourEntropy',
    'saturationDeviation',
    'flatShare',
  ]);
  const ones = features(
    Object.fromEntries([...CAPTION_FEATURES, ...EVIDENCE_FEATURES].map((name) => [name, 1])),
  );
  for (const name of [...CAPTION_FEATURES, ...EVIDENCE_FEATURES]) {
    const { weights } = confidenceSchema.parse({ ...BEFORE, weights: { [name]: 2 } });
    assert.equal(confidenceOf(ones, { bias: -2, weights }), 0.5, name);
  }
  // A number that this image does not have weighs nothing.
  assert.equal(confidenceOf(features({}), { bias: 0, weights: { evidenceSum: 9 } }), 0.5);
});

test('a caption of function words alone, and one of one content word', () => {
  const said = (...words: [string, number][]) => {
    const { meanContentLogProbability, lastContentLogProbability, worstLogProbability } = confidenceFeatures(
      { logProbability: -1, words: words.map(([word, logProbability]) => ({ word, logProbability })) },
      seenImage(),
      null,
    );
    return [meanContentLogProbability, lastContentLogProbability, worstLogProbability];
  };
  assert.deepEqual(said(['a', -1], ['.', -2]), [0, 0, -2]);
  assert.deepEqual(said(['a', 0], ['dog', -0.5]), [-0.5, -0.5, -0.5]);
  assert.deepEqual(said(['dog', -3], ['runs', -1]), [-2, -1, -3]);
  assert.deepEqual(said(), [0, 0, 0]);
});

const quality = {
  images: 9,
  acceptable: 0.5,
  expectedCalibrationError: 0,
  expectedByChance: 0.1,
  areaUnderRoc: 1,
};
const photograph = { bias: 1, weights: { colours: 1 } };
for (const [what, change] of [
  ['a share above 1', { acceptable: 1.1 }],
  ['a share below 0', { reviewBelow: -0.1 }],
  ['no images', { images: 0 }],
  ['no acceptable CIDEr-D', { acceptableCiderD: 0 }],
  ['a kind that is known by half', { kinds: { dogs: { images: 9 } } }],
  ['a kind of no images', { kinds: { dogs: { ...quality, images: 0 } } }],
  ['a kind with more than the five numbers', { kinds: { dogs: { ...quality, more: 1 } } }],
  ['photographs without a bias', { photograph: { weights: {} } }],
  ['photographs by a number of captions', { photograph: { bias: 1, weights: { words: 1 } } }],
  ['other images without their number', { notPhotographs: { needReview: 0.5 } }],
  ['other images of which more than all need review', { notPhotographs: { images: 9, needReview: 1.5 } }],
] as const) {
  test(`a manifest with ${what} is refused`, () => {
    const right = {
      ...BEFORE,
      kinds: { dogs: quality },
      photograph,
      notPhotographs: { images: 9, needReview: 0.5 },
    };
    assert.deepEqual(confidenceSchema.parse(right), right);
    assert.equal(confidenceSchema.safeParse({ ...right, ...change }).success, false);
  });
}
