/** A server that is busy, and a network that comes and goes. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { Overloaded } from '../../../src/errors.ts';
import { HttpError } from '../../../src/http/failures.ts';
import { NO_BROWSER } from '../../support/browser.ts';
import { COFFEE } from '../../support/samples.ts';
import { captioner } from '../harness.ts';
import { card, expected, openPage, sentences, waitOut } from './harness.ts';

const photo = readFileSync(COFFEE);
const jpegs = (...names: string[]) => names.map((name) => ({ name, mimeType: 'image/jpeg', buffer: photo }));

describe('the page, when the server is busy', { skip: NO_BROWSER }, () => {
  it('says that it waits as long as the server asks for, then goes on by itself', async (t) => {
    const times: number[] = [];
    const caption: typeof captioner.caption = (...call) => {
      times.push(performance.now());
      return times.length < 3 ? Promise.reject(new Overloaded('no place')) : captioner.caption(...call);
    };
    const { page, choose } = await openPage(t, { parts: { caption }, failures: true });
    const chosen = choose(COFFEE);
    const status = card(page, 'coffee.jpg').locator('.status');
    await status.getByText(/busy.*in \d s/i).waitFor();
    assert.equal(await page.locator('.problem').isVisible(), false);
    await chosen;
    assert.equal((await sentences(card(page, 'coffee.jpg')))[0], (await expected(photo))[0]!.text);
    const [first, second] = [times[1]! - times[0]!, times[2]! - times[1]!];
    // Retry-After is 1 s; the waits on top are 0.5 to 1 s, then 1 to 2 s.
    assert.ok(first >= 1490 && second >= 1990, `${first}, ${second}`);
    assert.equal(await status.isVisible(), false);
  });

  it('lets all the others wait as well, and asks the one that was turned away last', async (t) => {
    const order: number[] = [];
    let busy = true;
    const caption: typeof captioner.caption = (image, ...call) => {
      order.push(image.length);
      if (!busy) return captioner.caption(image, ...call);
      return Promise.reject(new Overloaded('no place'));
    };
    const { page, settled } = await openPage(t, { parts: { caption }, failures: true });
    await page.clock.install();
    await page.locator('#files').setInputFiles(jpegs('1.jpg', '2.jpg', '3.jpg', '4.jpg'));
    await card(page, '2.jpg').getByText(/busy/).waitFor();
    await page.locator('#progress', { hasText: /0 of 4\. The server is busy\. Goes on in \d s/ }).waitFor();
    assert.equal(await card(page, '3.jpg').locator('.status').innerText(), 'Waiting for its turn');
    assert.equal(order.length, 2);
    busy = false;
    await waitOut(page);
    await settled();
    assert.equal(order.length, 6);
    assert.match(await page.locator('#progress').innerText(), /4 of 4 captioned/);
  });

  it('gives up after six tries, and starts anew when it is told to', async (t) => {
    let asked = 0;
    let busy = true;
    const caption: typeof captioner.caption = (...call) => {
      asked++;
      return busy ? Promise.reject(new Overloaded('no place')) : captioner.caption(...call);
    };
    const { page, settled } = await openPage(t, { parts: { caption }, failures: true });
    await page.clock.install();
    await page.locator('#files').setInputFiles(jpegs('a.jpg'));
    await card(page, 'a.jpg').waitFor();
    await waitOut(page);
    assert.equal(asked, 6);
    assert.equal(await page.locator('.problem').getAttribute('data-code'), 'Overloaded');
    assert.match(await page.locator('.advice').innerText(), /\b1 s\b|room again now/);
    busy = false;
    await page.getByRole('button', { name: 'Try again' }).click();
    await settled();
    assert.equal(asked, 7);
    assert.equal((await sentences(page.locator('.card'))).length, 3);
    assert.equal(await page.locator('.problem').isVisible(), false);
  });

  it('understands a gateway that asks for patience by a date, with no document', async (t) => {
    const { page, asked, settled } = await openPage(t, { failures: true });
    await page.clock.install();
    let busy = true;
    await page.route('**/captions?*', async (route) => {
      if (!busy) return route.continue();
      const date = new Date((await page.evaluate<number>('Date.now()')) + 60_000).toUTCString();
      return route.fulfill({ status: 429, headers: { 'retry-after': date }, body: 'slow down' });
    });
    await page.locator('#files').setInputFiles(jpegs('a.jpg'));
    await page.locator('.status', { hasText: /busy.*in (59|6\d) s/ }).waitFor();
    busy = false;
    await page.clock.runFor(50_000);
    assert.equal(asked.length, 1);
    await waitOut(page);
    await settled();
    assert.equal(asked.length, 2);
  });

  it('does not wait for a server that asks for an hour', async (t) => {
    const { page, choose } = await openPage(t, { failures: true });
    await page.route('**/captions?*', (route) =>
      route.fulfill({ status: 503, headers: { 'retry-after': '3600' }, body: '' }),
    );
    await page.clock.install();
    await choose(COFFEE);
    await page.clock.pauseAt((await page.evaluate<number>('Date.now()')) + 1000);
    const left = async () => Number(/(\d+) s/.exec(await page.locator('.advice').innerText())![1]);
    const before = await left();
    assert.ok(before > 3500 && before <= 3600, `${before}`);
    await page.clock.runFor(2000);
    assert.equal(await left(), before - 2);
    await page.clock.runFor(before * 1000);
    assert.equal(await page.locator('.advice').innerText(), 'It may have room again now.');
  });

  it('waits twice as long from try to try', async (t) => {
    const { page } = await openPage(t, { failures: true });
    // Half of each wait is by chance.
    await page.evaluate('Math.random = () => 0');
    await page.clock.install();
    await page.clock.pauseAt((await page.evaluate<number>('Date.now()')) + 1000);
    let seconds = 0;
    const tries: number[] = [];
    await page.route('**/captions?*', (route) => {
      tries.push(seconds);
      return route.fulfill({ status: 503, body: '' });
    });
    await page.locator('#files').setInputFiles(jpegs('a.jpg'));
    const answered = page.locator('.status', { hasNotText: 'Looking' });
    await answered.waitFor({ state: 'attached' });
    while ((await page.locator('.problem:visible').count()) === 0) {
      seconds++;
      await page.clock.runFor(1000);
      await answered.waitFor({ state: 'attached' });
    }
    // After half a second and more each, looked at once a second.
    assert.deepEqual(tries, [0, 1, 2, 4, 8, 16]);
  });

  it('waits for two minutes where it is asked to, and no longer', async (t) => {
    const { page } = await openPage(t, { failures: true });
    await page.evaluate('Math.random = () => 0');
    const answers = ['120', '121'];
    await page.route('**/captions?*', (route) =>
      route.fulfill({ status: 503, headers: { 'retry-after': answers.shift()! }, body: '' }),
    );
    await page.locator('#files').setInputFiles(jpegs('a.jpg'));
    await page.locator('.status', { hasText: /in 1[12]\d s/ }).waitFor();
    await page.getByRole('button', { name: 'Remove' }).click();
    await page.reload();
    await page.locator('#files').setInputFiles(jpegs('b.jpg'));
    await page.locator('.advice', { hasText: /1[12]\d s of patience/ }).waitFor();
  });

  for (const code of ['UnsupportedImage', 'ImageTooLarge', 'InvalidRequest', 'InternalError'] as const) {
    it(`asks once only where the answer would be the same: ${code}`, async (t) => {
      const caption = () =>
        Promise.reject(
          code === 'InternalError' ? new Error('a bug') : new HttpError(code as HttpError['code'], 'so'),
        );
      const { page, asked, choose } = await openPage(t, { parts: { caption }, failures: true });
      await choose({ name: 'x.png', mimeType: 'image/png', buffer: Buffer.from('x') });
      assert.equal(await page.locator('.problem').getAttribute('data-code'), code);
      assert.equal(asked.length, 1);
    });
  }
});

