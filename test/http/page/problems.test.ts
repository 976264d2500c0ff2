import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import sharp from 'sharp';
import { HttpError, PROBLEMS } from '../../../src/http/failures.ts';
import { DEFAULT_BUNDLE, loadCaptioner } from '../../../src/model/load.ts';
import { NO_BROWSER } from '../../support/browser.ts';
import { COFFEE } from '../../support/samples.ts';
import { MAX_BODY_BYTES } from '../harness.ts';
import { card, openPage, sentences, waitOut } from './harness.ts';

const photo = readFileSync(COFFEE);
const jpeg = (name: string, buffer: Buffer) => ({ name, mimeType: 'image/jpeg', buffer });

describe('the page, when something goes wrong', { skip: NO_BROWSER }, () => {
  it('says that a text file is no picture, whatever its name', async (t) => {
    const { page, choose } = await openPage(t, { failures: true });
    await choose(jpeg('notes.jpg', Buffer.from('buy milk')));
    const result = card(page, 'notes.jpg');
    assert.equal(await result.locator('.problem').getAttribute('data-code'), 'UnsupportedImage');
    assert.match(await result.locator('.problem').innerText(), /JPEG/);
    assert.equal(await result.getByRole('button', { name: 'Try again' }).count(), 0);
  });

  it('does not send what is no picture by its type', async (t) => {
    const { page, asked, choose } = await openPage(t);
    await choose({ name: 'film.mp4', mimeType: 'video/mp4', buffer: Buffer.from('film') });
    assert.equal(await page.locator('.problem').getAttribute('data-code'), 'NotAnImage');
    assert.deepEqual(asked, []);
  });

  it('does not send a file above the limit that it cannot make smaller', async (t) => {
    const { page, asked, choose } = await openPage(t);
    await choose(jpeg('zeros.jpg', Buffer.alloc(MAX_BODY_BYTES + 1)));
    assert.equal(await page.locator('.problem').getAttribute('data-code'), 'ImageTooLarge');
    assert.deepEqual(asked, []);
  });

  it('makes a photograph above the limit smaller, and says so', async (t) => {
    const { page, asked, choose } = await openPage(t);
    const large = await sharp(photo).resize(3000, 2000).jpeg({ quality: 100 }).toBuffer();
    assert.ok(large.length > MAX_BODY_BYTES);
    await choose(jpeg('large.jpg', large));
    const result = card(page, 'large.jpg');
    assert.match(await result.locator('.facts').innerText(), /^1600 × 1067 jpeg, .*smaller/);
    assert.equal((await sentences(result)).length, 3);
    assert.equal(asked.length, 1);
  });

  it('sends a photograph with more pixels than the server reads once more, smaller', async (t) => {
    const limited = await loadCaptioner(DEFAULT_BUNDLE, { threads: 1, maxPixels: 50_000_000 });
    t.after(() => limited.close());
    const { page, asked, choose } = await openPage(t, {
      failures: true,
      parts: { caption: limited.caption },
    });
    const wide = await sharp({ create: { width: 9000, height: 6000, channels: 3, background: '#468' } })
      .jpeg()
      .toBuffer();
    await choose(jpeg('wide.jpg', wide));
    assert.match(await card(page, 'wide.jpg').locator('.facts').innerText(), /^1600 × 1067/);
    assert.equal(asked.length, 2);
  });

  it('shows what the server does not accept, and takes it back', async (t) => {
    const { page, choose, settled } = await openPage(t, { failures: true });
    await page.locator('.options > summary').click();
    await page.getByLabel('Beams').fill('99');
    await choose(COFFEE);
    assert.equal(await page.locator('.problem').getAttribute('data-code'), 'InvalidRequest');
    assert.match(await page.locator('.detail').innerText(), /beamWidth/);
    await page.getByLabel('Beams').fill('1');
    await page.getByRole('button', { name: 'Try again' }).click();
    await settled();
    assert.equal((await sentences(page.locator('.card'))).length, 1);
  });

  it('shows why words cannot be required', async (t) => {
    const { page, choose } = await openPage(t, { failures: true });
    await page.locator('.options > summary').click();
    await page.getByLabel('Must contain').fill('qwertz');
    await choose(COFFEE);
    assert.equal(await page.locator('.problem').getAttribute('data-code'), 'InvalidRequest');
    assert.match(await page.locator('.detail').innerText(), /qwertz/);
  });

  it('has words of its own for every problem that the API knows', async (t) => {
    const codes = Object.keys(PROBLEMS) as (keyof typeof PROBLEMS)[];
    let at = 0;
    const caption = () => {
      const code = codes[at]!;
      const thrown = new HttpError(code as HttpError['code'], 'on purpose');
      return Promise.reject(code === 'InternalError' ? new Error('a bug') : thrown);
    };
    const { page, choose } = await openPage(t, { parts: { caption }, failures: true });
    await page.clock.install();
    const told = new Map<string, string>();
    for (; at < codes.length; at++) {
      const name = `${codes[at]}.png`;
      // No picture: one that is too large would be sent again, smaller.
      const chosen = choose({ name, mimeType: 'image/png', buffer: Buffer.from('x') });
      await page.locator('.card').nth(at).waitFor();
      await waitOut(page);
      await chosen;
      const problem = card(page, name).locator('.problem');
      assert.equal(await problem.getAttribute('data-code'), codes[at]);
      told.set(await problem.locator('.what').innerText(), name);
      assert.notEqual(await problem.locator('.advice').innerText(), '');
    }
    assert.equal(told.size, codes.length);
  });

  it('tells a bug of the server from a fault of the photograph', async (t) => {
    const caption = () => Promise.reject(new Error('secret'));
    const { page, choose } = await openPage(t, { parts: { caption }, failures: true });
    await choose(COFFEE);
    assert.equal(await page.locator('.problem').getAttribute('data-code'), 'InternalError');
    assert.doesNotMatch(await page.locator('body').innerText(), /secret/);
  });
});
