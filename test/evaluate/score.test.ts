import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { type CaptionSample, type CaptionScores, scoreCaptions } from '../../src/evaluate/score.ts';
import { assertClose } from './support.ts';

interface Corpus {
  samples: CaptionSample[];
  expected: CaptionScores;
}

const corpora = new URL('fixtures/corpora/', import.meta.url);
const metrics = ['bleu1', 'bleu2', 'bleu3', 'bleu4', 'rougeL', 'ciderD'] as const;
const imageMetrics = ['bleu4', 'rougeL', 'ciderD'] as const;

for (const file of readdirSync(corpora)) {
  const { samples, expected }: Corpus = JSON.parse(readFileSync(new URL(file, corpora), 'utf8'));

  test(`${file}: the scores of pycocoevalcap`, () => {
    const scores = scoreCaptions(samples);
    for (const metric of metrics) assertClose(scores[metric], expected[metric], metric);
  });

  test(`${file}: the scores of pycocoevalcap for every image`, () => {
    const { perImage } = scoreCaptions(samples);
    assert.deepEqual(
      perImage.map(({ image }) => image),
      expected.perImage.map(({ image }) => image),
    );
    for (const [index, one] of perImage.entries()) {
      for (const metric of imageMetrics) {
        assertClose(one[metric], expected.perImage[index]![metric], `${metric} of ${one.image}`);
      }
    }
  });
}

test('no samples, or an image without references, cannot be scored', () => {
  assert.throws(() => scoreCaptions([]), RangeError);
  assert.throws(() => scoreCaptions([{ image: 'a.jpg', candidate: 'a', references: [] }]), /a\.jpg/);
});

const word = fc.constantFrom(
  'a',
  'the',
  'dog',
  "dog's",
  'cat',
  'runs',
  'red',
  '.',
  ',',
  'T-shirt',
  'the dog',
);
const caption = fc.array(word, { maxLength: 12 }).map((words) => words.join(' '));
const samples = fc.array(
  fc.record({
    image: fc.uuid(),
    candidate: caption,
    references: fc.array(caption, { minLength: 1, maxLength: 5 }),
  }),
  { minLength: 1, maxLength: 8 },
);

test('BLEU and ROUGE-L lie between 0 and 1, CIDEr-D between 0 and 10', () => {
  fc.assert(
    fc.property(samples, (corpus) => {
      const scores = scoreCaptions(corpus);
      for (const one of [scores, ...scores.perImage]) {
        assert.ok(one.bleu4 >= 0 && one.bleu4 <= 1, `BLEU-4 ${one.bleu4}`);
        assert.ok(one.rougeL >= 0 && one.rougeL <= 1, `ROUGE-L ${one.rougeL}`);
        assert.ok(one.ciderD >= 0 && one.ciderD <= 10 + 1e-9, `CIDEr-D ${one.ciderD}`);
      }
    }),
  );
});

test('the order of images and of references does not matter', () => {
  fc.assert(
    fc.property(samples, (corpus) => {
      const reversed = corpus
        .map((one) => ({ ...one, references: one.references.toReversed() }))
        .toReversed();
      const scores = scoreCaptions(corpus);
      const again = scoreCaptions(reversed);
      for (const metric of metrics) assertClose(again[metric], scores[metric], metric);
      for (const [index, one] of again.perImage.toReversed().entries()) {
        for (const metric of imageMetrics) assertClose(one[metric], scores.perImage[index]![metric], metric);
      }
    }),
  );
});

test('case and a full stop at the end do not matter', () => {
  fc.assert(
    fc.property(samples, (corpus) => {
      const shouted = corpus.map((one) => ({ ...one, candidate: `${one.candidate.toUpperCase()} .` }));
      assert.deepEqual(scoreCaptions(shouted), scoreCaptions(corpus));
    }),
  );
});

const sentence = fc.array(fc.stringMatching(/^[b-z]{3,8}x$/), { minLength: 4, maxLength: 12 });

test('a caption equal to one of its references has BLEU 1 and ROUGE-L 1', () => {
  fc.assert(
    fc.property(sentence, sentence, (written, other) => {
      const candidate = written.join(' ');
      const scores = scoreCaptions([{ image: 'a', candidate, references: [other.join(' '), candidate] }]);
      for (const metric of ['bleu1', 'bleu2', 'bleu3', 'bleu4', 'rougeL'] as const) {
        assertClose(scores[metric], 1, metric);
      }
    }),
  );
});
