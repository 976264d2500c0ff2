/** A call from bytes to results over a model by hand: what comes where in a result. */
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { type Captioner, createCaptioner } from '../../src/caption/captioner.ts';
import { confidenceFeatures, confidenceSchema } from '../../src/caption/confidence/confidence.ts';
import type { Described } from '../../src/caption/describe.ts';
import { IM2TXT_INPUT, type ImageInput } from '../../src/caption/image-input.ts';
import type { DecodeImage } from '../../src/caption/ports.ts';
import type { ReadImage } from '../../src/caption/read-image.ts';
import { IM2TXT_ENDING } from '../../src/caption/search/ending.ts';
import { pieceVocabulary } from '../../src/caption/vocabulary/pieces.ts';
import type { Vocabulary } from '../../src/caption/vocabulary/vocabulary.ts';
import { wholeWords } from '../../src/caption/vocabulary/whole-words.ts';
import { DeadlineExceeded, InvalidRequest } from '../../src/errors.ts';
import { type Lstm, type LstmInput, lstmDecoder } from '../../src/model/networks/show-and-tell.ts';
import { type Model, markov, stepOver } from './fake-models.ts';

const WORDS = ['<S>', '</S>', 'dog', 'runs', '<UNK>'];
const WHOLE_WORDS = wholeWords({ words: WORDS, startId: 0, endId: 1, unknownId: 4 }, WORDS.length);
const NEVER = -100;
const HALF = Math.log(0.5);
/** "dog runs" and "dog" with a half each; whoever comes to `<UNK>` stays there. */
const DOG = markov([
  [NEVER, NEVER, 0, NEVER, NEVER],
  [NEVER, NEVER, NEVER, NEVER, NEVER],
  [NEVER, HALF - 1, NEVER, HALF, NEVER],
  [NEVER, 0, NEVER, NEVER, NEVER],
  [NEVER, NEVER, NEVER, NEVER, 0],
]);
/** Says "runs" and ends. */
const RUNS = markov([
  [NEVER, NEVER, NEVER, -0.25, NEVER],
  [NEVER, NEVER, NEVER, NEVER, NEVER],
  [NEVER, 0, NEVER, NEVER, NEVER],
  [NEVER, -0.5, NEVER, NEVER, NEVER],
  [NEVER, NEVER, NEVER, NEVER, 0],
]);

/** Three bytes an image. */
const BYTES: ImageInput = {
  resampling: 'antialiased',
  width: 1,
  height: 1,
  dtype: 'uint8',
  range: [0, 255],
  aspect: 'squash',
};

interface Variant {
  calibrated?: boolean;
  models?: Model[];
  image?: ImageInput;
  vocabulary?: Vocabulary;
  /** In place of the bytes of the file. */
  decode?: DecodeImage;
}

