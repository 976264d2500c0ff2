import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import type { InferenceSession } from 'onnxruntime-node';
import { Overloaded } from '../../../src/errors.ts';
import { DEFAULT_BUNDLE, defaultThreads, loadCaptioner } from '../../../src/model/load.ts';
import { onnxruntime } from '../../../src/model/native/native-parts.ts';
import { openSession, type Signature } from '../../../src/model/networks/session.ts';
import { showAndTell } from '../../../src/model/networks/show-and-tell.ts';
import { copyBundle, flipByte, readShowAndTell, temporaryDirectory } from '../../support/bundles.ts';
import { rejectsUnusable } from '../../support/errors.ts';
import { readSamples } from '../../support/samples.ts';

const temporary = temporaryDirectory();
after(() => temporary.dispose());
const { manifest } = await readShowAndTell();
const network = showAndTell(manifest);
const DECODER = join(DEFAULT_BUNDLE, 'decoder.onnx');
const WORDS = join(DEFAULT_BUNDLE, 'word_counts.txt');
const CPU = { threads: 1, executionProvider: 'cpu' } as const;
const CUDA = { threads: 1, executionProvider: 'cuda' } as const;

describe('a graph that does not open', () => {
  it('is told from a provider that is not there, each with its remedy', async () => {
    const contract = network.decoder;
    const graph = await rejectsUnusable(openSession(WORDS, contract, CPU));
    assert.deepEqual([graph.file, graph.expected], [WORDS, 'a graph that onnxruntime opens']);
    assert.match(graph.remedy, /^Import or train it again; .* provider cpu\.$/);
    const provider = await rejectsUnusable(openSession(DECODER, contract, CUDA));
    assert.deepEqual([provider.file, provider.expected], [DECODER, 'onnxruntime to start its CUDA provider']);
    const { version } = (await import('onnxruntime-node/package.json', { with: { type: 'json' } })).default;
    assert.ok(provider.remedy.includes(`onnxruntime-gpu ${version} into `), provider.remedy);
    assert.match(provider.remedy, /\/onnxruntime-node\/bin\/napi-v6\/\w+\/\w+\/, where CUDA/);
  });

  it('is refused for CUDA before it is opened where it has INT8', async () => {
    const problem = await rejectsUnusable(loadCaptioner(DEFAULT_BUNDLE, CUDA));
    assert.deepEqual(
      [problem.file, problem.expected, problem.actual],
      [
        join(DEFAULT_BUNDLE, 'manifest.json'),
        'precision fp32 or fp16 for execution provider cuda',
        'precision int8',
      ],
    );
    copyBundle(temporary.path).editManifest((changed) => {
      changed.precision = 'fp32';
    });
    const { ready, close } = await loadCaptioner(temporary.path, CUDA);
    assert.match((await rejectsUnusable(ready)).expected, /CUDA provider/);
    await close();
  });
});

describe('a session', () => {
  /** What onnxruntime is asked to do. */
  async function optionsOf(settings: Parameters<typeof openSession>[2]) {
    const { InferenceSession } = onnxruntime();
    const { create } = InferenceSession;
    let asked: InferenceSession.SessionOptions = {};
    InferenceSession.create = ((file: string, options: InferenceSession.SessionOptions) => {
      asked = options;
      return create(file, options);
    }) as never;
    try {
      await (await openSession(DECODER, network.decoder, settings)).release();
    } finally {
      InferenceSession.create = create;
    }
    return asked;
  }

  it('takes the threads that it is given and no others, and none that spin', async () => {
    for (const threads of [1, 3]) {
      const options = await optionsOf({ ...CPU, threads });
      assert.deepEqual([options.intraOpNumThreads, options.interOpNumThreads], [threads, 1]);
      assert.deepEqual(options.executionProviders, ['cpu']);
      assert.deepEqual(options.extra, {
        session: { intra_op: { allow_spinning: '0' }, inter_op: { allow_spinning: '0' } },
      });
    }
  });

  it('reports nothing to anybody', async () => {
    delete process.env.ORT_DISABLE_TELEMETRY;
    await optionsOf(CPU);
    assert.equal(process.env.ORT_DISABLE_TELEMETRY, '1');
  });

  it('by default has a thread for each processor, up to four', () => {
    assert.ok(defaultThreads() >= 1 && defaultThreads() <= 4);
  });
});

