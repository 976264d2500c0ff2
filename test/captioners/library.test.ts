/** The package's own captioners with a model that says words in pieces. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { createPool, InvalidRequest, loadCaptioner } from '../../src/index.ts';
import { temporaryDirectory } from '../support/bundles.ts';
import { COFFEE } from '../support/samples.ts';
import { importKind } from './imported.ts';

const place = temporaryDirectory();
after(place.dispose);
const model = await importKind('deit-roberta', place.path);
const photo = readFileSync(COFFEE);

for (const [what, open] of [
  ['a captioner', () => loadCaptioner({ model, threads: 1 })],
  ['a pool', () => createPool({ model: pathToFileURL(model), workers: 1 })],
] as const) {
  describe(what, () => {
    it('captions, traces pieces and refuses what the model cannot do before it reads an image', async () => {
      await using captioner = await open();
      await captioner.ready;
      assert.equal(captioner.defaults.beamWidth, 4);
      const [one, other] = await captioner.captionAll([photo, photo], { beamWidth: 2, trace: true });
      assert.deepEqual(one!.captions, other!.captions);
      assert.equal(one!.captions.length, 2);
      assert.ok(one!.trace!.some(({ continues }) => continues));
      for (const asked of [{ explain: true }, { minConfidence: 0.5 }]) {
        const refused = captioner.caption('/nowhere.jpg', asked);
        await assert.rejects(
          refused,
          (error) => error instanceof InvalidRequest && error.problems[0]!.field === Object.keys(asked)[0],
        );
      }
    });
  });
}
