/** Keyboards, screen readers, small and dark screens. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import { NO_BROWSER } from '../../support/browser.ts';
import { COFFEE } from '../../support/samples.ts';
import { card, copied, expected, openPage, violations } from './harness.ts';

const photo = readFileSync(COFFEE);
const PHONE = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true };
const NOTES = { name: `${'long-'.repeat(30)}name.jpg`, mimeType: 'image/jpeg', buffer: Buffer.from('notes') };

/** Names and buttons that others lie over, or that have no room for a word. */
function covered(page: Page): Promise<string[]> {
  return page.evaluate<
    string[]
  >(`[...document.querySelectorAll('.card h2, .card button')].flatMap((element) => {
    const { width } = element.getBoundingClientRect();
    if (width === 0 || element.closest('.sentence')) return [];
    element.scrollIntoView({ block: 'center' });
    const box = element.getBoundingClientRect();
    const there = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
    return width >= 40 && element.contains(there) ? [] : [element.textContent];
  })`);
}

/** Everything that can be opened, open: captions, a heat map, a tree, its table, the options, a problem. */
async function fill(page: Page, choose: (files: string | (typeof NOTES)[]) => Promise<void>): Promise<void> {
  await choose([NOTES]);
  await choose(COFFEE);
  await page.evaluate('for (const all of document.querySelectorAll("details")) all.open = true');
  await page.locator('tr').first().waitFor();
  await page.locator('button.word').first().click();
  await page.locator('.heat:visible').waitFor();
}

describe('the page, for everyone', { skip: NO_BROWSER }, () => {
  for (const colorScheme of ['light', 'dark'] as const) {
    for (const [screen, size] of Object.entries({ desktop: {}, phone: PHONE })) {
      it(`has nothing that axe objects to: ${colorScheme}, ${screen}`, async (t) => {
        const { page, choose } = await openPage(t, { colorScheme, failures: true, ...size });
        assert.deepEqual(await violations(page), []);
        await fill(page, choose);
        assert.equal(await page.locator('tr').first().isVisible(), true);
        assert.deepEqual(await violations(page), []);
      });
    }
  }

  it('fits a screen of 360 pixels, with all that can be opened open', async (t) => {
    const { page, choose } = await openPage(t, { failures: true, ...PHONE });
    const width = () => page.evaluate<number>('document.documentElement.scrollWidth');
    assert.equal(await width(), 360);
    await fill(page, choose);
    assert.equal(await width(), 360);
  });

  it('fits a screen of 320 pixels with a list of photographs, and has nothing there that axe objects to', async (t) => {
    for (const colorScheme of ['light', 'dark'] as const) {
      const { page, choose } = await openPage(t, {
        colorScheme,
        viewport: { width: 320, height: 740 },
        failures: true,
      });
      const width = () => page.evaluate<number>('document.documentElement.scrollWidth');
      assert.equal(await width(), 320);
      const files = ['one', 'two', 'three', 'four', 'five'].map((name) => ({
        name: `${name.repeat(20)}.jpg`,
        mimeType: 'image/jpeg',
        buffer: photo,
      }));
      await choose([...files, NOTES]);
      await page.getByRole('button', { name: 'More about' }).first().click();
      await page.getByText('The same with curl').first().click();
      await page.getByRole('button', { name: 'Edit: caption 1' }).first().click();
      assert.equal(await width(), 320);
      assert.deepEqual(await violations(page), []);
      assert.deepEqual(await covered(page), []);
    }
  });

  it('leaves no full stop alone on a line, however wide the screen is', async (t) => {
    const { page, choose } = await openPage(t);
    await choose(COFFEE);
    await page.getByText('The same as a table').click();
    for (let width = 320; width <= 500; width += 6) {
      await page.setViewportSize({ width, height: 900 });
      const alone = await page.evaluate<string[]>(`
        [...document.querySelectorAll('.sentence, .entry')].filter((text) => {
          const walker = document.createTreeWalker(text, NodeFilter.SHOW_TEXT);
          const middles = [];
          for (let node = walker.nextNode(); node; node = walker.nextNode())
            for (const { index } of node.data.matchAll(/\\S+/g)) {
              const range = document.createRange();
              range.setStart(node, index);
              range.setEnd(node, index + 1);
              const { top, bottom } = range.getBoundingClientRect();
              middles.push({ stop: node.data[index] === '.', at: (top + bottom) / 2 });
            }
          return middles.some(({ stop, at }, i) => stop && i > 0 && Math.abs(at - middles[i - 1].at) > 4);
        }).map((text) => text.textContent)`);
      assert.deepEqual(alone, [], `${width} px`);
    }
  });

  it('offers the camera where there is a touch screen, and only there', async (t) => {
    const phone = await openPage(t, PHONE);
    const [chooser] = await Promise.all([
      phone.page.waitForEvent('filechooser'),
      phone.page.getByRole('button', { name: 'Take a photo' }).tap(),
    ]);
    assert.equal(await chooser.element().getAttribute('capture'), 'environment');
    const desktop = await openPage(t);
    assert.equal(await desktop.page.locator('#take').isVisible(), false);
  });

  it('can be used with a keyboard alone', async (t) => {
    const { page, settled } = await openPage(t);
    /** Tabs forward to the control of that name; fails when it takes too long. */
    const tabTo = async (name: RegExp) => {
      const seen: string[] = [];
      for (let i = 0; i < 15; i++) {
        await page.keyboard.press('Tab');
        const focused = await page.evaluate<string>(
          'document.activeElement.ariaLabel ?? document.activeElement.textContent.trim()',
        );
        seen.push(focused);
        if (name.test(focused)) return;
      }
      assert.fail(`no ${name} among ${seen.join(' | ')}`);
    };
    // Asked for early: the browser needs a moment to hand its dialogue over.
    const chooser = page.waitForEvent('filechooser');
    await tabTo(/^Choose photos$/);
    await page.keyboard.press('Enter');
    await (await chooser).setFiles(COFFEE);
    await page.locator('.card').waitFor();
    await settled();
    assert.equal(await page.evaluate('document.activeElement.id'), 'choose');
    await tabTo(/^Copy: caption 2$/);
    await page.keyboard.press('Space');
    await copied(page);
    await tabTo(/^How it got there$/);
    await page.keyboard.press('Enter');
    assert.equal(await page.locator('.tree').getAttribute('open'), null);
    await page.locator('#choose').focus();
    await tabTo(/^Remove coffee/);
    await page.keyboard.press('Enter');
    assert.equal(await page.locator('.card').count(), 0);
    assert.equal(await page.evaluate('document.activeElement.id'), 'choose');
  });

  it('tells screen readers what came out, and names the picture by it', async (t) => {
    const { page, choose } = await openPage(t);
    await choose(COFFEE);
    const best = (await expected(photo))[0]!.text.replace(/^./, (c) => c.toUpperCase()).replace(' .', '.');
    assert.match(await page.getByRole('status').innerText(), new RegExp(`coffee\\.jpg: ${best}`));
    assert.equal(await card(page, 'coffee.jpg').getByRole('img', { name: best }).count(), 1);
  });

  it('moves nothing where people ask for less motion', async (t) => {
    const { page, choose } = await openPage(t);
    await choose(COFFEE);
    assert.equal(await page.evaluate('document.getAnimations().length'), 0);
  });
});
