import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CAPTION_FEATURES, PHOTOGRAPH_FEATURES } from '../../src/caption/confidence/confidence.ts';
import type { ConfidenceReport } from '../../src/evaluate/confidence-fit.ts';
import { confidenceTable } from '../../src/evaluate/confidence-report.ts';
import {
  buildReport,
  type CaptionedImage,
  type EvaluationReport,
  reportTable,
  type SetReport,
} from '../../src/evaluate/report.ts';

const SETTING = { model: { name: 'everyday', hash: '0123456789abcdef' }, options: { beamWidth: 3 } };

const features = Object.fromEntries([...CAPTION_FEATURES, ...PHOTOGRAPH_FEATURES].map((name) => [name, 0.5]));

function captioned(set: string | null, image: string, text: string | null, reference: string, total: number) {
  const captions = text === null ? [] : [{ text, logProbability: -0.5 }];
  return {
    set,
    image,
    references: [reference],
    result: { captions, features, timings: { total } },
  } as unknown as CaptionedImage;
}

const DOGS = [
  captioned('dogs', 'a.jpg', 'a b c d', 'a b c d', 30),
  captioned('dogs', 'b.jpg', 'p q r s', 'p q r s', 10),
  captioned('dogs', 'c.jpg', 'a', 'x', 20),
  captioned('dogs', 'd.jpg', null, 'y', 40),
];

test('scores of one set are percent, beside each image and how long it took', () => {
  const report = buildReport(DOGS, [{ name: 'dogs', split: 'validation' }], SETTING);
  // BLEU: 8 of 9 words, 9 words against 10. CIDEr-D: two of four captions are all that they could be, 10 each.
  const brevity = Math.exp(1 - 10 / 9);
  const bleu = (precision: number) => Math.round(10_000 * precision * brevity) / 100;
  assert.deepEqual(report, {
    model: SETTING.model,
    options: { beamWidth: 3 },
    metrics: {
      split: 'validation',
      images: 4,
      bleu1: bleu(8 / 9),
      bleu2: bleu(Math.sqrt(8 / 9)),
      bleu3: bleu(Math.cbrt(8 / 9)),
      bleu4: bleu((8 / 9) ** (1 / 4)),
      rougeL: 50,
      ciderD: 500,
    },
    timings: { median: 30, p95: 40 },
    perImage: report.perImage,
  });
  const [first, second, , last] = report.perImage!;
  assert.deepEqual(
    [first!.image, first!.caption, first!.logProbability, first!.total],
    ['a.jpg', 'a b c d', -0.5, 30],
  );
  assert.equal(second!.total, 10);
  assert.deepEqual([last!.caption, last!.logProbability, last!.ciderD], ['', 0, 0]);
});

test('of several sets each has its own report, with its own images alone', () => {
  const cats = captioned('cats', 'e.jpg', 'a b c d', 'a b c d', 5);
  const none = captioned(null, 'f.jpg', 'a', 'a', 6);
  const { sets, metrics } = buildReport(
    [...DOGS, cats, none],
    [
      { name: 'dogs', split: 'validation' },
      { name: 'cats', split: 'test' },
    ],
    SETTING,
  );
  assert.equal(metrics, undefined);
  assert.deepEqual(Object.keys(sets!), ['dogs', 'cats']);
  assert.deepEqual([sets!.dogs!.metrics.images, sets!.cats!.metrics.images], [4, 1]);
  assert.deepEqual([sets!.cats!.metrics.split, sets!.cats!.metrics.bleu1], ['test', 100]);
  assert.deepEqual(sets!.cats!.timings, { median: 5, p95: 5 });
});

test('a confidence is fitted on the photographs of the sets, other images beside them', () => {
  const many = (set: string | null, from: number, text: string, spread: number): CaptionedImage[] =>
    Array.from({ length: 60 }, (_, i) => {
      const one = captioned(set, `${from + i}.jpg`, text, `w${from + i} b c d`, 5);
      const varied = { ...features, meanLogProbability: (i % 7) / 7, regionSpread: spread };
      return { ...one, result: { ...one.result, features: varied } } as unknown as CaptionedImage;
    });
  const good = many('dogs', 0, '', 3).map((one, i) => {
    const captions = [{ text: `w${i} b c d`, logProbability: -0.5 }];
    return { ...one, result: { ...one.result, captions } } as unknown as CaptionedImage;
  });
  const images = [...good, ...many('dogs', 100, 'z', 3), ...many(null, 200, 'z', 1)];
  const { confidence } = buildReport(images, [{ name: 'dogs', split: 'validation' }], SETTING);
  assert.equal(confidence!.model.images, 120);
  assert.equal(confidence!.model.acceptable, 0.5);
  assert.equal(confidence!.model.notPhotographs!.images, 60);
});

