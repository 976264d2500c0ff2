import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { importWeights } from '../../src/import/import-weights.ts';
import { loadCaptioner } from '../../src/model/load.ts';
import type { ShowAndTellManifest as Manifest } from '../../src/model/manifest.ts';
import type { Agreement } from '../../src/quantize/agreement.ts';
import { quantizeBundle } from '../../src/quantize/quantize-bundle.ts';
import { flipByte, temporaryDirectory } from '../support/bundles.ts';
import { rejectsUnusable } from '../support/errors.ts';
import { ROOT, readSamples } from '../support/samples.ts';

const TINY = join(ROOT, 'test/fixtures/golden/tiny');
const IMAGES = readSamples()
  .slice(0, 2)
  .map(({ bytes }) => bytes);
const place = temporaryDirectory();
const fp32 = join(place.path, 'fp32');
const out = join(place.path, 'rooms', 'int8');
const progress: [done: number, total: number][] = [];
let agreement: Agreement;
let left: string[];

before(async () => {
  const { draft } = await importWeights({
    from: join(TINY, 'im2txt-tiny.pb'),
    vocabulary: join(TINY, 'word_counts.txt'),
    repairVocabulary: false,
    out: fp32,
    name: 'tiny',
    license: 'MIT',
  });
  await draft.publish();
  mkdirSync(join(place.path, 'rooms'));
  const onProgress = (done: number, total: number) => void progress.push([done, total]);
  const made = await quantizeBundle({ directory: fp32, images: IMAGES, out, name: 'tiny-int8', onProgress });
  left = readdirSync(join(place.path, 'rooms'));
  agreement = made.agreement;
  await made.draft.publish();
});
after(() => place.dispose());

interface Said {
  text: string;
  logProbability: number;
  embedding: Float32Array;
}

/** What a bundle says of each image, and the embedding that it says it of. */
async function saidBy(directory: string): Promise<Said[]> {
  const embeddings: Float32Array[] = [];
  const { caption, close } = await loadCaptioner(directory, {
    observe: (parts) => ({
      ...parts,
      encode: async (images) => {
        const encoded = await parts.encode(images);
        embeddings.push(encoded.embeddings.slice());
        return encoded;
      },
    }),
  });
  const said: Said[] = [];
  for (const [i, bytes] of IMAGES.entries()) {
    const [best] = (await caption(bytes)).captions;
    said.push({ ...best!, embedding: embeddings[i]! });
  }
  await close();
  return said;
}

test('the agreement is that of the bundle which was written', async () => {
  const [before, after] = [await saidBy(fp32), await saidBy(out)];
  const mean = (values: number[]) => values.reduce((a, b) => a + b) / values.length;
  const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
  const cosines = before.map(({ embedding: a }, i) => {
    const b = after[i]!.embedding;
    return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
  });
  const { method, ...numbers } = agreement;
  assert.ok(numbers.cosine > 0.9 && numbers.cosine < 1, `${numbers.cosine}`);
  assert.ok(Math.abs(numbers.cosine - mean(cosines)) < 1e-5, `${numbers.cosine} ${cosines}`);
  const difference = mean(before.map((said, i) => Math.abs(said.logProbability - after[i]!.logProbability)));
  assert.ok(Math.abs(numbers.logProbabilityDifference - difference) < 1e-5);
  assert.equal(numbers.images, 2);
  assert.equal(numbers.sameCaption, before.filter(({ text }, i) => text === after[i]!.text).length);
  assert.match(method, /^ranges by (minmax|percentile|least-error), [0-3] operators left in fp32$/);
});

test('progress counts measuring, captioning, and each of six ways, image by image', () => {
  const total = 2 * (2 + 6);
  assert.deepEqual(
    progress,
    Array.from({ length: total }, (_, i) => [i + 1, total]),
  );
});

test('what was tried is gone, but for the draft of the best', () => {
  assert.equal(left.length, 1);
  assert.match(left[0]!, /^\.show-and-tell-.*\.part$/);
});

test('the manifest says where the bundle came from, and nothing that was measured on the other weights', () => {
  const read = (directory: string): Manifest =>
    JSON.parse(readFileSync(join(directory, 'manifest.json'), 'utf8'));
  const [from, to] = [read(fp32), read(out)];
  const { files: _from, name: _name, precision: _fp32, provenance, ...rest } = from;
  const { files: _to, name, precision, provenance: origins, ...kept } = to;
  assert.deepEqual(kept, rest);
  assert.deepEqual([name, precision], ['tiny-int8', 'int8']);
  assert.deepEqual(origins.slice(0, -1), provenance);
  const { sha256, ...origin } = origins.at(-1)!;
  assert.deepEqual(origin, {
    what: 'fp32 bundle tiny, quantised',
    source: 'show-and-tell quantize',
    license: 'MIT',
  });
  assert.match(sha256!, /^[0-9a-f]{64}$/);
});

test('an INT8 bundle is not quantised again', async () => {
  const again = {
    directory: out,
    images: IMAGES,
    out: `${out}-2`,
    name: 'again',
    onProgress: () => undefined,
  };
  await assert.rejects(quantizeBundle(again), {
    code: 'InvalidRequest',
    message: /already int8; give the fp32 bundle/,
  });
});

for (const name of ['manifest.json', 'encoder.onnx', 'decoder.onnx', 'word_counts.txt']) {
  test(`an fp32 bundle with another byte in ${name} is not quantised`, async () => {
    const file = join(fp32, name);
    flipByte(file);
    const onProgress = () => assert.fail('it began');
    const problem = await rejectsUnusable(
      quantizeBundle({
        directory: fp32,
        images: [],
        out: join(place.path, 'int8'),
        name: 'int8',
        onProgress,
      }),
    );
    flipByte(file);
    assert.equal(problem.file, file);
    assert.match(problem.actual, /^SHA-256/);
    assert.deepEqual(readdirSync(place.path).sort(), ['fp32', 'rooms']);
  });
}
