import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it, mock } from 'node:test';
import sharp from 'sharp';
import { confidenceOf } from '../../src/caption/confidence/confidence.ts';
import { type CaptionOptionsInput, parseCaptionOptions } from '../../src/caption/options.ts';
import { GENDERED_WORDS } from '../../src/caption/plan.ts';
import type { EncodedImages, NativeParts, NetworkImage } from '../../src/caption/ports.ts';
import type { CaptionResult } from '../../src/caption/result.ts';
import { readBundle } from '../../src/model/bundle.ts';
import { DEFAULT_BUNDLE, type LoadedCaptioner, loadCaptioner } from '../../src/model/load.ts';
import { copyBundle, temporaryDirectory } from '../support/bundles.ts';
import { withoutTimings } from '../support/captions.ts';
import { rejectsWith } from '../support/errors.ts';
import { readSamples } from '../support/samples.ts';
import {
  BATCH_LOG_PROBABILITY,
  PARITY_PIXELS,
  PARITY_WORST_PIXEL,
  REGION_MEAN,
} from '../support/tolerance.ts';

const samples = readSamples();
const { manifest } = await readBundle(DEFAULT_BUNDLE);
const defaults = parseCaptionOptions({}, manifest.decoding);

/** Counts the runs of the native parts and keeps what they were given and gave. */
interface Recorder {
  encodes: { images: readonly NetworkImage[]; output: EncodedImages }[];
  steps: { rows: number; k: number }[];
  observe(parts: NativeParts): NativeParts;
}

function recorder(): Recorder {
  const encodes: Recorder['encodes'] = [];
  const steps: Recorder['steps'] = [];
  return {
    encodes,
    steps,
    observe: ({ decode, encode, start, step }) => ({
      decode,
      encode: async (images) => {
        const output = await encode(images);
        encodes.push({ images, output });
        return output;
      },
      start: async (images, places) => {
        steps.push({ rows: places.length, k: 1 });
        return await start(images, places);
      },
      step: async (input) => {
        steps.push({ rows: input.words.length, k: input.k });
        return await step(input);
      },
    }),
  };
}

