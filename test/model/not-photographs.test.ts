import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import type { CaptionResult } from '../../src/caption/result.ts';
import { readBundle } from '../../src/model/bundle.ts';
import { DEFAULT_BUNDLE, loadCaptioner } from '../../src/model/load.ts';

const DIRECTORY = join(import.meta.dirname, '../fixtures/not-photographs');
const FILES = readdirSync(DIRECTORY).filter((file) => /\.(jpg|png|webp)$/.test(file));
const LEAST_REVIEWED = 0.9;

const PEOPLE = new Set(
  `person persons people man men woman women boy boys girl girls child children kid kids baby babies toddler lady ladies
  guy guys crowd group couple family player players rider riders skier skiers surfer surfers skateboarder snowboarder
  batter catcher pitcher athlete someone`.split(/\s+/),
);

describe('what is no photograph of an everyday scene', () => {
  const results = new Map<string, CaptionResult>();
  let reviewBelow: number;

  before(async () => {
    reviewBelow = (await readBundle(DEFAULT_BUNDLE)).manifest.confidence!.reviewBelow;
    const captioner = await loadCaptioner(DEFAULT_BUNDLE, { threads: 1 });
    for (const file of FILES) {
      results.set(file, await captioner.caption(readFileSync(join(DIRECTORY, file))));
    }
    await captioner.close();
  });

  it('is there sixty times', () => {
    assert.equal(results.size, 60);
  });

  it('needs review, nine times in ten or more', (t) => {
    const trusted = [...results].filter(([, { needsReview }]) => !needsReview);
    for (const [file, { confidence, captions }] of trusted) {
      t.diagnostic(`${file}: ${captions[0]!.text} (${confidence!.toFixed(2)})`);
    }
    assert.ok(trusted.length <= (1 - LEAST_REVIEWED) * results.size, `${trusted.length} need no review`);
  });

  it('is never said with confidence to show people', () => {
    const claims = [...results]
      .filter(([, { confidence }]) => confidence! >= reviewBelow)
      .filter(([, { captions }]) => captions.some(({ words }) => words.some(({ word }) => PEOPLE.has(word))))
      .map(([file, { confidence }]) => `${file} ${confidence!.toFixed(2)}`);
    assert.deepEqual(claims, []);
  });
});