/** A file is two bytes: which model says its caption, and milliseconds that its decoding takes. */
function captionerOf(
  t: TestContext,
  { calibrated = false, models = [DOG, RUNS], image = BYTES, decode, vocabulary = WHOLE_WORDS }: Variant = {},
) {
  const clock = { now: 1000 };
  t.mock.method(performance, 'now', () => clock.now);
  const { lstm } = stepOver(...models);
  const calls = { encoded: [] as number[][], pixels: [] as unknown[], steps: [] as LstmInput[] };
  const step: Lstm = async (input) => {
    clock.now += 1000;
    calls.steps.push(input);
    // Cells on their own are between two models: the nearer one speaks.
    const embeddings = input.embeddings.map((value) => Math.min(1, Math.max(0, Math.round(value))));
    return lstm({ ...input, embeddings });
  };
  const captioner = createCaptioner({
    decode:
      decode ??
      (async ([which, milliseconds]) => {
        clock.now += milliseconds!;
        const pixels = Uint8Array.of(which!, 10 + which!, 20 + which!);
        return { pixels, width: 1, height: 1, originalWidth: 40 + which!, originalHeight: 30, format: 'png' };
      }),
    encode: async (networkImages) => {
      const images = networkImages.length;
      const pixels = networkImages.flatMap((one) => [...one.pixels]);
      clock.now += 100;
      calls.encoded.push([images, ...pixels]);
      calls.pixels.push(...networkImages.map((one) => one.pixels));
      // The embedding of an image is its model; two cells, a half below and above it.
      const embeddings = Float32Array.from({ length: images }, (_, i) => pixels[3 * i]!);
      const regions = Float32Array.from(
        { length: 2 * images },
        (_, i) => embeddings[i >> 1]! + (i % 2) - 0.5,
      );
      return { embeddings, regions };
    },
    ...lstmDecoder(step, { embeddingWidth: 1, stateWidth: 1 }),
    image,
    embeddingWidth: 1,
    ending: IM2TXT_ENDING,
    explains: true,
    defaults: { beamWidth: 2 },
    vocabulary,
    model: { name: 'by hand', hash: 'abc' },
    calibration: {
      evidence: null,
      confidence: calibrated ? confidenceSchema.parse(CALIBRATION) : undefined,
    },
  });
  return { captioner, clock, calls };
}

/** A confidence of a half, whatever the image. */
const CALIBRATION = {
  acceptableCiderD: 40,
  reviewBelow: 0.5,
  bias: 0,
  weights: {},
  images: 1,
  acceptable: 0.5,
  expectedCalibrationError: 0,
  areaUnderRoc: 0.5,
};
const ONE = Uint8Array.of(0, 5);
const OTHER = Uint8Array.of(1, 7);

