/** What the tab keeps: results and small pictures, over a reload, until they are cleared. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import { NO_BROWSER } from '../../support/browser.ts';
import { COFFEE, readSamples } from '../../support/samples.ts';
import { card, openPage, sentences } from './harness.ts';

/** Written by the page, to be there before the page is left. */
const kept = (page: Page, count: number) =>
  page.waitForFunction(
    `Object.keys(sessionStorage).filter((key) => key.startsWith('show')).length === ${count}`,
  );

describe('the page, reloaded', { skip: NO_BROWSER }, () => {
  it('has its results and pictures again, in their order, and asks for nothing', async (t) => {
    const { page, asked, choose } = await openPage(t);
    const samples = readSamples();
    await choose(samples.slice(0, 2).map(({ path }) => path));
    await choose(samples[2]!.path);
    const before = await Promise.all(samples.slice(0, 3).map(({ name }) => sentences(card(page, name))));
    const names = await page.locator('.card h2').allInnerTexts();
    await kept(page, 3);
    const bars = () =>
      page.evaluate<string[]>(
        '[...document.querySelectorAll(".track:not(.unranked) .fill")].map(({ style }) => style.cssText)',
      );
    const drawn = await bars();
    assert.equal(drawn.length, 9);
    await page.reload();
    await page.locator('#model', { hasText: 'Model' }).waitFor();
    assert.deepEqual(await bars(), drawn);
    assert.deepEqual(await page.locator('.card h2').allInnerTexts(), names);
    assert.deepEqual(
      await Promise.all(samples.slice(0, 3).map(({ name }) => sentences(card(page, name)))),
      before,
    );
    assert.equal(await page.locator('.view .edge').first().isVisible(), true);
    await page.waitForFunction('document.querySelector(".picture canvas").width === 400');
    const colours = await page.evaluate<number>(`(() => {
      const canvas = document.querySelector('.picture canvas');
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      return new Set(data).size;
    })()`);
    assert.ok(colours > 50, `${colours} values in the picture`);
    assert.equal(asked.length, 3);
    assert.deepEqual(await page.evaluate('[localStorage.length, document.cookie]'), [0, '']);
    // New ones stand before the old ones, and nothing that was is asked for again.
    await choose(COFFEE);
    assert.equal(await page.locator('.card h2').first().innerText(), 'coffee.jpg');
    await page.locator('.options > summary').click();
    await page.getByRole('button', { name: 'Caption all again' }).click();
    await page.locator('.busy').first().waitFor({ state: 'detached' });
    assert.equal(asked.length, 5);
  });

  it('says that it has no photographs any more where one is needed', async (t) => {
    const { page, choose } = await openPage(t);
    await choose(COFFEE);
    await kept(page, 1);
    await page.reload();
    await page.locator('.sentence button').nth(1).click();
    await page.locator('.leaning', { hasText: 'choose it again' }).waitFor();
    await page.locator('.options > summary').click();
    assert.equal(await page.getByRole('button', { name: 'Caption all again' }).isVisible(), false);
  });

  it('forgets what is removed, and everything when it is cleared', async (t) => {
    const { page, choose } = await openPage(t);
    const samples = readSamples();
    await choose(samples.slice(0, 3).map(({ path }) => path));
    await kept(page, 3);
    await page.getByRole('button', { name: `Remove ${samples[0]!.name}` }).click();
    assert.equal(await page.evaluate('sessionStorage.length'), 2);
    await page.reload();
    assert.equal(await page.locator('.card').count(), 2);
    await page.getByRole('button', { name: 'Clear all' }).click();
    assert.equal(await page.evaluate('sessionStorage.length'), 0);
    assert.equal(await page.evaluate('document.activeElement.id'), 'choose');
    await page.reload();
    assert.equal(await page.locator('.card').count(), 0);
  });

  it('does not bring back captions whose place a problem has taken', async (t) => {
    const { page, choose, settled } = await openPage(t, { failures: true });
    await choose(COFFEE);
    await kept(page, 1);
    await page.locator('.options > summary').click();
    await page.getByLabel('Must contain').fill('qwertz');
    await page.getByRole('button', { name: 'Caption all again' }).click();
    await settled();
    await page.locator('.problem:visible').waitFor();
    await page.reload();
    assert.equal(await page.locator('.card').count(), 0);
  });

  it('keeps them from other tabs', async (t) => {
    const { page, choose } = await openPage(t);
    await choose(COFFEE);
    await kept(page, 1);
    const tab = await page.context().newPage();
    await tab.goto(page.url());
    assert.equal(await tab.locator('.card').count(), 0);
  });

  it('leaves the tree and the picture away where the browser keeps little, then says that it is full', async (t) => {
    const { page, choose } = await openPage(t);
    /** Fills what the browser gives, but for so many characters. */
    const leave = (characters: number) =>
      page.evaluate(`(() => {
        sessionStorage.setItem('spare', 'x'.repeat(${characters}));
        for (let size = 1 << 22; size >= 1; ) {
          try {
            sessionStorage.setItem('filling ' + sessionStorage.length, 'x'.repeat(size));
          } catch {
            size >>= 1;
          }
        }
        sessionStorage.removeItem('spare');
      })()`);
    await leave(8000);
    await choose(COFFEE);
    await kept(page, 1);
    assert.equal(await page.locator('#notice').isVisible(), false);
    await leave(100);
    await choose(readSamples()[0]!.path);
    await page.locator('#notice', { hasText: 'download the results' }).waitFor();
    assert.equal(await page.locator('.captions:visible').count(), 2);
    await page.reload();
    assert.deepEqual(await page.locator('.card h2').allInnerTexts(), ['coffee.jpg']);
    assert.equal((await sentences(page.locator('.card'))).length, 3);
    assert.equal(await page.getByText('This browser cannot show it').isVisible(), true);
  });

  it('passes over what it cannot read, and leaves alone what is not its own', async (t) => {
    const { page } = await openPage(t);
    await page.evaluate(`
      sessionStorage.setItem('show-and-tell:1', '{"result":{}}');
      sessionStorage.setItem('show-and-tell:2', 'no JSON');
      sessionStorage.setItem('another', 'program');`);
    await page.reload();
    assert.equal(await page.locator('.card').count(), 0);
    assert.equal(await page.evaluate('sessionStorage.getItem("another")'), 'program');
  });
});
