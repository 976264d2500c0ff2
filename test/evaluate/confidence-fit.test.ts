import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  CAPTION_FEATURES,
  type ConfidenceFeatures,
  confidenceOf,
  confidenceSchema,
  PHOTOGRAPH_FEATURES,
} from '../../src/caption/confidence/confidence.ts';
import { EVIDENCE_FEATURES } from '../../src/caption/confidence/evidence.ts';
import { fitConfidence, type PhotographKind } from '../../src/evaluate/confidence-fit.ts';
import { confidenceTable } from '../../src/evaluate/confidence-report.ts';
import { xorshift } from '../support/random.ts';

const random = xorshift(11);
const uniform = () => random.below(1 << 30) / (1 << 30);

/** Numbers by chance, 0 to 1, but what is given. */
function features(given: Partial<ConfidenceFeatures> = {}): ConfidenceFeatures {
  const drawn = [...CAPTION_FEATURES, ...PHOTOGRAPH_FEATURES].map((name) => [name, uniform()]);
  return { ...(Object.fromEntries(drawn) as ConfidenceFeatures), ...given };
}

/** `share(x)`: how many of the captions whose mean log-probability is x are acceptable. */
function kind(name: string, images: number, share: (x: number) => number): PhotographKind {
  const all = Array.from({ length: images }, () => features({ regionSpread: 5 + uniform() }));
  const ciderD = all.map(({ meanLogProbability: x }) => (uniform() < share(x) ? 0.4 : 0.39));
  return { name, features: all, ciderD };
}

const documents = Array.from({ length: 300 }, () =>
  features({ regionSpread: uniform(), meanLogProbability: 1 }),
);

test('a confidence is fitted on all kinds and judged on each', () => {
  const kinds = [kind('streets', 300, (x) => x ** 2), kind('dogs', 2000, (x) => x)];
  const { model, reliability } = fitConfidence(kinds, documents)!;
  assert.deepEqual(confidenceSchema.parse(model), model);
  assert.equal(model.images, 2300);
  assert.deepEqual(Object.keys(reliability), ['streets', 'dogs']);
  const { streets, dogs } = model.kinds!;
  assert.equal(streets!.images, 300);
  assert.ok(Math.abs(streets!.acceptable - 1 / 3) < 0.08 && Math.abs(dogs!.acceptable - 1 / 2) < 0.04);
  for (const { areaUnderRoc, expectedCalibrationError, expectedByChance } of [streets!, dogs!]) {
    assert.ok(areaUnderRoc > 0.75, `${areaUnderRoc}`);
    assert.ok(expectedCalibrationError < 0.15);
    assert.ok(expectedByChance > 0 && expectedByChance < 0.06);
  }
});

test('what is no photograph needs review, however sure the network is of its words', () => {
  const kinds = [kind('dogs', 1000, (x) => x)];
  const sure = documents[0]!;
  const { model } = fitConfidence(kinds, documents)!;
  assert.equal(model.notPhotographs!.images, 300);
  assert.ok(model.notPhotographs!.needReview > 0.98);
  assert.ok(confidenceOf(sure, model) < 0.2);
  assert.ok(confidenceOf({ ...sure, regionSpread: 5.5 }, model) > 0.8);
  const without = fitConfidence(kinds, [])!.model;
  assert.equal(without.photograph, undefined);
  assert.equal(without.notPhotographs, undefined);
  assert.ok(confidenceOf(sure, without) > 0.8);
});

test('a small kind counts as much as a large one', () => {
  const { model } = fitConfidence([kind('few', 200, () => 0.2), kind('many', 2000, () => 0.8)], [])!;
  const said = confidenceOf(features({ meanLogProbability: 0.5 }), model);
  assert.ok(said > 0.4 && said < 0.6, `${said}`);
});

test('where a bundle has word evidence, the regression over captions looks at that alone', () => {
  const evidence = () => ({ evidenceLog: -uniform(), evidenceMean: uniform(), evidenceSum: 3 * uniform() });
  const all = Array.from({ length: 600 }, () => features(evidence()));
  const ciderD = all.map(({ evidenceMean }) => (uniform() < evidenceMean! ? 0.4 : 0.39));
  const { model } = fitConfidence([{ name: 'dogs', features: all, ciderD }], [])!;
  assert.deepEqual(Object.keys(model.weights), [...EVIDENCE_FEATURES]);
  assert.ok(model.areaUnderRoc > 0.75, `${model.areaUnderRoc}`);
});

test('nothing is fitted on too few captions of either outcome', () => {
  assert.equal(fitConfidence([kind('few', 80, (x) => x)], documents), null);
  assert.equal(fitConfidence([kind('all good', 500, () => 1)], documents), null);
});

test('the table says how good it is on each kind', () => {
  const report = fitConfidence([kind('streets', 300, (x) => x), kind('dogs', 500, (x) => x)], documents)!;
  const table = confidenceTable(report).join('\n');
  for (const row of [
    'streets, 300 images',
    'dogs, 500 images',
    'no photographs, 300 images',
    'by chance alone',
  ]) {
    assert.ok(table.includes(row), row);
  }
});
