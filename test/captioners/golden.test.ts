/** Small captioners with random weights, imported: every caption that transformers finds, with its score. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { beamSearch, type FoundCaption } from '../../src/caption/beam-search.ts';
import type { EncodedImages, NativeParts } from '../../src/caption/ports.ts';
import { readImage } from '../../src/caption/read-image.ts';
import { NO_CONSTRAINT } from '../../src/caption/search/constraint.ts';
import { transformersEnding } from '../../src/caption/search/ending.ts';
import { type CaptionerTask, importCaptioner } from '../../src/import/captioner/import-captioner.ts';
import { loadCaptioner } from '../../src/model/load.ts';
import { temporaryDirectory } from '../support/bundles.ts';
import { ROOT } from '../support/samples.ts';
import { type Golden, type GoldenExport, goldenExports } from './golden.ts';

/**
 * Of a score. Of `vit-gpt2-fp16` transformers summed in 32 bits, as is done here; the other fp16 export ran in 16, which know a
 * log-probability to a thousandth. The steps of INT8 exports are those of all that is in a run, and transformers ran other rows
 * together.
 */
const TOLERANCE = { fp32: 1e-4, fp16: 1e-3, int8: 1e-3 };
const IN_16_BITS = 2e-2;
/** Scores of `length_penalty` -1 are in the hundreds: float32 has seven digits. */
const RELATIVE = 1e-5;
const place = temporaryDirectory();
after(() => place.dispose());

/** Settings of Florence-2 that ask its encoder something else. */
const TASKS: Record<string, CaptionerTask> = {
  '<DETAILED_CAPTION>': 'detailed',
  '<MORE_DETAILED_CAPTION>': 'more-detailed',
};

for (const { kind, directory, precision, golden } of goldenExports()) {
  describe(`${kind}${precision ? `, ${precision}` : ''}`, async () => {
    const exported = { kind, directory, ...(precision && { precision }), golden };
    const bundles = new Map<CaptionerTask | undefined, Awaited<ReturnType<typeof open>>>();
    after(async () => {
      for (const bundle of bundles.values()) await bundle.close();
    });
    for (const [name, settings] of Object.entries(golden.settings)) {
      const task = TASKS[name];
      const opened = bundles.get(task) ?? (await open(exported, task));
      bundles.set(task, opened);
      it(`says what transformers says: ${name}`, async () => {
        for (const [i, file] of golden.photographs.entries()) {
          // Captions that 16 bits hardly tell apart change places.
          const count = precision === 'fp16' ? 1 : settings.num_beams;
          const found = (await opened.search(file, settings)).slice(0, count);
          const expected = golden.captions[name]![i]!.slice(0, count);
          assert.deepEqual(
            found.map(({ ids }) => ids),
            expected.map(({ ids }) => ids),
            file,
          );
          assert.deepEqual(
            found.map(({ ids }) => opened.text(ids)),
            expected.map(({ text }) => text.trim()),
            file,
          );
          for (const [rank, caption] of found.entries()) {
            const score = settings.num_beams === 1 ? caption.logProbability : caption.score;
            const allowed = Math.max(
              precision === 'fp16' ? IN_16_BITS : TOLERANCE[opened.precision],
              RELATIVE * Math.abs(score),
            );
            assert.ok(
              Math.abs(score - expected[rank]!.score) <= allowed,
              `${file}, ${rank}: ${score} instead of ${expected[rank]!.score}`,
            );
          }
        }
      });
    }
  });
}

async function open({ kind, directory, precision }: GoldenExport, task: CaptionerTask | undefined) {
  const out = join(place.path, [kind, precision ?? 'plain', task ?? 'untold'].join('-'));
  const { draft } = await importCaptioner({
    directory,
    out,
    name: kind,
    ...(task && { task }),
    ...(precision && { precision }),
  });
  let native: NativeParts | undefined;
  const captioner = await loadCaptioner(draft.directory, {
    threads: 1,
    observe: (parts) => {
      native = parts;
      return parts;
    },
  });
  const { manifest } = captioner.bundle;
  assert.ok(manifest.formatVersion === 2);
  const { image, tokens } = manifest;
  const seen = new Map<string, Promise<EncodedImages>>();
  const encode = (file: string) => {
    const bytes = readFileSync(join(ROOT, file));
    const encoded = readImage(bytes, { decode: native!.decode, image }, {}).then(({ input }) =>
      native!.encode([input]),
    );
    seen.set(file, encoded);
    return encoded;
  };
  const search = async (file: string, settings: Golden['settings'][string]): Promise<FoundCaption[]> => {
    const encoded = await (seen.get(file) ?? encode(file));
    const { captions } = await beamSearch(
      native!,
      { encoded, places: [0] },
      {
        beamWidth: settings.num_beams,
        count: settings.num_beams,
        maxLength: settings.max_length,
        minLength: Math.max(0, settings.min_length - 1),
        lengthNormalization: settings.length_penalty,
        noRepeatNgram: settings.no_repeat_ngram_size,
        bannedIds: new Set(),
        constraint: NO_CONSTRAINT,
        startIds: tokens.startIds,
        endId: tokens.endId,
        ending: transformersEnding(settings.early_stopping, manifest.search.forcesEnd),
        vocabularySize: tokens.logits,
      },
    );
    return captions[0]!;
  };
  const close = async () => {
    await captioner.close();
    await draft.discard();
  };
  const { text } = captioner.bundle.vocabulary;
  return { search, close, text, precision: manifest.precision };
}
