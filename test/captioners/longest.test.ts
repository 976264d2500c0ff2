/** Captions as long as a decoder has positions for, and no longer. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { MAX_CAPTION_LENGTH } from '../../src/caption/options.ts';
import { planCaptions } from '../../src/caption/plan.ts';
import { InvalidRequest } from '../../src/errors.ts';
import { plannedModel, readBundle } from '../../src/model/bundle.ts';
import { loadCaptioner } from '../../src/model/load.ts';
import { temporaryDirectory } from '../support/bundles.ts';
import { readSamples } from '../support/samples.ts';
import { importKind } from './imported.ts';

const place = temporaryDirectory();
after(place.dispose);
const [photograph] = readSamples();

for (const [kind, positions] of [
  ['vit-gpt2', 64],
  // Its table has 66 rows, of which the first two are for padding.
  ['deit-roberta', 64],
  ['beit-bert', 66],
  ['vit-trocr-merged', 64],
  ['florence2', 128],
] as const) {
  test(`${kind} says ${positions} pieces of words`, async (t) => {
    const directory = await importKind(kind, place.path);
    const bundle = await readBundle(directory);
    const model = plannedModel(bundle);
    const captioner = await loadCaptioner(directory, { threads: 1 });
    t.after(() => captioner.close());
    const asked = { beamWidth: 1, maxLength: positions, minLength: positions - 2 };
    const { trace } = await captioner.caption(photograph!.bytes, planCaptions(asked, model), { trace: true });
    const { manifest } = bundle;
    assert.ok(manifest.formatVersion === 2);
    const { startIds } = manifest.tokens;
    assert.equal(trace!.find(({ caption }) => caption === 0)!.step, positions - startIds.length);
    if (positions >= MAX_CAPTION_LENGTH) return;
    const problems = [{ field: 'maxLength', message: `can be at most ${positions} with this model` }];
    assert.throws(
      () => planCaptions({ maxLength: positions + 1 }, model),
      (error: unknown) => {
        assert.ok(error instanceof InvalidRequest);
        assert.deepEqual(error.problems, problems);
        return true;
      },
    );
  });
}