describe('the result of a call', () => {
  test('has the captions of each image, best first, with their words and what each weighs', async (t) => {
    const { captioner } = captionerOf(t);
    const [first, second] = await captioner.captionAll([ONE, OTHER]);
    const half = Math.fround(HALF);
    const least = Math.fround(HALF - 1);
    assert.deepEqual(first!.captions, [
      {
        text: 'dog runs',
        logProbability: half,
        probability: Math.exp(half),
        score: half,
        words: [
          { word: 'dog', logProbability: 0 },
          { word: 'runs', logProbability: half },
        ],
        truncated: false,
      },
      {
        text: 'dog',
        logProbability: least,
        probability: Math.exp(least),
        score: least,
        words: [{ word: 'dog', logProbability: 0 }],
        truncated: false,
      },
    ]);
    assert.deepEqual(
      second!.captions.map(({ text, logProbability }) => [text, logProbability]),
      [['runs', -0.75]],
    );
  });

  test('says what was captioned, by what, and how long it took: its own decoding, and the runs that it shared', async (t) => {
    const { captioner, calls } = captionerOf(t);
    const results = await captioner.captionAll([ONE, OTHER]);
    const search = 1000 * calls.steps.length;
    const times = { preprocess: 0, encode: 100, search };
    const total = 100 + search;
    assert.deepEqual(
      results.map(({ captions: _captions, ...rest }) => rest),
      [
        // Both are decoded at the same time, on one clock.
        {
          model: captioner.model,
          timings: { decode: 12, ...times, total: 12 + total },
          width: 40,
          height: 30,
          format: 'png',
        },
        {
          model: captioner.model,
          timings: { decode: 7, ...times, total: 7 + total },
          width: 41,
          height: 30,
          format: 'png',
        },
      ],
    );
    assert.deepEqual(captioner.model, { name: 'by hand', hash: 'abc' });
    assert.deepEqual(calls.encoded, [[2, 0, 10, 20, 1, 11, 21]]);
  });

  test('is of images as the network reads them, bytes or numbers', async (t) => {
    const bytes = captionerOf(t);
    await bytes.captioner.captionAll([OTHER, ONE]);
    assert.deepEqual(bytes.calls.pixels, [Uint8Array.of(1, 11, 21), Uint8Array.of(0, 10, 20)]);
    const squashed = { ...IM2TXT_INPUT, width: 1, height: 1, resizedTo: 1 };
    const rows = captionerOf(t, { image: squashed });
    await rows.captioner.captionAll([OTHER, ONE]).catch(() => undefined);
    assert.deepEqual(rows.calls.pixels, [Uint8Array.of(1, 11, 21), Uint8Array.of(0, 10, 20)]);
    const image: ImageInput = { ...squashed, dtype: 'float32', range: [-1, 1] };
    const numbers = captionerOf(t, { image });
    await numbers.captioner.captionAll([OTHER, ONE]).catch(() => undefined);
    const [pixels] = numbers.calls.pixels as [Float32Array];
    const expected = [1, 11, 21].map((value) => (2 * value) / 255 - 1);
    assert.ok(pixels instanceof Float32Array);
    assert.ok(pixels.every((value, i) => Math.abs(value - expected[i]!) < 1e-6));
  });

  test('of one image is that of the first of many', async (t) => {
    const { captioner } = captionerOf(t);
    const { captions } = await captioner.caption(ONE);
    assert.deepEqual(captions, (await captioner.captionAll([ONE, OTHER]))[0]!.captions);
    assert.deepEqual(await captioner.captionAll([]), []);
  });

  test('has as many captions as were asked for, of the plan that was made', async (t) => {
    const { captioner } = captionerOf(t);
    const texts = async (options: Parameters<Captioner['plan']>[0]) =>
      (await captioner.caption(ONE, captioner.plan(options))).captions.map(({ text }) => text);
    assert.deepEqual(await texts({ count: 1 }), ['dog runs']);
    assert.deepEqual(await texts({ bannedWords: ['runs'] }), ['dog']);
    assert.deepEqual(await texts({ requiredWords: ['runs'], avoidRepeats: true, count: 1 }), ['dog runs']);
    assert.deepEqual(await texts({ prefix: 'dog runs' }), ['dog runs']);
    assert.deepEqual(await texts({ beamWidth: 1 }), ['dog runs']);
  });

  test('tells a caption that the maximum length cut off', async (t) => {
    const { captioner } = captionerOf(t);
    const { captions } = await captioner.caption(ONE, captioner.plan({ maxLength: 2 }));
    assert.deepEqual(
      captions.map(({ text, truncated }) => [text, truncated]),
      [['dog', true]],
    );
  });

  test('judges and explains what the network saw of an image that it got the centre of', async (t) => {
    const image: ImageInput = {
      ...BYTES,
      resampling: 'pillow',
      filter: 'nearest',
      resize: { shortestEdge: 1 },
      aspect: 'crop',
    };
    const pixels = Uint8Array.of(7, 7, 7, 7, 7, 7, 1, 11, 21, 7, 7, 7, 7, 7, 7);
    const size = { width: 5, height: 1, originalWidth: 5, originalHeight: 1 };
    const { captioner, calls } = captionerOf(t, {
      image,
      decode: async () => ({ pixels, ...size, format: 'png' }),
    });
    const result = await captioner.caption(ONE, undefined, { features: true, explain: true });
    assert.deepEqual(calls.pixels[0], Uint8Array.of(1, 11, 21));
    assert.deepEqual(result.explanation!.area, { left: 2 / 5, top: 0, width: 1 / 5, height: 1 });
    const seen = {
      pixels: Uint8Array.of(1, 11, 21),
      input: image,
      embedding: Float32Array.of(1),
      regions: Float32Array.of(0.5, 1.5),
    };
    assert.deepEqual(result.features, confidenceFeatures(result.captions[0]!, seen, null));
  });

  test('has a trace, numbers and an explanation for whoever asks, and nothing of them else', async (t) => {
    const { captioner } = captionerOf(t);
    const [first, second] = await captioner.captionAll([ONE, OTHER], undefined, {
      trace: true,
      features: true,
      explain: true,
    });
    const words = (result: typeof first) =>
      result!.trace!.filter(({ step }) => step < 2).map(({ word }) => word);
    assert.deepEqual(words(first)?.slice(0, 2), ['<S>', 'dog']);
    assert.ok(words(second).includes('runs'));
    assert.ok(!('id' in first!.trace![0]!));
    const { captions, explanation } = second!;
    const seen = {
      pixels: Uint8Array.of(1, 11, 21),
      embedding: Float32Array.of(1),
      regions: Float32Array.of(0.5, 1.5),
    };
    const input = {
      resampling: 'antialiased',
      width: 1,
      height: 1,
      dtype: 'uint8',
      range: [0, 255],
      aspect: 'squash',
    } as const;
    assert.deepEqual(second!.features, confidenceFeatures(captions[0]!, { ...seen, input }, null));
    assert.deepEqual(
      explanation!.words.map(({ word }) => word),
      ['runs'],
    );
    // Its own cells, of which each speaks as both do.
    assert.deepEqual(explanation!.words[0]!.importance, [0, 0]);
    assert.deepEqual(explanation!.area, { left: 0, top: 0, width: 1, height: 1 });
    assert.deepEqual(
      first!.explanation!.words.map(({ word }) => word),
      ['dog', 'runs'],
    );
    assert.deepEqual(first!.explanation!.words[0]!.importance, [-NEVER, 0]);
    const plain = await captioner.caption(ONE);
    for (const key of ['trace', 'features', 'explanation', 'confidence', 'needsReview'])
      assert.ok(!(key in plain), key);
  });

  test('has whole words where the model says pieces of them', async (t) => {
    const pieces = ['<s>', '</s>', ' surf', 'board', '<unk>'];
    const vocabulary = pieceVocabulary(
      {
        size: pieces.length,
        bytes: (id) => pieces[id]!,
        special: new Set([0, 1, 4]),
        unknownId: 4,
        closesUp: false,
        encode: (text) => [Math.max(4, pieces.indexOf(text))],
      },
      { startIds: [0], endId: 1, logits: pieces.length },
    );
    const { captioner } = captionerOf(t, { vocabulary });
    const { captions, trace, explanation } = await captioner.caption(ONE, undefined, {
      trace: true,
      explain: true,
    });
    const half = Math.fround(HALF);
    assert.deepEqual(
      captions.map(({ text, words }) => [text, words]),
      [
        ['surfboard', [{ word: 'surfboard', logProbability: half }]],
        ['surf', [{ word: 'surf', logProbability: 0 }]],
      ],
    );
    assert.deepEqual(
      trace!.slice(0, 3).map(({ word, continues }) => [word, continues]),
      [
        ['<S>', undefined],
        ['surf', undefined],
        ['board', true],
      ],
    );
    // The fall of both pieces: the first of -NEVER, as of "dog", the second of what "runs" loses.
    const { captioner: whole } = captionerOf(t);
    const { explanation: apart } = await whole.caption(ONE, undefined, { explain: true });
    const sums = apart!.words[0]!.importance.map((fall, cell) => fall + apart!.words[1]!.importance[cell]!);
    assert.deepEqual(explanation!.words, [{ word: 'surfboard', importance: sums }]);
    const planned = captioner.plan({ bannedWords: ['surf'] });
    assert.deepEqual(
      (await captioner.caption(ONE, planned)).captions.map(({ text }) => text),
      ['surfboard'],
    );
  });

  test('has a confidence where the model is calibrated, and the caller’s line', async (t) => {
    const { captioner } = captionerOf(t, { calibrated: true });
    const judged = async (minConfidence?: number) => {
      const asked = captioner.plan(minConfidence === undefined ? {} : { minConfidence });
      const { confidence, needsReview } = await captioner.caption(ONE, asked);
      return [confidence, needsReview];
    };
    assert.deepEqual(await judged(), [0.5, false]);
    assert.deepEqual(await judged(0.6), [0.5, true]);
    assert.throws(() => captionerOf(t).captioner.plan({ minConfidence: 0.6 }), { code: 'InvalidRequest' });
  });
});