describe('the default bundle', () => {
  const recorded = recorder();
  let captioner: LoadedCaptioner;
  let results: CaptionResult[];
  before(async () => {
    captioner = await loadCaptioner(DEFAULT_BUNDLE, { threads: 1, observe: recorded.observe });
    results = [];
    for (const { bytes } of samples) results.push(await captioner.caption(bytes));
  });

  it('says for each photograph what its captions are, how sure it is and how long it took', async () => {
    const { hash } = await readBundle(DEFAULT_BUNDLE);
    for (const [i, result] of results.entries()) {
      const { width, height } = await sharp(samples[i]!.bytes).metadata();
      assert.deepEqual([result.width, result.height, result.format], [width, height, 'jpeg']);
      assert.deepEqual(result.model, { name: manifest.name, hash });
      const { total, ...stages } = result.timings;
      const sum = Object.values(stages).reduce((a, b) => a + b, 0);
      for (const [stage, ms] of Object.entries(stages)) assert.ok(ms >= 0, `${stage}: ${ms}`);
      assert.ok(stages.decode > 0 && stages.encode > 0 && stages.search > 0);
      assert.ok(sum <= total + 1, `${sum} of ${total} ms`);
    }
  });

  it('writes captions whose numbers agree with each other and that fall in their order', () => {
    for (const { captions } of results) {
      assert.ok(captions.length >= 1 && captions.length <= defaults.beamWidth);
      assert.equal(new Set(captions.map((c) => c.text)).size, captions.length);
      const scores = captions.map((c) => {
        assert.equal(c.probability, Math.exp(c.logProbability));
        assert.equal(c.text, c.words.map((w) => w.word).join(' '));
        assert.ok(c.words.every((w) => w.logProbability <= 0));
        const words = c.words.reduce((sum, w) => sum + w.logProbability, 0);
        // `</S>` is no word, and costs.
        assert.ok(c.truncated ? Math.abs(words - c.logProbability) < 1e-9 : words >= c.logProbability);
        const length = c.words.length + (c.truncated ? 1 : 2);
        assert.ok(length <= defaults.maxLength);
        assert.ok(c.words.length >= defaults.minLength);
        const normalized = c.truncated ? 1 : length ** defaults.lengthNormalization;
        assert.equal(c.score, c.logProbability / normalized);
        return c.score;
      });
      assert.deepEqual(
        scores,
        scores.toSorted((a, b) => b - a),
      );
    }
  });

  it('never says a banned word, neither its own nor the caller’s', async () => {
    const { bytes } = samples[0]!;
    const said = results[0]!.captions[0]!.words[0]!.word;
    const { captions } = await captioner.caption(bytes, captioner.plan({ bannedWords: [said] }));
    for (const { words } of captions) {
      for (const { word } of words) assert.ok(word !== said && word !== '<UNK>', word);
    }
  });

  it('says the same in a second run', async () => {
    for (const [i, { bytes }] of samples.entries()) {
      assert.deepEqual(withoutTimings(await captioner.caption(bytes)), withoutTimings(results[i]!));
    }
  });

  it('says the same with two threads', async () => {
    const two = await loadCaptioner(DEFAULT_BUNDLE, { threads: 2 });
    for (const [i, { bytes }] of samples.entries()) {
      assert.deepEqual(withoutTimings(await two.caption(bytes)), withoutTimings(results[i]!));
    }
  });

  it('says the same of photographs in a batch, in shared runs', async () => {
    recorded.encodes.length = 0;
    recorded.steps.length = 0;
    const batch = await captioner.captionAll(samples.map(({ bytes }) => bytes));
    assert.deepEqual(
      recorded.encodes.map((e) => e.images.length),
      [samples.length],
    );
    assert.ok(recorded.steps.length <= defaults.maxLength, `${recorded.steps.length} decoder runs`);
    assert.equal(recorded.steps[0]!.rows, samples.length);
    const widest = Math.max(...recorded.steps.map((s) => s.rows));
    assert.ok(widest > samples.length && widest <= samples.length * defaults.beamWidth, `${widest} rows`);

    assert.equal(batch.length, samples.length);
    for (const [i, { captions, width, height }] of batch.entries()) {
      const alone = results[i]!;
      assert.deepEqual([width, height], [alone.width, alone.height]);
      assert.deepEqual(
        captions.map((c) => c.text),
        alone.captions.map((c) => c.text),
      );
      for (const [j, { logProbability }] of captions.entries()) {
        const off = Math.abs(logProbability - alone.captions[j]!.logProbability);
        assert.ok(off < BATCH_LOG_PROBABILITY, `${samples[i]!.name} ${j}: ${off}`);
      }
    }
  });

  it('runs the encoder once and the decoder at most maxLength times for a photograph', async () => {
    for (const maxLength of [1, 2, 5, 20]) {
      recorded.encodes.length = 0;
      recorded.steps.length = 0;
      await captioner.caption(samples[0]!.bytes, captioner.plan({ maxLength }));
      assert.equal(recorded.encodes.length, 1);
      assert.ok(recorded.steps.length <= maxLength, `${recorded.steps.length} of ${maxLength}`);
      assert.ok(recorded.steps.every((s) => s.rows <= defaults.beamWidth));
    }
  });

  it('gives as many captions as asked for, the same first ones', async () => {
    const { captions } = await captioner.caption(samples[0]!.bytes, captioner.plan({ count: 1 }));
    assert.deepEqual(captions, results[0]!.captions.slice(0, 1));
  });

  it('has nothing to say about no photographs', async () => {
    assert.deepEqual(await captioner.captionAll([]), []);
  });

  it('refuses wrong options by name before it is given a photograph', () => {
    for (const options of [
      { beamWidth: 11 },
      { beamWidth: 0 },
      { beamWidth: 2.5 },
      { maxLength: 129 },
      { lengthNormalization: Number.NaN },
      { count: defaults.beamWidth + 1 },
      { minLength: defaults.maxLength - 1 },
    ]) {
      const [name] = Object.keys(options);
      assert.throws(() => captioner.plan(options), { name: 'InvalidRequest', message: new RegExp(name!) });
    }
  });

  it('fails as a whole when one photograph of a batch cannot be read, and works on afterwards', async () => {
    const files = [samples[0]!.bytes, Buffer.from('no image')];
    await rejectsWith(captioner.captionAll(files), 'UnsupportedImage');
    assert.deepEqual(withoutTimings(await captioner.caption(files[0]!)), withoutTimings(results[0]!));
  });

  it('gives region embeddings whose mean is the image embedding', async () => {
    recorded.encodes.length = 0;
    await captioner.captionAll(samples.slice(0, 2).map(({ bytes }) => bytes));
    const [{ images: taken, output }] = recorded.encodes as [Recorder['encodes'][0]];
    const images = taken.length;
    const { embeddingWidth: width, regions } = manifest;
    assert.equal(output.embeddings.length, images * width);
    assert.equal(output.regions.length, images * regions * width);
    const largest = Math.max(...output.embeddings.map(Math.abs));
    assert.ok(largest > 0);
    for (let i = 0; i < images * width; i++) {
      const image = Math.floor(i / width);
      let sum = 0;
      for (let r = 0; r < regions; r++) sum += output.regions[(image * regions + r) * width + (i % width)]!;
      const off = Math.abs(sum / regions - output.embeddings[i]!);
      assert.ok(off < REGION_MEAN * largest, `image ${image}, number ${i % width}: ${off} of ${largest}`);
    }
  });
});

