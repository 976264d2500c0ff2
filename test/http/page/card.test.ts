/**
 * A card of a result made up to have one of everything, as it stands in the document; whether it is what the core says is
 * in `captions`. Written anew by `node --test --test-update-snapshots test/http/page/card.test.ts`, to be read before it is
 * committed.
 */
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import type { Caption, CaptionResult, TraceNode } from '../../../src/caption/result.ts';
import { NO_BROWSER } from '../../support/browser.ts';
import { COFFEE } from '../../support/samples.ts';
import type { captioner } from '../harness.ts';
import { openPage } from './harness.ts';

function captionOf(words: Record<string, number>, truncated = false): Caption {
  const all = Object.entries(words).map(([word, p]) => ({ word: word.trim(), logProbability: Math.log(p) }));
  const logProbability = all.reduce((sum, word) => sum + word.logProbability, 0);
  return {
    text: all.map(({ word }) => word).join(' '),
    logProbability,
    probability: Math.exp(logProbability),
    score: truncated ? logProbability : logProbability / (all.length + 2),
    words: all,
    truncated,
  };
}

const captions = [
  // Of each level one and more, and of each way to write a share. Blanks tell equal words apart.
  captionOf({
    a: 0.9961,
    red: 0.81,
    cup: 0.6,
    of: 0.3,
    hot: 0.06,
    coffee: 0.02,
    on: 0.0052,
    'a ': 0.0004,
    table: 0.999,
    '.': 0.8,
  }),
  captionOf({ a: 0.05, cup: 0.0001, ',': 0.001, half: 0.01, full: 0.1, '.': 0.5 }),
  captionOf({ a: 0.06, cup: 0.3 }, true),
  captionOf({ '.': 0.9 }),
];

/** In the order of the sentences: kept, dropped, outdone and finished ones. */
const trace: TraceNode[] = (
  [
    [null, 0, '<S>', 'alive'],
    [0, 1, 'a', 'alive'],
    [0, 1, 'the', 'dropped'],
    [1, 2, 'cup', 'alive'],
    [1, 2, 'bowl', 'dropped'],
    [1, 2, '</S>', 'complete'],
    [3, 3, '.', 'alive'],
    [3, 3, '</S>', 'dropped'],
    [6, 4, '</S>', 'complete', 0],
    [3, 3, '!', 'complete', 1],
  ] as const
).map(([parent, step, word, fate, caption], i) => ({
  parent,
  step,
  word,
  logProbability: -i / 4,
  total: -i / 2,
  fate,
  ...(caption !== undefined && { caption }),
}));

const result: CaptionResult = {
  captions,
  model: { name: 'made-up', hash: '0'.repeat(64) },
  timings: { decode: 1.26, preprocess: 0.04, encode: 34.5, search: 9.96, total: 45.7 },
  width: 320,
  height: 213,
  format: 'jpeg',
  confidence: 0.724,
  needsReview: true,
  trace,
};

/** Each word leans on a ninth of its own, the last one on nothing. */
const explanation: NonNullable<CaptionResult['explanation']> = {
  rows: 3,
  columns: 3,
  area: { left: 0, top: 0, width: 1, height: 1 },
  words: captions[0]!.words.map(({ word }, at) => ({
    word,
    importance: Array.from({ length: 9 }, (_, cell) => (cell === at ? 0.05 + at / 10 : -0.1)),
  })),
};

const madeUp: typeof captioner.caption = (_image, _plan, call) =>
  Promise.resolve(call?.explain ? { ...result, explanation } : result);

/** A line for each tag; places that follow from the browser's letters, and times, are left out. */
async function markup(page: Page, selector: string): Promise<string> {
  const html = await page
    .locator(selector)
    .first()
    .evaluate<string, { outerHTML: string }>((element) => element.outerHTML);
  return (
    html
      .replace(/<svg[\s\S]*?<\/svg>/g, (svg) =>
        svg.replace(/ (x|cx|width)="[^"]+"/g, ' $1=""').replace(/ d="[^"]+"/g, ' d="…"'),
      )
      .replace(/there and back [\d.]+ ms/, 'there and back … ms')
      .replace(/http:\/\/127\.0\.0\.1:\d+/g, 'http://here')
      .replace(/\n\s*/g, '')
      .replace(/(?<!^| )( ?)(?=<[a-z])/g, '\n$1')
      // In attributes some browsers escape it.
      .replaceAll('&lt;', '<')
  );
}

describe('a card', { skip: NO_BROWSER }, () => {
  it('has everything in its place, and for each word where it looked', async (t) => {
    const { page, choose } = await openPage(t, { parts: { caption: madeUp } });
    await choose({ name: 'a "cup".jpg', mimeType: 'image/jpeg', buffer: readFileSync(COFFEE) });
    await page.locator('#model', { hasText: 'Model' }).waitFor();
    const whole = await markup(page, '.card');
    await page.locator('button.word').nth(2).hover();
    await page.locator('.leaning', { hasText: '“cup”' }).waitFor();
    const pointed = [await markup(page, '.seen'), await markup(page, '.sentence')];
    await page.getByRole('button', { name: 'Edit: caption 2' }).click();
    const edited = await markup(page, '.caption:nth-child(2) .acts');
    t.assert.fileSnapshot(
      [whole, ...pointed, edited].join('\n\n'),
      fileURLToPath(new URL('./fixtures/card.html', import.meta.url)),
      { serializers: [String] },
    );
  });
});