/** Says "dog dog", e^-1, before "dog runs", e^-2, before "dog", e^-3; after "dog dog" nothing but the end. */
const DOG_DOG: Model = (prefix) => {
  const end = [NEVER, 0, NEVER, NEVER, NEVER];
  if (prefix.length === 3) return end;
  return markov([[NEVER, NEVER, 0, NEVER, NEVER], end, [NEVER, -3, -1, -2, NEVER], end, end])(prefix);
};

describe('captions that say a thing twice', () => {
  for (const [where, options, expected] of [
    ['stand where the search ranks them', {}, ['dog dog', 'dog runs', 'dog']],
    [
      'come last where repeats are avoided, the others in their order',
      { avoidRepeats: true },
      ['dog runs', 'dog', 'dog dog'],
    ],
    [
      'are not the one that is asked for while there is another',
      { avoidRepeats: true, count: 1 },
      ['dog runs'],
    ],
  ] as const) {
    test(where, async (t) => {
      const { captioner } = captionerOf(t, { models: [DOG_DOG] });
      const { captions } = await captioner.caption(ONE, captioner.plan({ beamWidth: 3, ...options }));
      assert.deepEqual(
        captions.map(({ text }) => text),
        expected,
      );
    });
  }
});

describe('a call ends', () => {
  test('with the memory of the pixels given back, whatever fails', async (t) => {
    let released = 0;
    const decode: DecodeImage = async () => ({
      get pixels(): Uint8Array {
        throw new Error('no pixels');
      },
      ...{ width: 1, height: 1, originalWidth: 1, originalHeight: 1, format: 'png' },
      release: () => released++,
    });
    const { captioner } = captionerOf(t, { decode });
    await assert.rejects(captioner.caption(ONE), { message: 'no pixels' });
    assert.equal(released, 1);
  });

  test('before the encoder when its deadline has passed while images were decoded', async (t) => {
    const { captioner, calls } = captionerOf(t);
    const deadline = Date.now() - 1;
    await assert.rejects(captioner.caption(ONE, undefined, { deadline }), { code: 'DeadlineExceeded' });
    assert.deepEqual(calls.encoded, []);
  });

  test('between two runs of the decoder, in the search and in the explanation', async (t) => {
    const whole = captionerOf(t);
    await whole.captioner.caption(ONE);
    const searching = whole.calls.steps.length;
    for (const after of [1, searching, searching + 1]) {
      const { captioner, calls } = captionerOf(t);
      const abort = new AbortController();
      const push = calls.steps.push.bind(calls.steps);
      calls.steps.push = (input) => {
        if (calls.steps.length + 1 === after) abort.abort(new Error('given up'));
        return push(input);
      };
      const call = captioner.caption(ONE, undefined, { signal: abort.signal, explain: true });
      await assert.rejects(call, { message: 'given up' });
      assert.equal(calls.steps.length, after);
    }
  });

  test('with the option at fault where no caption has room for its words', async (t) => {
    const { captioner } = captionerOf(t);
    // The start counts, so that there is room for one word.
    const plan = captioner.plan({ requiredWords: ['runs dog'], maxLength: 2 });
    await assert.rejects(captioner.captionAll([ONE, OTHER], plan), {
      code: 'InvalidRequest',
      problems: [{ field: 'maxLength', message: 'leaves no room for the words that a caption must say' }],
    });
  });
});

