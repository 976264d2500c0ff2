/** Many photographs at once: how far it is, a list, and everything as a file. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import { altText } from '../../../src/alt/alt-text.ts';
import { captionResultsSchema } from '../../../src/http/schemas.ts';
import { NO_BROWSER } from '../../support/browser.ts';
import { COFFEE, readSamples } from '../../support/samples.ts';
import { captioner } from '../harness.ts';
import { card, expected, openPage } from './harness.ts';

const photo = readFileSync(COFFEE);
const NOTES = { name: 'notes.jpg', mimeType: 'image/jpeg', buffer: Buffer.from('buy milk') };
const jpegs = (names: readonly string[]) =>
  names.map((name) => ({ name, mimeType: 'image/jpeg', buffer: photo }));
const numbered = (count: number) => jpegs(Array.from({ length: count }, (_, i) => `${i + 1}.jpg`));

/** Presses the button and reads what the browser would write into the visitor's folder. */
async function downloaded(page: Page, button: string): Promise<{ name: string; text: string }> {
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: button }).click(),
  ]);
  return { name: download.suggestedFilename(), text: readFileSync(await download.path(), 'utf8') };
}

describe('the page, with many photographs', { skip: NO_BROWSER }, () => {
  it('says in one line how many are done and how many failed', async (t) => {
    let asked = 0;
    const held = Promise.withResolvers<void>();
    const caption: typeof captioner.caption = async (...call) => {
      asked++;
      if (asked === 4) await held.promise;
      return captioner.caption(...call);
    };
    const { page, choose } = await openPage(t, { parts: { caption }, failures: true });
    const line = page.locator('#progress');
    assert.equal(await line.isVisible(), false);
    const chosen = choose([...numbered(4), NOTES]);
    await line.getByText('4 of 5, 1 error').waitFor();
    assert.equal(await page.evaluate('document.querySelector("progress").value'), 4);
    held.resolve();
    await chosen;
    assert.equal((await line.innerText()).trim(), '4 of 5 captioned, 1 error');
    assert.match(await page.getByRole('status').innerText(), /4 of 5 captioned, 1 error/);
    assert.doesNotMatch(await page.getByRole('status').innerText(), /1\.jpg/);
  });

  it('says every ten seconds how far it is, and that it is done', async (t) => {
    const { page, settled } = await openPage(t);
    const held: (() => void)[] = [];
    await page.route('**/captions?*', async (route) => {
      await new Promise<void>((resolve) => held.push(resolve));
      await route.continue();
    });
    await page.clock.install();
    await page.clock.pauseAt((await page.evaluate<number>('Date.now()')) + 1000);
    await page.locator('#files').setInputFiles(numbered(5));
    const said: (string | null)[] = [];
    for (const [done, wait] of [9_900, 100, 9_900, 1_000, 0].entries()) {
      await page.clock.runFor(wait);
      while (held.length === 0) await new Promise(setImmediate);
      held.shift()!();
      await page.locator('#progress', { hasText: `${done + 1} of 5` }).waitFor();
      said.push(await page.locator('#live').textContent());
    }
    await settled();
    assert.deepEqual(said, ['5 photographs added.', '2 of 5', '2 of 5', '4 of 5', '4 of 5 5 of 5 captioned']);
  });

  it('counts what comes later into the same line, and not what was removed', async (t) => {
    const held = Promise.withResolvers<void>();
    const caption: typeof captioner.caption = async (...call) => {
      await held.promise;
      return captioner.caption(...call);
    };
    const { page, settled } = await openPage(t, { parts: { caption } });
    await page.locator('#files').setInputFiles(numbered(3));
    await page.locator('#progress', { hasText: '0 of 3' }).waitFor();
    await page.locator('#files').setInputFiles(jpegs(['a.jpg', 'b.jpg']));
    await page.locator('#progress', { hasText: '0 of 5' }).waitFor();
    await page.getByRole('button', { name: 'Remove 3.jpg' }).click();
    await page.locator('#progress', { hasText: '0 of 4' }).waitFor();
    held.resolve();
    await settled();
    assert.match(await page.locator('#progress').innerText(), /4 of 4/);
  });

  it('is a list that opens one photograph at a time, its tree closed', async (t) => {
    const { page, choose } = await openPage(t);
    await choose(numbered(2));
    assert.equal(await page.locator('.tree[open]').count(), 2);
    const [full] = await page.locator('.card').evaluateAll((all) => all.map((one) => one.clientHeight));
    await choose(jpegs(['a.jpg', 'b.jpg', 'c.jpg', 'd.jpg', 'e.jpg']));
    assert.equal(await page.locator('.tree[open]').count(), 0);
    assert.equal(await page.locator('.tree:visible').count(), 0);
    assert.equal(await page.locator('.sentence:visible').count(), 7);
    const heights = await page.locator('.card').evaluateAll((all) => all.map((one) => one.clientHeight));
    assert.ok(Math.max(...heights) < full! / 3, `${heights} of ${full}`);
    const one = card(page, 'c.jpg');
    const more = one.getByRole('button', { name: 'More about c.jpg' });
    await more.press('Enter');
    assert.equal(await more.getAttribute('aria-expanded'), 'true');
    assert.equal(await page.locator('.sentence:visible').count(), 9);
    assert.equal(await one.locator('.tree').getAttribute('open'), null);
    await one.getByText('How it got there').click();
    await one.locator('.view .edge').first().waitFor();
    assert.equal(await page.locator('.tree[open]').count(), 1);
    await more.press('Enter');
    assert.equal(await page.locator('.sentence:visible').count(), 7);
  });

  it('gives all results as JSON, as the API does, with their names', async (t) => {
    const { page, choose } = await openPage(t, { failures: true });
    assert.equal(await page.locator('#json').isVisible(), false);
    const samples = readSamples().slice(0, 2);
    await choose([...samples.map(({ path }) => path)]);
    await choose([NOTES]);
    const { name, text } = await downloaded(page, 'Download JSON');
    assert.match(name, /^captions-\d{4}-\d\d-\d\d-\d{4}\.json$/);
    const { results } = captionResultsSchema.parse(JSON.parse(text));
    assert.deepEqual(
      results.map((one) => one.name),
      ['notes.jpg', ...samples.map((sample) => sample.name)],
    );
    const [failed, first] = results;
    assert.ok('error' in failed! && failed.error.code === 'UnsupportedImage');
    assert.ok('captions' in first!);
    const { captions, model, width, height, confidence } = await captioner.caption(samples[0]!.bytes);
    assert.deepEqual(
      {
        captions: first.captions,
        model: first.model,
        width: first.width,
        height: first.height,
        confidence: first.confidence,
      },
      { captions, model, width, height, confidence },
    );
    assert.equal('trace' in first, false);
  });

  it('gives all results as CSV that no spreadsheet runs', async (t) => {
    const { page, choose } = await openPage(t, { failures: true });
    const names = ['=1+2.jpg', '-a "b", c.jpg', '@SUM(A1).jpg', '\u{FF1D}1.jpg', 'plain.jpg'];
    await choose([...jpegs(names), NOTES]);
    const { name, text } = await downloaded(page, 'Download CSV');
    assert.match(name, /^captions-\d{4}-\d\d-\d\d-\d{4}\.csv$/);
    assert.ok(text.startsWith('\uFEFF'));
    const [best] = await expected(photo);
    const { confidence } = await captioner.caption(photo);
    const rest = `${altText(best!.text)},${best!.probability},${best!.text},${confidence},,`;
    const lines = text.slice(1).split('\r\n');
    assert.deepEqual(lines.slice(0, 6), [
      'image,alt,probability,caption,confidence,code,message',
      `"'=1+2.jpg",${rest}`,
      `"'-a ""b"", c.jpg",${rest}`,
      `"'@SUM(A1).jpg",${rest}`,
      `"'\u{FF1D}1.jpg",${rest}`,
      `plain.jpg,${rest}`,
    ]);
    assert.match(lines[6]!, /^notes\.jpg,,,,,UnsupportedImage,/);
    assert.deepEqual(lines.slice(7), ['']);
  });
});
