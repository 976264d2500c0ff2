import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { IM2TXT_INPUT } from '../../src/caption/image-input.ts';
import { importWeights } from '../../src/import/import-weights.ts';
import { draftBundle } from '../../src/model/write-bundle.ts';
import { decodeModel } from '../../src/onnx/read.ts';
import { encodeModel } from '../../src/onnx/write.ts';
import { readShowAndTell, temporaryDirectory } from '../support/bundles.ts';
import { checkFromFiles, checkFromStates, type GoldenSearches, openBundle } from './bundle-parity.ts';
import { withoutResampler } from './network/golden-parity.ts';

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
      const { draft } = await importTiny(source, join(place.path, String(i)));
      const opened = await openBundle(draft.directory);
      await checkFromFiles(opened, golden);
      await checkFromStates(opened, golden);
      await opened.captioner.close();
      await draft.discard();
    });
  }

  it('also one of version 1.0.0, whose graph does not resample', async () => {
    const { draft } = await importTiny(SOURCES[0]!, join(place.path, 'new'));
    const { manifest } = await readShowAndTell(draft.directory);
    const read = (name: keyof typeof manifest.files) =>
      readFileSync(join(draft.directory, manifest.files[name]!.path));
    const older = await draftBundle(
      join(place.path, 'older'),
      {
        encoder: [encodeModel(withoutResampler(decodeModel('encoder', read('encoder'))))],
        decoder: [read('decoder')],
        vocabulary: [read('vocabulary')],
      },
      { ...manifest, image: { ...IM2TXT_INPUT, dtype: 'float32', range: [-1, 1] } },
    );
    const opened = await openBundle(older.directory);
    await checkFromFiles(opened, golden);
    await opened.captioner.close();
    await older.discard();
    await draft.discard();
  });
});

function importTiny(source: string, out: string): ReturnType<typeof importWeights> {
  return importWeights({
    from: join(TINY, source),
    vocabulary: join(TINY, 'word_counts.txt'),
    repairVocabulary: false,
    out,
    name: 'tiny',
    license: 'none',
  });
}
