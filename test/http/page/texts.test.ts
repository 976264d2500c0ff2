/** What visitors take with them: captions as they edited them, and the command that does the same. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { promisify } from 'node:util';
import type { Page } from 'playwright-core';
import { altText } from '../../../src/alt/alt-text.ts';
import type { CaptionResult } from '../../../src/caption/result.ts';
import { NO_BROWSER } from '../../support/browser.ts';
import { temporaryDirectory } from '../../support/bundles.ts';
import { COFFEE } from '../../support/samples.ts';
import { captioner } from '../harness.ts';
import { copied, expected, openPage } from './harness.ts';

const photo = readFileSync(COFFEE);
const { path: directory, dispose } = temporaryDirectory();
after(dispose);
const run = promisify(execFile);

const WRITTEN = 'An espresso in a red cup, "on" a table';

async function download(page: Page, button: string): Promise<string> {
  const [file] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: button }).click(),
  ]);
  return readFileSync(await file.path(), 'utf8');
}

async function copiedText(page: Page, name: string): Promise<string> {
  await page.getByRole('button', { name }).click();
  await copied(page);
  return page.evaluate<string>('navigator.clipboard.readText()');
}

describe('a caption that is edited', { skip: NO_BROWSER }, () => {
  it('is copied, downloaded and kept as it was written, and can be as it was', async (t) => {
    const { page, choose } = await openPage(t);
    await choose(COFFEE);
    const [best] = await expected(photo);
    await page.getByRole('button', { name: 'Edit: caption 1' }).press('Enter');
    const field = page.getByRole('textbox', { name: 'caption 1' });
    assert.equal(await field.inputValue(), altText(best!.text));
    assert.match(await page.evaluate<string>('document.activeElement.ariaLabel'), /caption 1/);
    await field.fill(WRITTEN);
    assert.equal(await copiedText(page, 'Copy as alt text: caption 1'), WRITTEN);
    assert.match(
      await download(page, 'Download CSV'),
      /coffee\.jpg,"An espresso in a red cup, ""on"" a table",/,
    );
    const { results } = JSON.parse(await download(page, 'Download JSON'));
    assert.equal(results[0].captions[0].edited, WRITTEN);
    assert.equal(results[0].captions[0].text, best!.text);
    assert.equal('edited' in results[0].captions[1], false);

    await page.reload();
    assert.equal(await field.inputValue(), WRITTEN);
    assert.equal(await copiedText(page, 'Copy as alt text: caption 1'), WRITTEN);
    await page.getByRole('button', { name: 'Undo the edit of caption 1' }).press('Enter');
    assert.equal(await field.isVisible(), false);
    assert.equal(await page.evaluate('document.activeElement.textContent'), 'Edit');
    await page.reload();
    assert.equal(await copiedText(page, 'Copy as alt text: caption 1'), altText(best!.text));
  });

  it('stays edited when it is said again, and is another caption’s no text', async (t) => {
    const { page, choose, settled } = await openPage(t);
    await choose(COFFEE);
    await page.getByRole('button', { name: 'Edit: caption 2' }).click();
    await page.getByRole('textbox', { name: 'caption 2' }).fill(WRITTEN);
    await page.locator('.options > summary').click();
    const again = async (begins: string) => {
      await page.getByLabel('Begins with').fill(begins);
      await page.getByRole('button', { name: 'Caption all again' }).click();
      await settled();
    };
    await again('two');
    assert.equal(await page.getByRole('textbox', { name: 'in place of caption' }).count(), 0);
    await again('');
    assert.equal(await page.getByRole('textbox', { name: 'caption 2' }).inputValue(), WRITTEN);
  });
});

describe('the command of a result', { skip: NO_BROWSER }, () => {
  for (const name of ['coffee.jpg', `it's $HOME "a" \`b\` !c; rm -rf *.jpg`, '-']) {
    it(`gets the same captions, with the options that were in use: ${name}`, async (t) => {
      const { page, choose } = await openPage(t);
      await page.locator('.options > summary').click();
      await page.getByLabel('Captions').fill('2');
      await page.getByLabel('Must contain').fill('cup, table');
      await choose({ name, mimeType: 'image/jpeg', buffer: photo });
      await page.getByLabel('Captions').fill('1'); // not what was done
      await page.getByText('The same with curl').click();
      const command = await copiedText(page, 'Copy command');
      assert.equal(command, await page.locator('.curl code').innerText());
      assert.doesNotMatch(command, /trace/);
      writeFileSync(join(directory, name), photo);
      const { stdout } = await run('sh', ['-c', `${command} --silent --show-error`], { cwd: directory });
      const plan = captioner.plan({ count: 2, requiredWords: ['cup', 'table'] });
      const { captions } = await captioner.caption(photo, plan);
      assert.deepEqual((JSON.parse(stdout) as CaptionResult).captions, captions);
    });
  }
});