describe('the page, when the network is away', { skip: NO_BROWSER }, () => {
  it('says so, and goes on when it is back, however long that takes', async (t) => {
    const { page, asked, settled } = await openPage(t, { failures: true });
    await page.clock.install();
    await page.context().setOffline(true);
    await page.locator('#files').setInputFiles(jpegs('a.jpg', 'b.jpg', 'c.jpg'));
    await page.locator('#progress', { hasText: 'Goes on when the network is back' }).waitFor();
    await card(page, 'a.jpg').getByText('Goes on when the network is back').waitFor();
    const before = asked.length;
    await page.clock.runFor(3_600_000);
    assert.equal(asked.length, before);
    assert.equal(await page.locator('.problem:visible').count(), 0);
    await page.context().setOffline(false);
    await settled();
    assert.equal(await page.locator('.captions:visible').count(), 3);
  });

  it('sends again what was cut off on its way', async (t) => {
    const { page, asked, choose } = await openPage(t, { failures: true });
    let cut = true;
    await page.route('**/captions?*', (route) => {
      if (!cut) return route.continue();
      cut = false;
      return route.abort('connectionreset');
    });
    await choose(COFFEE);
    assert.equal((await sentences(page.locator('.card'))).length, 3);
    assert.equal(asked.length, 2);
  });
});
