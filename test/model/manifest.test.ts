/** What a manifest may say, and what it may not. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { problemsIn } from '../../src/errors.ts';
import { plannedModel } from '../../src/model/bundle.ts';
import { DEFAULT_BUNDLE } from '../../src/model/load.ts';
import { manifestSchema } from '../../src/model/manifest.ts';

// biome-ignore lint/suspicious/noExplicitAny: it is edited into what no manifest is
type Any = any;
const read = (): Any => JSON.parse(readFileSync(join(DEFAULT_BUNDLE, 'manifest.json'), 'utf8'));

const METRICS = { split: 'a', images: 1, bleu1: 1, bleu2: 2, bleu3: 3, bleu4: 4, rougeL: 5, ciderD: 6 };
const TF1 = {
  resampling: 'tf1-bilinear',
  width: 299,
  height: 299,
  dtype: 'float32',
  range: [-1, 1],
  aspect: 'squash',
  resizedTo: 346,
};
const BYTES = { dtype: 'uint8', range: [0, 255] };
const SQUARE = { width: 224, height: 224 };
const PILLOW = {
  resampling: 'pillow',
  filter: 'bicubic',
  ...SQUARE,
  ...BYTES,
  resize: SQUARE,
  aspect: 'squash',
};
const HASH = '0123456789abcdef'.repeat(4);

/** Where in the manifest, values that may stand there, and values that may not. */
const FIELDS: [path: string, good: unknown[], bad: unknown[]][] = [
  ['formatVersion', [1], [0, 2, '1']],
  ['checksum', [undefined, 'manifest.json.sha256'], ['', 'other', null]],
  ['name', ['a', 'x'.repeat(100)], ['', 'x'.repeat(101), 1]],
  ['description', ['', 'text'], [undefined, 1]],
  ['license', ['CC0-1.0'], [undefined, 1]],
  ['precision', ['fp32', 'int8'], ['', 'fp16', undefined]],
  [
    'files.encoder.path',
    ['a', '0', 'A9._-x', 'word_counts.txt.gz'],
    ['', '.a', '-a', '_a', 'a/b', '../a', 'a b', ' a', 'a ', 'a\n', 'é'],
  ],
  ['files.decoder.bytes', [1, 2 ** 40], [0, -1, 1.5, '1', undefined]],
  [
    'files.vocabulary.sha256',
    [HASH],
    [HASH.slice(1), `${HASH}0`, HASH.toUpperCase(), `x${HASH}`, `${HASH}\n`],
  ],
  ['files.evidence', [undefined, { path: 'a', bytes: 1, sha256: HASH }], [null, { path: 'a' }]],
  ['files.more', [undefined], [{ path: 'a', bytes: 1, sha256: HASH }]],
  ['vocabulary.size', [1], [0, undefined, 1.5]],
  ['vocabulary.logits', [1], [0, undefined]],
  ['vocabulary.startId', [0, 5], [-1, undefined, 0.5]],
  ['vocabulary.endId', [0], [-1, undefined]],
  ['vocabulary.unknownId', [0], [-1, undefined]],
  ['embeddingWidth', [1, 65_536], [0, 65_537]],
  ['stateWidth', [1, 65_536], [0, 65_537]],
  ['regions', [1, 65_536], [0, 65_537]],
  [
    'image',
    [
      TF1,
      { ...TF1, ...BYTES },
      PILLOW,
      { ...PILLOW, resize: { shortestEdge: 256 }, aspect: 'crop' },
      { ...PILLOW, resize: null, aspect: 'crop' },
    ],
    [
      null,
      { ...PILLOW, resize: undefined },
      { ...PILLOW, resize: { shortestEdge: 0 } },
      { ...PILLOW, resize: { ...SQUARE, shortestEdge: 256 } },
      { ...PILLOW, resize: { width: 224 } },
      { ...PILLOW, filter: 'cubic' },
      { ...PILLOW, resizedTo: 346 },
      { ...TF1, range: [0, 255] },
      { ...TF1, dtype: 'uint8' },
      {},
      { ...TF1, resampling: 'other' },
      { ...TF1, resizedTo: undefined },
    ],
  ],
  ['image.width', [1, 4096], [0, 4097, 1.5]],
  ['image.height', [1, 4096], [0, 4097]],
  ['image.dtype', ['uint8'], ['float32', '']],
  ['image.range', [[0, 255]], [[], [0], [0, 1], [-1, 255], [0, 255, 0]]],
  ['image.aspect', ['squash'], ['', 'crop']],
  ['image.resizedTo', [undefined], [346]],
  ['decoding.beamWidth', [1, 10], [0, 11, '3']],
  [
    'metrics',
    [undefined, METRICS, { dev: METRICS, test: METRICS }],
    [1, { ...METRICS, more: 1 }, { dev: 1 }],
  ],
  [
    'metrics.flickr8k',
    [METRICS],
    [
      { ...METRICS, images: 0 },
      { ...METRICS, ciderD: 'high' },
    ],
  ],
  ['confidence', [undefined], [1, {}]],
  [
    'provenance',
    [
      [],
      [{ what: 'a', source: 'b', license: 'c' }],
      [{ what: 'a', source: 'b', license: 'c', sha256: HASH }],
    ],
    [
      undefined,
      {},
      [{ what: 'a', source: 'b' }],
      [{ what: 'a', source: 'b', license: 'c', sha256: 'd' }],
      [{ what: 'a', source: 'b', license: 'c', by: 'd' }],
    ],
  ],
];

function withValue(path: string, value: unknown): Any {
  const manifest = read();
  if (path.startsWith('metrics.')) manifest.metrics = { dev: METRICS };
  const names = path.split('.');
  const last = names.pop()!;
  const place = names.reduce((object, name) => object[name], manifest);
  if (value === undefined) delete place[last];
  else place[last] = value;
  return manifest;
}

describe('a manifest', () => {
  for (const [path, good, bad] of FIELDS) {
    it(`has a right ${path}`, () => {
      for (const value of good) {
        const manifest = withValue(path, value);
        const parsed = manifestSchema(1).safeParse(manifest);
        assert.ok(parsed.success, `${JSON.stringify(value)}: ${parsed.error}`);
        if (path !== 'decoding.beamWidth') assert.ok(isDeepStrictEqual({ ...parsed.data }, manifest));
      }
      for (const value of bad) {
        const { error } = manifestSchema(1).safeParse(withValue(path, value));
        assert.ok(error, `accepted: ${JSON.stringify(value)}`);
        assert.notEqual(problemsIn(error).length, 0);
      }
    });
  }

  it('of the bilinear rule has its own range and kind of numbers', () => {
    for (const change of [
      { range: [0, 255] },
      { range: [1, 1] },
      { range: [-1] },
      { dtype: 'uint8' },
      { aspect: 'crop' },
      { resizedTo: 4097 },
      { more: 1 },
    ]) {
      const manifest = { ...read(), image: { ...TF1, ...change } };
      assert.equal(manifestSchema(1).safeParse(manifest).success, false, JSON.stringify(change));
    }
  });

  it('tells what requests are checked against', () => {
    const manifest = manifestSchema(1).parse(read());
    const vocabulary = {} as never;
    const { confidence: _confidence, ...others } = manifest;
    assert.deepEqual(plannedModel({ manifest, vocabulary }), {
      defaults: manifest.decoding,
      vocabulary,
      calibrated: true,
      explains: true,
      longest: undefined,
    });
    assert.equal(plannedModel({ manifest: others, vocabulary }).calibrated, false);
  });
});
