import assert from 'node:assert/strict';
import { createReadStream, readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { CaptionOptionsInput } from '../../src/caption/options.ts';
import type { CaptionResult as CoreResult } from '../../src/caption/result.ts';
import {
  CaptionError,
  type Captioner,
  type CaptionerPool,
  type CaptionRequest,
  type CaptionResult,
  createPool,
  type DecodingOptions,
  type ImageSource,
  type LoadOptions,
  loadCaptioner,
  Overloaded,
} from '../../src/index.ts';
import { DEFAULT_BUNDLE, loadCaptioner as loadCore } from '../../src/model/load.ts';
import { copyBundle, flipByte, temporaryDirectory } from '../support/bundles.ts';
import { withoutTimings } from '../support/captions.ts';
import { rejectsUnusable, rejectsWith } from '../support/errors.ts';
import { COFFEE, readSamples } from '../support/samples.ts';

const samples = readSamples();
const PHOTO = readFileSync(COFFEE);
const expected = withoutTimings(await (await loadCore(DEFAULT_BUNDLE, { threads: 1 })).caption(PHOTO));

const kinds: [string, () => Promise<Captioner>][] = [
  ['loadCaptioner', () => loadCaptioner({ threads: 1 })],
  ['createPool', () => createPool({ workers: 2 })],
];

for (const [kind, load] of kinds) {
  describe(`a captioner of ${kind}`, () => {
    let captioner: Captioner;
    before(async () => {
      captioner = await load();
      await captioner.ready;
    });
    after(() => captioner.close());

    const sources: Record<string, () => ImageSource> = {
      bytes: () => PHOTO,
      'a path': () => COFFEE,
      'a URL': () => pathToFileURL(COFFEE),
      'a Blob': () => new Blob([PHOTO]),
      'a stream': () => new Blob([PHOTO]).stream(),
      'a stream of Node': () => createReadStream(COFFEE),
    };
    for (const [name, source] of Object.entries(sources)) {
      it(`captions ${name}`, async () => {
        assert.deepEqual(withoutTimings(await captioner.caption(source())), expected);
      });
    }

    it('leaves the caller’s bytes alone', async () => {
      const bytes = Uint8Array.from(PHOTO);
      await captioner.caption(bytes);
      assert.deepEqual(Buffer.from(bytes), PHOTO);
    });

    it('takes decoding, trace and explanation from one object, what is undefined as left out', async () => {
      const result = await captioner.caption(COFFEE, {
        count: 1,
        beamWidth: undefined,
        trace: true,
        explain: true,
      });
      assert.deepEqual(result.captions, expected.captions.slice(0, 1));
      assert.ok(result.trace!.length > result.captions[0]!.words.length);
      assert.equal(result.explanation!.words.length, result.captions[0]!.words.length);
    });

    it('captions many images, in their order', async () => {
      const images = [...samples, ...samples].map(({ path, bytes }, i) => (i % 2 === 0 ? path : bytes));
      const results = await captioner.captionAll(images, { count: 1 });
      assert.equal(results.length, images.length);
      for (const [i, { bytes }] of samples.entries()) {
        const { text } = (await captioner.caption(bytes, { count: 1 })).captions[0]!;
        assert.equal(results[i]!.captions[0]!.text, text);
        assert.equal(results[i + samples.length]!.captions[0]!.text, text);
      }
      assert.deepEqual(await captioner.captionAll([]), []);
    });

    it('fails many images as a whole, with the failure of one', async () => {
      await rejectsWith(captioner.captionAll([COFFEE, 'none.jpg', COFFEE]), 'ImageNotFound');
      await rejectsWith(captioner.captionAll([COFFEE, Buffer.from('no image')]), 'UnsupportedImage');
      await rejectsWith(captioner.captionAll(COFFEE as never), 'InvalidRequest');
    });

    const wrong: [string, unknown][] = [
      ['an option that is not there', { beam: 3 }],
      ['an option out of bounds', { beamWidth: 11 }],
      ['a deadline that is no time', { deadline: 'tomorrow' }],
      ['a deadline that is no date', { deadline: new Date('tomorrow') }],
      ['a signal that is none', { signal: {} }],
      ['a flag that is none', { trace: 'yes' }],
      ['a word that the model does not know', { prefix: 'xyzzy' }],
      ['no object', 3],
      ['null', null],
    ];
    for (const [name, options] of wrong) {
      it(`refuses ${name}`, async () => {
        await rejectsWith(captioner.caption(COFFEE, options as CaptionRequest), 'InvalidRequest');
      });
    }

    it('is late when the deadline has passed', async () => {
      await rejectsWith(captioner.caption(COFFEE, { deadline: Date.now() - 1 }), 'DeadlineExceeded');
      await rejectsWith(captioner.captionAll([COFFEE], { deadline: new Date(0) }), 'DeadlineExceeded');
      await captioner.caption(COFFEE, { deadline: new Date(Date.now() + 60_000) });
    });

    it('ends when the signal is aborted, with its reason', async () => {
      const reason = new Error('not wanted');
      const aborted = AbortSignal.abort(reason);
      await assert.rejects(captioner.caption(COFFEE, { signal: aborted }), (error) => error === reason);
      const controller = new AbortController();
      const jobs = samples.map(({ bytes }) =>
        captioner.caption(bytes, { explain: true, beamWidth: 10, signal: controller.signal }),
      );
      setTimeout(() => controller.abort(reason), 5);
      for (const outcome of await Promise.allSettled(jobs)) {
        assert.equal(outcome.status === 'rejected' && outcome.reason, reason);
      }
      assert.deepEqual(withoutTimings(await captioner.caption(PHOTO)), expected);
    });

    it('refuses work when it is closed, after what it was asked before', async () => {
      const other = await load();
      const job = other.caption(COFFEE);
      const closed = other.close();
      await rejectsWith(other.caption(COFFEE), 'InvalidRequest');
      assert.deepEqual(withoutTimings(await job), expected);
      await closed;
      await other.close();
    });

    it('is closed at the end of its block', async () => {
      let left: Captioner;
      {
        await using inside = await load();
        left = inside;
      }
      await rejectsWith(left.caption(COFFEE), 'InvalidRequest');
    });

    it('knows its model and what that was tuned for', () => {
      assert.deepEqual(captioner.model, expected.model);
      assert.ok(captioner.defaults.beamWidth! >= 1);
    });
  });
}

describe('a model that cannot be used', () => {
  const { path, dispose } = temporaryDirectory();
  after(dispose);

  for (const [kind, load] of [
    ['loadCaptioner', loadCaptioner],
    ['createPool', createPool],
  ] as const) {
    it(`is refused by ${kind} when it is not there`, async () => {
      await rejectsWith(load({ model: 'no/such/bundle' }), 'ModelUnusable');
    });
  }

  it('is refused by every caption when a network is damaged, and can be closed', async () => {
    flipByte(copyBundle(path).pathOf('encoder'));
    for (const load of [loadCaptioner, () => createPool({ workers: 1, model: pathToFileURL(path) })]) {
      await using captioner = await load({ model: path });
      await rejectsWith(captioner.caption(COFFEE), 'ModelUnusable');
      await rejectsWith(captioner.ready, 'ModelUnusable');
    }
  });

  const FROM_1 = 'expected a whole number from 1 on';
  const wrong: [says: string, load: () => Promise<unknown>][] = [
    [`threads: ${FROM_1}`, () => loadCaptioner({ threads: 0 })],
    [`threads: ${FROM_1}`, () => createPool({ threads: 1.5 })],
    [`maxPixels: ${FROM_1}`, () => loadCaptioner({ maxPixels: 0.5 })],
    [`maxPixels: ${FROM_1}`, () => createPool({ maxPixels: 0 })],
    [`decodeMemory: ${FROM_1}`, () => createPool({ decodeMemory: 0 })],
    ['executionProvider: expected cpu or cuda', () => loadCaptioner({ executionProvider: 'tpu' as never })],
    ['model: expected', () => loadCaptioner({ model: new URL('https://127.0.0.1/bundle') })],
    ['model: expected', () => loadCaptioner({ model: 7 as never })],
    ['model: expected', () => loadCaptioner({ model: { protocol: 'file:' } as never })],
    ['workers: expected a whole number from 1 to 64', () => createPool({ workers: 65 })],
    ['workers: expected a whole number from 1 to 64', () => createPool({ workers: 0 })],
    ['queueLength: expected a whole number from 0 on', () => createPool({ queueLength: -1 })],
  ];
  for (const [says, load] of wrong) {
    it(`is not looked for: ${says}`, async () => {
      const { message } = await rejectsWith(load(), 'InvalidRequest');
      assert.ok(message.startsWith(says), message);
    });
  }

  for (const load of [loadCaptioner, (options: LoadOptions) => createPool({ ...options, workers: 1 })]) {
    it('is opened as it was asked for', async () => {
      const cuda = async () => {
        await using captioner = await load({ executionProvider: 'cuda' });
        await captioner.ready;
      };
      // The bundle that comes with the package has whole numbers as weights.
      assert.match((await rejectsUnusable(cuda())).expected, /fp32/);
      await using small = await load({ executionProvider: 'cpu', threads: 1, maxPixels: 1000 });
      assert.match((await rejectsWith(small.caption(PHOTO), 'ImageTooLarge')).message, /pixels/);
      await using poor = await load({ decodeMemory: 1000 });
      assert.match((await rejectsWith(poor.caption(PHOTO), 'ImageTooLarge')).message, /memory/);
    });
  }
});

/** True where each of two types can stand for the other. */
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;

it('documents the very options that the core takes', () => {
  const same: Same<Required<DecodingOptions>, Required<CaptionOptionsInput>> = true;
  const keys: Same<keyof DecodingOptions, keyof CaptionOptionsInput> = true;
  assert.ok(same && keys);
});

it('documents the very results that the core gives', () => {
  const same: Same<Required<CaptionResult>, Required<Omit<CoreResult, 'features'>>> = true;
  const keys: Same<keyof CaptionResult | 'features', keyof CoreResult> = true;
  assert.ok(same && keys);
});

describe('a pool with a short queue', () => {
  let pool: CaptionerPool;
  before(async () => {
    pool = await createPool({ workers: 1, queueLength: 1 });
    await pool.ready;
  });
  after(() => pool.close());

  it('says when it is full, and refuses the next', async () => {
    assert.equal(pool.full, false);
    const outcomes = await Promise.allSettled(samples.map(({ bytes }) => pool.caption(bytes)));
    const refused = outcomes.filter((o) => o.status === 'rejected').map((o) => o.reason);
    assert.equal(refused.length, samples.length - 2);
    assert.ok(refused.every((error) => error instanceof Overloaded && error instanceof CaptionError));
  });

  it('captions more images than that when it is given them together, loaded or not', async () => {
    const paths = samples.map(({ path }) => path);
    await using starting = await createPool({ workers: 1, queueLength: 0 });
    for (const each of [pool, starting]) assert.equal((await each.captionAll(paths)).length, paths.length);
  });

  it('frees the place of an aborted image', async () => {
    const controller = new AbortController();
    const first = pool.caption(PHOTO);
    const waiting = pool.caption(PHOTO, { signal: controller.signal });
    waiting.catch(() => undefined);
    // Both are read and with the pool by now.
    await new Promise(setImmediate);
    assert.equal(pool.full, true);
    controller.abort();
    assert.equal(pool.full, false);
    assert.deepEqual(withoutTimings(await pool.caption(PHOTO)), expected);
    await assert.rejects(waiting, { name: 'AbortError' });
    await first;
  });
});