const one = (image: string, ciderD: number, total: number) => ({
  image,
  caption: `caption of ${image}`,
  logProbability: -1,
  bleu4: 0.5,
  rougeL: 0.5,
  ciderD,
  total,
});

const SET: SetReport = {
  metrics: {
    split: 'validation',
    images: 12,
    bleu1: 60.5,
    bleu2: 50.25,
    bleu3: 40,
    bleu4: 30.123,
    rougeL: 45.6,
    ciderD: 100.5,
  },
  timings: { median: 12.34, p95: 56.78 },
  perImage: [],
};

const SCORES = [
  '  BLEU-1    60.50',
  '  BLEU-2    50.25',
  '  BLEU-3    40.00',
  '  BLEU-4    30.12',
  '  ROUGE-L   45.60',
  '  CIDEr-D  100.50',
  'Milliseconds an image: median 12.3, 95th percentile 56.8',
];

test('the report as a person reads it: scores, then the best, the worst and the slowest', () => {
  const perImage = Array.from({ length: 12 }, (_, i) => one(`${i}.jpg`, i / 10, 100 - i));
  const report: EvaluationReport = { model: SETTING.model, options: {}, ...SET, perImage };
  const line = (value: string, i: number) => `  ${value.padStart(6)}  ${i}.jpg  caption of ${i}.jpg`;
  const down = [11, 10, 9, 8, 7, 6, 5, 4, 3, 2];
  const up = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
  assert.deepEqual(reportTable(report).split('\n'), [
    'everyday 0123456789ab, split validation, 12 images',
    ...SCORES,
    '',
    'Best by CIDEr-D',
    ...down.map((i) => line(`${i * 10}.0`, i)),
    '',
    'Worst by CIDEr-D',
    ...up.map((i) => line(`${i * 10}.0`, i)),
    '',
    'Slowest (ms)',
    ...up.map((i) => line(`${100 - i}.0`, i)),
    '',
  ]);
});

test('several sets are told apart by name', () => {
  const sets = { dogs: { ...SET, perImage: [one('a.jpg', 1, 1)] }, cats: SET };
  assert.deepEqual(reportTable({ model: SETTING.model, options: {}, sets }).split('\n'), [
    'everyday 0123456789ab, set dogs, split validation, 12 images',
    ...SCORES,
    '',
    'everyday 0123456789ab, set cats, split validation, 12 images',
    ...SCORES,
    ...['Best by CIDEr-D', 'Worst by CIDEr-D'].flatMap((title) => [
      '',
      `${title}, set dogs`,
      '   100.0  a.jpg  caption of a.jpg',
    ]),
    '',
    'Slowest (ms), set dogs',
    '     1.0  a.jpg  caption of a.jpg',
    '',
    'Best by CIDEr-D, set cats',
    '',
    'Worst by CIDEr-D, set cats',
    '',
    'Slowest (ms), set cats',
    '',
  ]);
});

const CONFIDENCE = {
  model: {
    acceptableCiderD: 40,
    kinds: {
      dogs: {
        images: 300,
        acceptable: 0.5,
        expectedCalibrationError: 0.031,
        expectedByChance: 0.02,
        areaUnderRoc: 0.8125,
      },
    },
    notPhotographs: { images: 70, needReview: 1 },
  },
  reliability: { dogs: [{ count: 12, said: 0.05, happened: 0.1 }] },
} as unknown as ConfidenceReport;

const CONFIDENCE_LINES = [
  '',
  'Confidence that CIDEr-D is 40 or more, by 10-fold cross-validation',
  '  dogs, 300 images',
  '    acceptable captions         50.0 %',
  '    expected calibration error   3.1 %, by chance alone 2.0 %',
  '    area under the ROC curve     0.813',
  '    captions     said  acceptable',
  '          12    5.0 %   10.0 %',
];

test('the confidence is told set by set, in columns', () => {
  assert.deepEqual(confidenceTable(CONFIDENCE), [
    ...CONFIDENCE_LINES,
    '  no photographs, 70 images',
    '    need review                100.0 %',
  ]);
  const { notPhotographs: _none, ...model } = CONFIDENCE.model;
  assert.deepEqual(confidenceTable({ ...CONFIDENCE, model }), CONFIDENCE_LINES);
  const { kinds: _kinds, ...bare } = model;
  assert.deepEqual(confidenceTable({ model: bare, reliability: {} }), CONFIDENCE_LINES.slice(0, 2));
  const report = { model: SETTING.model, options: {}, ...SET, confidence: CONFIDENCE };
  assert.ok(reportTable(report).includes(CONFIDENCE_LINES.join('\n')));
});
