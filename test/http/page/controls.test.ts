/** What hands do: drag, press keys, fill in fields, copy. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import { NO_BROWSER } from '../../support/browser.ts';
import { COFFEE } from '../../support/samples.ts';
import { MAX_BODY_BYTES } from '../harness.ts';
import { card, openPage } from './harness.ts';

const notice = (page: Page) => page.locator('#notice');
const live = (page: Page) => page.locator('#live').textContent();

/** Stops an installed clock a second from now, when what was said before is said: from then on it runs for `runFor` alone. */
async function pause(page: Page): Promise<void> {
  await page.clock.pauseAt((await page.evaluate<number>('Date.now()')) + 1000);
}

/** @returns whether the browser's own way with it was kept from it */
function drag(page: Page, type: string, data: Record<string, string> = {}): Promise<boolean> {
  return page.evaluate<boolean>(`(() => {
    const dataTransfer = new DataTransfer();
    for (const [type, text] of Object.entries(${JSON.stringify(data)})) dataTransfer.setData(type, text);
    return !document.querySelector('main').dispatchEvent(
      new DragEvent('${type}', { dataTransfer, bubbles: true, cancelable: true }));
  })()`);
}

describe('the page, dragged over', { skip: NO_BROWSER }, () => {
  it('shows that it would take what is dragged, until that has left its last element', async (t) => {
    const { page } = await openPage(t);
    const steps = ['enter', 'enter', 'leave', 'leave', 'leave', 'enter', 'enter'];
    const shown: boolean[] = [];
    for (const step of steps) {
      await drag(page, `drag${step}`);
      shown.push(await page.evaluate<boolean>('document.body.classList.contains("dragging")'));
    }
    assert.deepEqual(shown, [true, true, true, false, false, true, true]);
    assert.equal(await drag(page, 'dragover'), true);
    assert.equal(await drag(page, 'drop', { 'text/plain': 'two dogs' }), true);
    assert.equal(await page.locator('body.dragging').count(), 0);
    assert.equal(await notice(page).innerText(), 'There is no picture in it.');
  });

  it('fetches the first address of a list that is dropped', async (t) => {
    const { page, settled } = await openPage(t);
    const address = (name: string) => new URL(`samples/${name}.jpg`, page.url()).href;
    await drag(page, 'drop', { 'text/uri-list': `${address('coffee')}\r\n${address('cat')}` });
    await card(page, 'coffee.jpg').waitFor();
    await settled();
    assert.equal(await page.locator('.card').count(), 1);
  });
});

describe('the words of a caption', { skip: NO_BROWSER }, () => {
  it('are one stop of the Tab key; arrows stay among them, and other keys change nothing', async (t) => {
    const { page, choose } = await openPage(t);
    await choose(COFFEE);
    const words = page.locator('button.word');
    const last = (await words.count()) - 1;
    await words.first().focus();
    for (const [key, at] of [
      ['ArrowLeft', 0],
      ['ArrowRight', 1],
      ['ArrowRight', 2],
      ['ArrowLeft', 1],
      ['x', 1],
      ['End', last],
      ['ArrowRight', last],
      ['Home', 0],
    ] as const) {
      await page.keyboard.press(key);
      const stops = await words.evaluateAll((all) =>
        all.flatMap((word, i) => (word.tabIndex === 0 ? [i] : [])),
      );
      assert.deepEqual(
        [await page.evaluate('document.activeElement.dataset.word'), stops],
        [`${at}`, [at]],
        key,
      );
    }
    await words.nth(1).click();
    await page.keyboard.press('x');
    assert.equal(await words.nth(1).getAttribute('aria-pressed'), 'true');
    await page.keyboard.press('Escape');
    assert.equal(await page.locator('[aria-pressed="true"]').count(), 0);
  });
});

