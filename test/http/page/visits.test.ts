/** The page when it was seen before: the browser has it, and asks only whether it is still the same. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import type { RequestReport } from '../../../src/http/parts.ts';
import { NO_BROWSER } from '../../support/browser.ts';
import { COFFEE } from '../../support/samples.ts';
import { card, openPage, sentences } from './harness.ts';

/** Whether the styles of the document hold: without them it has the browser's own font. */
function isStyled(page: Page): Promise<boolean> {
  return page.evaluate<boolean>('getComputedStyle(document.body).fontFamily.includes("system-ui")');
}

describe('the page, visited again', { skip: NO_BROWSER }, () => {
  it('works after a reload, in a second tab and on the way back', async (t) => {
    const { page, choose } = await openPage(t);
    const assertAlive = async () => {
      assert.ok(await isStyled(page));
      await choose(COFFEE);
      assert.notDeepEqual(await sentences(card(page, 'coffee.jpg')), []);
    };
    await page.reload();
    await assertAlive();
    const address = page.url();
    const tab = await page.context().newPage();
    const refused: string[] = [];
    tab.on('console', (message) => refused.push(message.text()));
    await tab.goto(address);
    assert.ok(await isStyled(tab));
    assert.deepEqual(refused, []);
    await page.getByRole('link', { name: 'API documentation' }).click();
    await page.waitForURL('**/docs');
    await page.goBack();
    await assertAlive();
    await page.reload();
    await assertAlive();
  });

  it('comes compressed, and works again when nothing but a 304 comes', async (t) => {
    const answered: number[] = [];
    const report = ({ route, status }: RequestReport) => route === '/' && answered.push(status);
    const { page, choose } = await openPage(t, { parts: { report } });
    for (const statuses of [
      [200, 304],
      [200, 304, 304],
    ]) {
      const kept = await page.reload();
      assert.match(kept!.headers()['content-encoding'] ?? 'none', /^(br|gzip)$/);
      assert.deepEqual(answered, statuses);
      assert.ok(await isStyled(page));
      await choose(COFFEE);
      assert.notDeepEqual(await sentences(card(page, 'coffee.jpg')), []);
    }
  });

  it('has a reference that works after a reload', async (t) => {
    const { page } = await openPage(t);
    await page.goto(new URL('docs', page.url()).href);
    assert.ok(await isStyled(page));
    await page.reload();
    assert.ok(await isStyled(page));
  });
});
