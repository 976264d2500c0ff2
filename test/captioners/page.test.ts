/** The page over a captioner that gives neither a confidence nor an explanation, and says words in pieces. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, describe, it } from 'node:test';
import { modelCardOf } from '../../src/http/model-card.ts';
import { loadCaptioner } from '../../src/model/load.ts';
import { treeNodes } from '../../src/pictures/tree-layout.ts';
import { openPage, sentences } from '../http/page/harness.ts';
import { NO_BROWSER } from '../support/browser.ts';
import { temporaryDirectory } from '../support/bundles.ts';
import { COFFEE } from '../support/samples.ts';
import { importKind } from './imported.ts';

const place = temporaryDirectory();
after(place.dispose);
const { caption, plan, bundle, close } = await loadCaptioner(await importKind('vit-gpt2', place.path), {
  threads: 1,
});
after(close);
/** The search of its configuration has one beam. */
const ranked: typeof plan = (asked, beside) => plan({ beamWidth: 3, ...asked }, beside);
const parts = { caption, plan: ranked, model: modelCardOf(bundle) };

describe('the page over a captioner of pieces', { skip: NO_BROWSER }, () => {
  it('shows captions, what they are ranked by and the tree of their pieces, and claims no trust', async (t) => {
    const { page, choose } = await openPage(t, { parts });
    await choose(COFFEE);
    const { captions, trace } = await caption(readFileSync(COFFEE), ranked(), { trace: true });
    assert.deepEqual(
      await sentences(page.locator('.card')),
      captions.map(({ text }) => text),
    );
    assert.equal(await page.locator('.trust:visible').count(), 0);
    const bars = page.locator('.track:not(.unranked) .fill');
    const shares = await bars.evaluateAll((fills) => fills.map((fill) => fill.style.cssText));
    assert.deepEqual(
      shares,
      captions.map(({ score }) => `--share: ${Math.exp(score! - captions[0]!.score!)};`),
    );
    assert.equal(shares.length, 3);
    await page.getByText('How it got there').click();
    const drawn = await page.locator('.tree .view text').allTextContents();
    const joined = treeNodes(trace!).find(({ continues }) => continues)!;
    assert.ok(joined.text.endsWith(joined.up!.text + joined.word));
    assert.ok(drawn.includes(joined.word), drawn.join());
  });

  it('offers no explanation of a word, and asks for none', async (t) => {
    const { page, asked, choose } = await openPage(t, { parts });
    await choose(COFFEE);
    assert.equal(await page.locator('.leaning').isVisible(), false);
    const word = page.locator('.sentence button.word').first();
    await word.hover();
    await word.click();
    await word.press('ArrowRight');
    await page.waitForTimeout(200);
    assert.equal(await page.locator('.leaning').isVisible(), false);
    assert.equal(await page.locator('[aria-pressed=true]').count(), 0);
    assert.deepEqual(asked, ['?trace=1']);
  });
});