/** Written by `models/training/captioner/export.py` with the loader that the training used. */
interface Parity {
  /** Into the flat `[height, width, 3]` pixels. */
  indices: number[];
  files: Record<string, { channelMeans: number[]; values: number[] }>;
}

const PARITY_FILE = join(DEFAULT_BUNDLE, 'parity.json');

describe('serving makes the pixels that training saw', {
  skip: existsSync(PARITY_FILE) ? false : 'the bundle has no parity.json',
}, () => {
  it('of every sample photograph', async (t) => {
    const parity: Parity = JSON.parse(readFileSync(PARITY_FILE, 'utf8'));
    const recorded = recorder();
    const captioner = await loadCaptioner(DEFAULT_BUNDLE, { threads: 1, observe: recorded.observe });
    const known = samples.filter(({ name }) => parity.files[name] !== undefined);
    assert.ok(known.length >= 3, 'parity.json names fewer than three of the samples');
    await captioner.captionAll(
      known.map(({ bytes }) => bytes),
      captioner.plan({ maxLength: 1 }),
    );
    const { images } = recorded.encodes[0]!;
    const differences = known.flatMap(({ name }, i) => {
      const own = images[i]!.pixels;
      const { values, channelMeans } = parity.files[name]!;
      for (const channel of [0, 1, 2]) {
        const off = Math.abs(channelMean(own, channel) - channelMeans[channel]!);
        assert.ok(off < PARITY_PIXELS, `${name}, channel ${channel}: mean off by ${off}`);
      }
      return parity.indices.map((index, j) => Math.abs(own[index]! - values[j]!));
    });
    const mean = differences.reduce((a, b) => a + b, 0) / differences.length;
    t.diagnostic(`mean difference ${mean.toFixed(3)} grey levels, largest ${Math.max(...differences)}`);
    assert.ok(mean < PARITY_PIXELS, `mean ${mean}`);
    assert.ok(Math.max(...differences) <= PARITY_WORST_PIXEL);
  });
});

function channelMean(pixels: Uint8Array | Float32Array, channel: number): number {
  let sum = 0;
  for (let i = channel; i < pixels.length; i += 3) sum += pixels[i]!;
  return sum / (pixels.length / 3);
}

describe('one call', () => {
  const image = samples[0]!.bytes;

  it('is given up between decoder runs once its deadline has passed', async () => {
    let steps = 0;
    const deadline = Date.now() + 60_000;
    const captioner = await loadCaptioner(DEFAULT_BUNDLE, {
      threads: 1,
      observe: (parts) => ({
        ...parts,
        step: (input) => {
          steps++;
          if (steps === 3) mock.timers.enable({ apis: ['Date'], now: deadline });
          return parts.step(input);
        },
      }),
    });
    try {
      await rejectsWith(captioner.caption(image, undefined, { deadline }), 'DeadlineExceeded');
      assert.equal(steps, 3);
    } finally {
      mock.timers.reset();
    }
  });

  it('with a deadline in the past does not reach the encoder', async () => {
    const recorded = recorder();
    const captioner = await loadCaptioner(DEFAULT_BUNDLE, { threads: 1, observe: recorded.observe });
    await rejectsWith(captioner.caption(image, undefined, { deadline: Date.now() - 1 }), 'DeadlineExceeded');
    assert.equal(recorded.encodes.length, 0);
  });

  it('answers with the words that the search looked at when asked', async () => {
    const captioner = await loadCaptioner(DEFAULT_BUNDLE, { threads: 1 });
    const [plain, traced] = [
      await captioner.caption(image),
      await captioner.caption(image, undefined, { trace: true }),
    ];
    assert.equal(plain.trace, undefined);
    assert.deepEqual(traced.captions, plain.captions);
    const nodes = traced.trace!;
    assert.equal(nodes[0]!.word, '<S>');
    const words: string[] = [];
    for (let node = nodes.find((n) => n.caption === 0)!; node.parent !== null; node = nodes[node.parent]!) {
      words.unshift(node.word);
    }
    assert.equal(words.join(' '), `${traced.captions[0]!.text} </S>`);
  });
});

