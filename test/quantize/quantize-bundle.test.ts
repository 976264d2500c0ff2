import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { importWeights } from '../../src/import/import-weights.ts';
import { quantizeBundle } from '../../src/quantize/quantize-bundle.ts';
import { flipByte, temporaryDirectory } from '../support/bundles.ts';
import { rejectsUnusable } from '../support/errors.ts';
import { ROOT } from '../support/samples.ts';

const TINY = join(ROOT, 'test/fixtures/golden/tiny');

describe('an fp32 bundle with one other byte is not quantised', () => {
  const place = temporaryDirectory();
  const directory = join(place.path, 'fp32');
  before(async () => {
    const { draft } = await importWeights({
      from: join(TINY, 'im2txt-tiny.pb'),
      vocabulary: join(TINY, 'word_counts.txt'),
      repairVocabulary: false,
      out: directory,
      name: 'tiny',
      license: 'none',
    });
    await draft.publish();
  });
  after(() => place.dispose());

  for (const name of ['manifest.json', 'encoder.onnx', 'decoder.onnx', 'word_counts.txt']) {
    it(name, async () => {
      const file = join(directory, name);
      flipByte(file);
      const onProgress = () => assert.fail('it began');
      const out = join(place.path, 'int8');
      const problem = await rejectsUnusable(
        quantizeBundle({ directory, images: [], out, name: 'int8', onProgress }),
      );
      flipByte(file);
      assert.equal(problem.file, file);
      assert.match(problem.actual, /^SHA-256/);
      assert.deepEqual(readdirSync(place.path), ['fp32']);
    });
  }
});
