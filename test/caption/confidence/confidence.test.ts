import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type ConfidenceFeatures,
  confidenceFeatures,
  confidenceOf,
  confidenceSchema,
  photographProbability,
} from '../../../src/caption/confidence/confidence.ts';
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
    Object.keys(confidenceFeatures(caption, seenImage())).map((name) => [name, 0]),
  );
  return { ...(zeros as ConfidenceFeatures), ...given };
}

test('a caption counts by its words, and by its content words apart', () => {
  const found = confidenceFeatures(caption, seenImage({ regions: [[3, 4]] }));
  assert.equal(found.meanLogProbability, -6 / 5);
  assert.equal(found.worstLogProbability, -3);
  assert.equal(found.words, 4);
  assert.equal(found.meanContentLogProbability, -2);
  assert.equal(found.lastContentLogProbability, -3);
  assert.equal(found.contentWords, 2);
  assert.equal(found.embeddingLogLength, Math.log(5));
});

test('a caption without any word has numbers, too', () => {
  const found = confidenceFeatures({ logProbability: 0, words: [] }, seenImage());
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
  assert.equal(confidenceOf(confidenceFeatures(caption, seenImage()), model), expected);
});

test('a manifest with a number that this program does not know is refused', () => {
  const weights = { ...BEFORE.weights, phaseOfTheMoon: 1 };
  assert.equal(confidenceSchema.safeParse({ ...BEFORE, weights }).success, false);
});