describe('a model', () => {
  const { bytes } = readSamples()[0]!;

  it('whose network has no memory left says so, and any other failure as it is', async () => {
    const failures: [thrown: Error, code: string | undefined][] = [
      [new Error('std::bad_alloc'), 'Overloaded'],
      [new Error('a bug'), undefined],
      [new Overloaded('out of memory, said before'), 'Overloaded'],
    ];
    for (const [thrown, code] of failures) {
      const { caption, captionAll, close } = await loadCaptioner(DEFAULT_BUNDLE, {
        threads: 1,
        observe: (parts) => ({ ...parts, encode: () => Promise.reject(thrown) }),
      });
      for (const work of [() => caption(bytes), () => captionAll([bytes])]) {
        const error = await work().catch((error: unknown) => error as Overloaded);
        assert.equal(Reflect.get(error, 'code'), code);
        if (thrown.message.includes('bad_alloc')) assert.equal((error as Overloaded).cause, thrown);
        else assert.equal(error, thrown);
      }
      await close();
    }
  });

  it('gives both networks back when it is closed, also where one of them never opened', async () => {
    const { InferenceSession } = onnxruntime();
    const { create } = InferenceSession;
    const opened: [threads: number | undefined, release: () => number][] = [];
    const counting = (async (file: string, options: InferenceSession.SessionOptions) => {
      const session = await create(file, options);
      let released = 0;
      const { release } = session;
      session.release = () => {
        released++;
        return release.call(session);
      };
      opened.push([options.intraOpNumThreads, () => released]);
      return session;
    }) as never;
    InferenceSession.create = counting;
    try {
      const whole = await loadCaptioner(DEFAULT_BUNDLE, { threads: 3 });
      await whole.ready;
      // The decoder of whole numbers takes one thread however many there are.
      assert.deepEqual(opened.map(([threads]) => threads).sort(), [1, 3]);
      await whole.close();
      assert.deepEqual(
        opened.map(([, released]) => released()),
        [1, 1],
      );
      const directory = join(temporary.path, 'half');
      mkdirSync(directory);
      flipByte(copyBundle(directory).pathOf('encoder'));
      const half = await loadCaptioner(directory, { threads: 1 });
      await half.close();
      assert.equal(opened.length, 3);
      assert.equal(opened[2]![1](), 1);
      const evidence = copyBundle(directory).pathOf('evidence');
      flipByte(evidence);
      await rejectsUnusable(loadCaptioner(directory, { threads: 1 }));
      assert.deepEqual(
        opened.map(([, released]) => released()),
        [1, 1, 1, 1, 1],
      );
    } finally {
      InferenceSession.create = create;
    }
  });
});

