import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { confidenceFeatures, confidenceSchema } from '../../src/caption/confidence/confidence.ts';
import { parseEvidence } from '../../src/caption/confidence/evidence.ts';
import { IM2TXT_INPUT, type ImageInput } from '../../src/caption/image-input.ts';
import { judge, seenImage } from '../../src/caption/judge.ts';
import { seenImage as imageOf } from '../support/seen-image.ts';

const CAPTION = { logProbability: -1, words: [{ word: 'dog', logProbability: -1 }] };
const IMAGE = imageOf({ regions: [[3, 4]] });
/** A confidence of exactly a half, whatever the image. */
const HALF = confidenceSchema.parse({
  acceptableCiderD: 40,
  reviewBelow: 0.5,
  bias: 0,
  weights: {},
  images: 1,
  acceptable: 0.5,
  expectedCalibrationError: 0,
  areaUnderRoc: 0.5,
});

describe('a judgement', () => {
  test('says nothing where the bundle was not calibrated', () => {
    assert.deepEqual(
      judge(CAPTION, () => IMAGE, {}, { evidence: null }),
      {},
    );
    assert.deepEqual(
      judge(CAPTION, () => IMAGE, { features: false, minConfidence: 0.9 }, { evidence: null }),
      {},
    );
  });

  test('does not look at an image that nobody judges: to resample it for that takes a while', () => {
    judge(CAPTION, () => assert.fail('looked at'), {}, { evidence: null });
  });

  test('tells its numbers to whoever asks, with and without a calibration', () => {
    const features = confidenceFeatures(CAPTION, IMAGE, null);
    assert.deepEqual(
      judge(CAPTION, () => IMAGE, { features: true }, { evidence: null }),
      { features },
    );
    assert.deepEqual(
      judge(CAPTION, () => IMAGE, { features: true }, { confidence: HALF, evidence: null }),
      {
        features,
        confidence: 0.5,
        needsReview: false,
      },
    );
  });

  test('asks for review below the line: the bundle’s, or the one that the caller draws', () => {
    const needsReview = (reviewBelow: number, minConfidence?: number) => {
      const confidence = { ...HALF, reviewBelow };
      const judgement = judge(CAPTION, () => IMAGE, { minConfidence }, { confidence, evidence: null });
      assert.deepEqual(Object.keys(judgement), ['confidence', 'needsReview']);
      return judgement.needsReview;
    };
    assert.deepEqual([needsReview(0.5), needsReview(0.51)], [false, true]);
    assert.deepEqual([needsReview(0, 0.51), needsReview(1, 0.5), needsReview(1, 0)], [true, false, false]);
  });

  test('uses the evidence that the bundle has', () => {
    const rows = Buffer.concat([
      Buffer.from(Float32Array.of(1, 0).buffer),
      Buffer.from(Int8Array.of(0, 0).buffer),
    ]);
    const evidence = parseEvidence(rows, ['dog'], 2);
    const { features } = judge(CAPTION, () => IMAGE, { features: true }, { evidence });
    assert.equal(features!.evidenceSum, 1 / (1 + Math.exp(-1)));
  });
});

test('what was seen of each image of a call is its own pixels, and its part of what the encoder said', () => {
  const images = [1, 4].map((at) => ({
    pixels: Float32Array.of(at, at + 1, at + 2),
    ...{ rows: 299, columns: 299, width: 40, height: 30 },
  }));
  const encoded = {
    embeddings: Float32Array.of(1, 2, 3, 4),
    regions: Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8),
  };
  const input: ImageInput = { ...IM2TXT_INPUT, dtype: 'float32', range: [-1, 1] };
  const seen = [0, 1].map((at) => seenImage(images[at]!, encoded, input, { at, of: 2 }));
  const layout = { width: 299, height: 299, range: [-1, 1] };
  assert.deepEqual(
    seen.map((image) => [[...image.pixels], [...image.embedding], [...image.regions], image.input]),
    [
      [[1, 2, 3], [1, 2], [1, 2, 3, 4], layout],
      [[4, 5, 6], [3, 4], [5, 6, 7, 8], layout],
    ],
  );
  assert.equal(seen[1]!.pixels, images[1]!.pixels);
});