describe('the options', { skip: NO_BROWSER }, () => {
  it('keep as many beams as captions', async (t) => {
    const { page } = await openPage(t);
    await page.locator('.options > summary').click();
    await page.locator('#model', { hasText: 'Model' }).waitFor();
    const beams = page.getByLabel('Beams');
    const captions = page.getByLabel('Captions');
    assert.deepEqual(
      [await beams.getAttribute('placeholder'), await captions.getAttribute('placeholder')],
      ['3', '3'],
    );
    for (const [before, changed, after] of [
      [
        ['', ''],
        ['captions', '3'],
        ['', '3'],
      ],
      [
        ['', ''],
        ['captions', '4'],
        ['4', '4'],
      ],
      [
        ['4', '4'],
        ['beams', '5'],
        ['5', '4'],
      ],
      [
        ['4', '4'],
        ['beams', '2'],
        ['2', '2'],
      ],
      [
        ['4', '4'],
        ['beams', ''],
        ['', '3'],
      ],
      [
        ['4', '4'],
        ['captions', ''],
        ['4', ''],
      ],
      [
        ['4', ''],
        ['beams', '2'],
        ['2', ''],
      ],
    ] as const) {
      for (const [field, value] of [
        [captions, ''],
        [beams, before[0]],
        [captions, before[1]],
      ] as const) {
        await field.fill(value);
        await field.blur();
      }
      const field = changed[0] === 'beams' ? beams : captions;
      await field.fill(changed[1]);
      await field.blur();
      assert.deepEqual(
        [await beams.inputValue(), await captions.inputValue()],
        after,
        `${before} ${changed}`,
      );
    }
  });
});

describe('the page', { skip: NO_BROWSER }, () => {
  it('lets the same file be chosen again, and says how large it may be', async (t) => {
    const { page, choose } = await openPage(t);
    await choose(COFFEE);
    assert.equal(await page.locator('#files').inputValue(), '');
    const limit = `${(MAX_BODY_BYTES / 1e6).toFixed(1).replace('.0', '')} MB`;
    assert.equal(await page.locator('#limit').textContent(), `its limit of ${limit}`);
  });

  it('gives the place of a removed photograph to the next one, or else to the one before', async (t) => {
    const { page, choose } = await openPage(t);
    await choose(['a', 'b', 'c'].map((name) => ({ name, mimeType: 'text/plain', buffer: Buffer.from('x') })));
    for (const [name, next] of [
      ['b', 'Remove c'],
      ['c', 'Remove a'],
      ['a', 'Choose photos'],
    ] as const) {
      await page.getByRole('button', { name: `Remove ${name}` }).press('Enter');
      const focused = 'document.activeElement.ariaLabel ?? document.activeElement.textContent.trim()';
      assert.equal(await page.evaluate(focused), next);
    }
  });

  it('copies where the browser has no clipboard for it, or says that it cannot', async (t) => {
    const { page, choose } = await openPage(t);
    await page.clock.install();
    await choose(COFFEE);
    await pause(page);
    const button = page.locator('.copy').first();
    const text = await button.getAttribute('title').then(String);
    await page.evaluate('navigator.clipboard.writeText = () => Promise.reject(new Error("no"))');
    for (const [works, label, told] of [
      [true, 'Copied', `Copied: ${text}`],
      [false, 'Not copied', `The browser does not allow copying. The text: ${text}`],
    ] as const) {
      if (!works) await page.evaluate('document.execCommand = () => false');
      await button.click();
      await page.locator('.copy', { hasText: label }).first().waitFor();
      assert.equal(await live(page), told);
      assert.equal(await page.evaluate('document.activeElement.className'), 'small copy');
      if (works) assert.equal(await page.evaluate('navigator.clipboard.readText()'), text);
      await page.clock.runFor(1500);
      assert.equal(await button.innerText(), label);
      await page.clock.runFor(200);
      assert.equal(await button.innerText(), 'Copy as alt text');
    }
    assert.equal(await page.locator('textarea.unseen').count(), 0);
  });

  it('says together what happens together, and forgets it then', async (t) => {
    const { page, choose } = await openPage(t);
    await page.clock.install();
    await pause(page);
    const files = ['a', 'b', 'c'].map((name) => ({ name, mimeType: 'text/plain', buffer: Buffer.from('x') }));
    const remove = async (name: string) =>
      page.getByRole('button', { name: `Remove ${name}` }).press('Enter');
    await choose(files.slice(0, 1));
    assert.equal(await live(page), 'a: This is not a picture. It was not sent.');
    await page.clock.runFor(800);
    await choose(files.slice(1));
    assert.equal(await live(page), '2 photographs added. 0 of 2 captioned, 2 errors');
    await page.clock.runFor(800);
    await remove('a');
    await page.clock.runFor(600);
    await remove('b');
    assert.equal(await live(page), 'a removed. b removed.');
    await page.clock.runFor(800);
    await remove('c');
    assert.equal(await live(page), 'c removed.');
  });
});
