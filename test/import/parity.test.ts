import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { importWeights } from '../../src/import/import-weights.ts';
import { temporaryDirectory } from '../support/bundles.ts';
import { checkFromFiles, checkFromStates, type GoldenSearches, openBundle } from './bundle-parity.ts';

const GOLDEN = new URL('../fixtures/golden/', import.meta.url);
const TINY = new URL('tiny/', GOLDEN).pathname;
const golden = JSON.parse(readFileSync(new URL('tiny.json', GOLDEN), 'utf8')) as GoldenSearches;

/** Every kind of file, all with the same weights. */
const SOURCES = [
  'im2txt-tiny.pb',
  'im2txt-tiny-arith.pb',
  'im2txt-tiny-tf1.6.pb',
  'im2txt-tiny-tf1.0.pb',
  'im2txt-tiny-tf0.12.pb',
  'im2txt-tiny-tf1.0-noidentity.pb',
  'im2txt-tiny-folded.pb',
  'im2txt-tiny-tf1.6-folded.pb',
  'v2/model.ckpt-1000',
  'v2-weights-biases/model.ckpt-1000',
  'v2-linear-matrix/model.ckpt-1000',
  'v1/model.ckpt-1000',
  'v1-weights-biases/model.ckpt-1000',
  'v1-linear-matrix/model.ckpt-1000',
];

describe('an imported bundle says what the original TensorFlow code said', () => {
  let place: ReturnType<typeof temporaryDirectory>;
  before(() => {
    place = temporaryDirectory();
  });
  after(() => place.dispose());

  for (const [i, source] of SOURCES.entries()) {
    it(source, async () => {
      const { draft } = await importWeights({
        from: join(TINY, source),
        vocabulary: join(TINY, 'word_counts.txt'),
        repairVocabulary: false,
        out: join(place.path, String(i)),
        name: 'tiny',
        license: 'none',
      });
      const opened = await openBundle(draft.directory);
      await checkFromFiles(opened, golden);
      await checkFromStates(opened, golden);
      await opened.captioner.close();
      await draft.discard();
    });
  }
});