describe('images that are described together', () => {
  /** `ONE` and `OTHER` as the networks read them. */
  const readOf = (which: number): ReadImage => ({
    input: { pixels: Uint8Array.of(which, 0, 0), rows: 1, columns: 1, width: 1, height: 1 },
    ...{ width: 40, height: 30, format: 'png', timings: { decode: 3, preprocess: 4 } },
  });
  const textsOf = (described: Described[]) =>
    described.map((one) => ('error' in one ? one.error : one.result.captions.map(({ text }) => text)));

  test('share one run of the encoder, and a search for those that want the same', async (t) => {
    const { captioner, calls } = captionerOf(t);
    const [same, shorter] = [captioner.plan({ count: 1 }), captioner.plan({ count: 1, maxLength: 3 })];
    const jobs = [
      { image: readOf(0), plan: same, call: {} },
      { image: readOf(0), plan: shorter, call: {} },
      { image: readOf(1), plan: captioner.plan({ count: 1 }), call: {} },
    ];
    const described = await captioner.describe(jobs);
    assert.deepEqual(textsOf(described), [['dog runs'], ['dog'], ['runs']]);
    assert.deepEqual(calls.encoded, [[3, 0, 0, 0, 0, 0, 0, 1, 0, 0]]);
    // The first and the third are read at once, then the second.
    assert.deepEqual(
      calls.steps.filter(({ words }) => words[0] === -1).map(({ embeddings }) => [...embeddings]),
      [[0, 1], [0]],
    );
    const [first, second] = described.map((one) => ('error' in one ? assert.fail() : one.result.timings));
    assert.equal(first!.total, 3 + 4 + first!.encode + first!.search);
    assert.equal(second!.total, first!.total + second!.search);
  });

  test('have a trace where they are asked for one', async (t) => {
    const { captioner } = captionerOf(t);
    const plan = captioner.plan();
    const described = await captioner.describe(
      [false, true].map((trace) => ({ image: readOf(0), plan, call: { trace } })),
    );
    const [without, traced] = described.map((one) => ('error' in one ? assert.fail() : one.result.trace));
    assert.equal(without, undefined);
    assert.equal(traced?.[0]?.parent, null);
  });

  test('end on their own: at a deadline, by a signal, for want of room', async (t) => {
    const { captioner, calls } = captionerOf(t);
    const [plan, long] = [captioner.plan(), captioner.plan({ requiredWords: ['runs dog'], maxLength: 2 })];
    const abort = new AbortController();
    const push = calls.steps.push.bind(calls.steps);
    calls.steps.push = (input) => {
      if (calls.steps.length === 1) abort.abort(new Error('given up'));
      return push(input);
    };
    const described = await captioner.describe([
      { image: readOf(0), plan, call: { signal: abort.signal } },
      { image: readOf(1), plan, call: { deadline: Date.now() - 1 } },
      { image: readOf(1), plan: long, call: {} },
      { image: readOf(1), plan, call: {} },
    ]);
    const [gone, late, cramped, last] = textsOf(described);
    assert.deepEqual(gone, new Error('given up'));
    assert.ok(late instanceof DeadlineExceeded);
    assert.ok(cramped instanceof InvalidRequest);
    assert.deepEqual(last, ['runs']);
    // What was late before the encoder was not encoded.
    assert.equal(calls.encoded[0]![0], 3);
  });

  test('of which none is in time cost nothing', async (t) => {
    const { captioner, calls } = captionerOf(t);
    const call = { signal: AbortSignal.abort(new Error('given up')) };
    const described = await captioner.describe([{ image: readOf(0), plan: captioner.plan(), call }]);
    assert.deepEqual([textsOf(described), calls.encoded, calls.steps], [[new Error('given up')], [], []]);
    assert.deepEqual(await captioner.describe([]), []);
  });

  test('fail together where a network does', async (t) => {
    const { captioner, calls } = captionerOf(t);
    calls.steps.push = () => {
      throw new Error('no step');
    };
    const job = { image: readOf(0), plan: captioner.plan(), call: {} };
    await assert.rejects(captioner.describe([job, { ...job }]), { message: 'no step' });
  });
});
