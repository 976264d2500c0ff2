/** Photographs that come otherwise than as files: samples, addresses, folders. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import sharp from 'sharp';
import { NO_BROWSER } from '../../support/browser.ts';
import { temporaryDirectory } from '../../support/bundles.ts';
import { COFFEE } from '../../support/samples.ts';
import { app } from '../harness.ts';
import { card, expected, openPage, sentences } from './harness.ts';

const photo = readFileSync(COFFEE);
const { path: directory, dispose } = temporaryDirectory();
after(dispose);

/** Another origin, with photographs that pages may read and photographs that they may not. */
const elsewhere = createServer((request, response) => {
  const { pathname } = new URL(request.url!, 'http://x');
  const isOpen = !pathname.startsWith('/closed');
  const isText = pathname.endsWith('.txt');
  assert.equal(request.headers.cookie, undefined);
  assert.equal(request.headers.referer, undefined);
  response.writeHead(pathname.endsWith('gone.jpg') ? 404 : 200, {
    'content-type': isText ? 'text/plain' : 'image/jpeg',
    ...(isOpen && { 'access-control-allow-origin': '*' }),
  });
  response.end(isText ? 'text' : photo);
});
await new Promise<void>((resolve) => {
  elsewhere.listen(0, '127.0.0.1', resolve);
});
after(() => elsewhere.close());
const origin = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}`;

async function paste(page: Page, text: string): Promise<void> {
  await page.evaluate(`navigator.clipboard.writeText(${JSON.stringify(text)})`);
  await page.keyboard.press('Control+V');
}

/** As a hand does it, with real files. */
async function drop(page: Page, ...paths: string[]): Promise<void> {
  const devtools = await page.context().newCDPSession(page);
  const data = { items: [], files: paths, dragOperationsMask: 1 };
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
    await devtools.send('Input.dispatchDragEvent', { type, x: 300, y: 300, data });
  }
}

describe('sample photographs', () => {
  it('are answered as pictures, to be kept while they are the same', async () => {
    for (const name of ['cat', 'coffee', 'giraffes']) {
      const response = await app.request(`/samples/${name}.jpg`);
      assert.equal(response.status, 200);
      assert.equal(response.headers.get('content-type'), 'image/jpeg');
      assert.ok(response.headers.get('etag'));
      assert.equal((await sharp(await response.arrayBuffer()).metadata()).width, 320);
    }
    assert.equal((await app.request('/samples/health.jpg')).status, 404);
  });
});

describe('the page, without a file', { skip: NO_BROWSER }, () => {
  it('has sample photographs to click', async (t) => {
    const { page, settled } = await openPage(t);
    const thumbs = await page.evaluate(
      "[...document.querySelectorAll('.sample img')].map((image) => image.naturalWidth)",
    );
    assert.deepEqual(thumbs, [112, 112, 112]);
    await page.getByRole('button', { name: 'giraffes' }).press('Enter');
    await card(page, 'giraffes.jpg').waitFor();
    await settled();
    assert.match((await sentences(card(page, 'giraffes.jpg')))[0]!, /giraffe/);
  });

  it('captions the photograph at an address that is pasted', async (t) => {
    const { page, settled } = await openPage(t, { elsewhere: origin });
    await paste(page, ` ${origin}/open/a%20cup.jpg?size=large\n`);
    await card(page, 'a cup.jpg').waitFor();
    await settled();
    assert.equal((await sentences(card(page, 'a cup.jpg')))[0], (await expected(photo))[0]!.text);
    assert.equal(await page.locator('#notice').isVisible(), false);
  });

  it('says what to do with an address that pages may not read, is gone, or is no picture', async (t) => {
    const { page, asked } = await openPage(t, { elsewhere: origin });
    for (const [path, said] of [
      ['closed/cup.jpg', /does not let this page read.*Save the picture/],
      ['open/notes.txt', /no picture/],
      ['open/gone.jpg', /no picture/],
    ] as const) {
      await paste(page, `${origin}/${path}`);
      await page.locator('#notice', { hasText: said }).waitFor();
      assert.match(await page.locator('#notice').innerText(), new RegExp(path));
    }
    assert.equal(await page.locator('.card').count(), 0);
    assert.deepEqual(asked, []);
  });

  it('leaves alone other text, and what is pasted into a field', async (t) => {
    const { page } = await openPage(t);
    await paste(page, 'two dogs at https://example.org');
    await page.locator('.options > summary').click();
    await page.getByLabel('Begins with').focus();
    await paste(page, 'https://example.org/a.jpg');
    assert.equal(await page.getByLabel('Begins with').inputValue(), 'https://example.org/a.jpg');
    assert.equal(await page.locator('#notice').isVisible(), false);
  });

  it('takes the photographs of a folder and of the folders in it, and says what it leaves', async (t) => {
    const folder = join(directory, 'holiday');
    mkdirSync(join(folder, 'day 2', 'deep'), { recursive: true });
    for (const name of ['1.jpg', '10.jpg', '2.jpg', 'day 2/3.jpg', 'day 2/deep/4.jpg']) {
      writeFileSync(join(folder, name), photo);
    }
    for (const name of ['notes.txt', 'day 2/film.mp4']) writeFileSync(join(folder, name), 'text');
    const { page, settled } = await openPage(t);
    await drop(page, folder);
    await page.locator('#notice', { hasText: 'taken' }).waitFor();
    assert.equal(
      await page.locator('#notice').innerText(),
      '5 photographs taken from the folder, 2 left out: holiday/day 2/film.mp4, holiday/notes.txt.',
    );
    await settled();
    assert.deepEqual(
      await page.locator('.card h2').allInnerTexts(),
      ['1.jpg', '2.jpg', '10.jpg', 'day 2/3.jpg', 'day 2/deep/4.jpg'].map((name) => `holiday/${name}`),
    );
    assert.equal(await page.locator('.problem:visible').count(), 0);
  });

  it('reads folders of more files than the browser gives at once', async (t) => {
    const folder = join(directory, 'many');
    mkdirSync(folder);
    for (let i = 0; i < 250; i++) writeFileSync(join(folder, `${i}.txt`), 'text');
    const { page } = await openPage(t);
    await drop(page, folder);
    await page.locator('#notice', { hasText: '250 left out' }).waitFor();
    assert.match(await page.locator('#notice').innerText(), /^0 photographs.* and 245 more\.$/);
  });

  it('takes files and folders that are dropped together', async (t) => {
    const folder = join(directory, 'one');
    mkdirSync(folder);
    writeFileSync(join(folder, 'in.jpg'), photo);
    const { page, settled } = await openPage(t);
    await drop(page, COFFEE, folder);
    await page.locator('#notice', { hasText: '1 photograph taken' }).waitFor();
    await settled();
    assert.deepEqual(await page.locator('.card h2').allInnerTexts(), ['coffee.jpg', 'one/in.jpg']);
  });
});