describe('what a graph has to take and give', () => {
  const metadata = (signature: Signature) =>
    Object.entries(signature).map(([name, { dtype, shape }]) => ({
      name,
      isTensor: true,
      type: dtype,
      shape: shape.map((d) => d ?? 'batch'),
    }));

  /** Opens what says of itself what `edit` makes of the decoder's contract. */
  async function openWith(edit: (inputs: Record<string, unknown>[]) => unknown) {
    const contract = network.decoder;
    const inputs = metadata(contract.inputs);
    edit(inputs);
    const { InferenceSession } = onnxruntime();
    const { create } = InferenceSession;
    InferenceSession.create = (async () => ({
      inputMetadata: inputs,
      outputMetadata: metadata(contract.outputs),
    })) as never;
    try {
      return await openSession(DECODER, contract, CPU);
    } finally {
      InferenceSession.create = create;
    }
  }

  it('may have names for dimensions, in any order, and more than is needed', async () => {
    await openWith(() => undefined);
    await openWith((inputs) => inputs.reverse().push({ name: 'more', isTensor: false }));
    await openWith((inputs) => (inputs[1]!.shape = ['batch', 'width']));
  });

  const REFUSED: [what: string, edit: (inputs: Record<string, unknown>[]) => unknown, actual: string][] = [
    ['another type', ([word]) => (word!.type = 'int32'), 'int32 [batch]'],
    ['a dimension more', ([word]) => (word!.shape = ['batch', 1]), 'int64 [batch, 1]'],
    ['a dimension less', ([word]) => (word!.shape = []), 'int64 []'],
    ['no tensor', ([word]) => (word!.isTensor = false), 'no tensor'],
    ['another name', ([word]) => (word!.name = 'token'), 'inputs token, image_embedding, state, k'],
    ['nothing', (inputs) => inputs.splice(0), 'inputs none'],
  ];
  for (const [what, edit, actual] of REFUSED) {
    it(`is refused with ${what}`, async () => {
      const problem = await rejectsUnusable(openWith(edit));
      assert.deepEqual(problem, {
        file: DECODER,
        expected: 'input "word" int64 [?]',
        actual,
        remedy: 'The manifest and this graph do not belong together: import or train the model again.',
      });
    });
  }

  it('is refused where one of its dimensions is another', async () => {
    const width = manifest.embeddingWidth;
    const problem = await rejectsUnusable(openWith((inputs) => (inputs[1]!.shape = ['batch', width + 1])));
    assert.equal(problem.expected, `input "image_embedding" float32 [?, ${width}]`);
    assert.equal(problem.actual, `float32 [batch, ${width + 1}]`);
  });

  it('of each image and each hypothesis has its own numbers', async () => {
    const encoder = await openSession(join(DEFAULT_BUNDLE, 'encoder.onnx'), network.encoder, CPU);
    const decoder = await openSession(DECODER, network.decoder, CPU);
    const { width, height } = manifest.image;
    const { embeddingWidth, regions, vocabulary } = manifest;
    const images = [0, 100].map((first) => ({
      pixels: Uint8Array.from({ length: width * height * 3 }, (_, i) => (first + i) % 251),
      ...{ rows: height, columns: width, width, height },
    }));
    const { embeddings, regions: cells } = await network.encode(encoder)(images);
    assert.deepEqual([embeddings.length, cells.length], [2 * embeddingWidth, 2 * regions * embeddingWidth]);
    for (const [i, value] of embeddings.entries()) {
      const [image, at] = [Math.floor(i / embeddingWidth), i % embeddingWidth];
      let sum = 0;
      for (let cell = 0; cell < regions; cell++)
        sum += cells[(image * regions + cell) * embeddingWidth + at]!;
      assert.equal(value, Math.fround(sum / regions));
    }
    const { start, step } = network.decode(decoder);
    const places = [0, 1];
    const state = await start({ embeddings, regions: cells }, places);
    const asked = { words: [vocabulary.startId, vocabulary.startId], parents: places, state, k: 3 };
    const out = await step(asked);
    assert.deepEqual(
      [out.state.rows, out.logProbabilities.length, out.ids.length, out.all],
      [2, 6, 6, undefined],
    );
    const { all } = await step({ ...asked, all: true });
    assert.equal(all?.length, 2 * vocabulary.logits);
    // The best of all is the first of the best, in each row.
    for (const row of [0, 1]) {
      const own = all.subarray(row * vocabulary.logits, (row + 1) * vocabulary.logits);
      assert.equal(own.indexOf(Math.max(...own)), out.ids[3 * row]);
    }
    await encoder.release();
    await decoder.release();
  });
});