describe('confidence', () => {
  it('is that of the best caption, whatever else is asked for, and below the line needs review', async () => {
    const captioner = await loadCaptioner(DEFAULT_BUNDLE, { threads: 1 });
    const { bytes } = samples[0]!;
    const result = await captioner.caption(bytes);
    assert.equal('features' in result, false);
    const { features } = await captioner.caption(bytes, undefined, { features: true });
    const confidence = confidenceOf(features!, manifest.confidence!);
    assert.equal(result.confidence, confidence);
    assert.equal(result.needsReview, confidence < manifest.confidence!.reviewBelow);
    const strict = await captioner.caption(bytes, captioner.plan({ count: 1, minConfidence: 1 }));
    assert.deepEqual([strict.confidence, strict.needsReview], [confidence, true]);
    assert.equal((await captioner.caption(bytes, captioner.plan({ minConfidence: 0 }))).needsReview, false);
  });

  it('is missing where the bundle was not calibrated, and cannot be asked for', async () => {
    const temporary = temporaryDirectory();
    copyBundle(temporary.path).editManifest((changed) => {
      delete changed.confidence;
    });
    try {
      const captioner = await loadCaptioner(temporary.path, { threads: 1 });
      const { bytes } = samples[0]!;
      assert.equal('confidence' in (await captioner.caption(bytes)), false);
      assert.throws(() => captioner.plan({ minConfidence: 0.5 }), { name: 'InvalidRequest' });
    } finally {
      temporary.dispose();
    }
  });
});

describe('word rules on the real decoder', () => {
  const image = samples.find(({ name }) => name.startsWith('raccoon'))!.bytes;
  const wishes: CaptionOptionsInput[] = [
    { requiredWords: ['frisbee'] },
    { requiredWords: ['brown dog', 'ball'] },
    { prefix: 'two dogs' },
    { prefix: 'a person', genderNeutral: true },
  ];

  for (const wish of wishes) {
    it(`every caption fulfils ${JSON.stringify(wish)}`, async () => {
      const captioner = await loadCaptioner(DEFAULT_BUNDLE, { threads: 1 });
      const { captions } = await captioner.caption(image, captioner.plan(wish));
      assert.ok(captions.length > 0);
      for (const { text, logProbability, words } of captions) {
        assert.ok(text.startsWith(wish.prefix ?? ''), text);
        for (const phrase of wish.requiredWords ?? []) assert.ok(` ${text} `.includes(` ${phrase} `), text);
        const gendered = words.filter(({ word }) => GENDERED_WORDS.includes(word));
        if (wish.genderNeutral) assert.deepEqual(gendered, [], text);
        assert.ok(Number.isFinite(logProbability));
      }
    });
  }

  it('a caption forced word by word has the probability that it has unforced', async () => {
    const captioner = await loadCaptioner(DEFAULT_BUNDLE, { threads: 1 });
    const free = (await captioner.caption(image)).captions[0]!;
    const forced = (await captioner.caption(image, captioner.plan({ prefix: free.text }))).captions[0]!;
    assert.equal(forced.text, free.text);
    assert.ok(Math.abs(forced.logProbability - free.logProbability) < BATCH_LOG_PROBABILITY);
  });

  it('refuses what it cannot say before it is given an image, and what has no room when it is', async () => {
    const captioner = await loadCaptioner(DEFAULT_BUNDLE, { threads: 1 });
    const refused: CaptionOptionsInput[] = [
      { requiredWords: ['zeitgeist'] },
      { prefix: '<UNK>' },
      { requiredWords: ['dog'], bannedWords: ['dog'] },
      { prefix: 'a man', genderNeutral: true },
    ];
    for (const wish of refused) assert.throws(() => captioner.plan(wish), { name: 'InvalidRequest' });
    await rejectsWith(
      captioner.caption(image, captioner.plan({ requiredWords: ['a red ball'], maxLength: 3 })),
      'InvalidRequest',
    );
  });
});
