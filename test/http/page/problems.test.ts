import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it, type TestContext } from 'node:test';
import type { Request } from 'playwright-core';
import sharp from 'sharp';
import { PROBLEMS } from '../../../src/http/failures.ts';
import { DEFAULT_BUNDLE, loadCaptioner } from '../../../src/model/load.ts';
import { NO_BROWSER } from '../../support/browser.ts';
import { COFFEE } from '../../support/samples.ts';
import { MAX_BODY_BYTES } from '../harness.ts';
import { card, openPage, sentences } from './harness.ts';

const photo = readFileSync(COFFEE);
const jpeg = (name: string, buffer: Buffer) => ({ name, mimeType: 'image/jpeg', buffer });

const files = (...names: string[]) =>
  names.map((name) => ({ name, mimeType: 'image/png', buffer: Buffer.from('x') }));

interface Answer {
  status: number;
  headers?: Record<string, string>;
  body?: string;
}

/** Asks for as many captions as there are answers. @returns what each card tells, in no order */
async function told(t: TestContext, answers: readonly Answer[]): Promise<Record<string, string>[]> {
  const { page, choose } = await openPage(t, { failures: true });
  const left = [...answers];
  await page.route('**/captions?*', (route) => route.fulfill(left.shift()!));
  await choose(files(...answers.map((_, i) => `${i}.png`)));
  return page.locator('.problem').evaluateAll((boxes) =>
    boxes.map((box) => {
      const text = (name: string) => box.querySelector(`.${name}`)!.textContent!;
      return {
        code: text('code'),
        what: text('what'),
        advice: text('advice'),
        detail: text('detail'),
        retry: String(!box.querySelector('.retry')!.hidden),
      };
    }),
  );
}

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

  it('tells a bug of the server from a fault of the photograph', async (t) => {
    const caption = () => Promise.reject(new Error('secret'));
    const { page, choose } = await openPage(t, { parts: { caption }, failures: true });
    await choose(COFFEE);
    assert.equal(await page.locator('.problem').getAttribute('data-code'), 'InternalError');
    assert.doesNotMatch(await page.locator('body').innerText(), /secret/);
  });
});

describe('a request', { skip: NO_BROWSER }, () => {
  it('says what it brings and what it takes, and ends where its photograph is removed', async (t) => {
    const held = Promise.withResolvers<never>();
    const { page } = await openPage(t, { parts: { caption: () => held.promise }, failures: true });
    const sent: Request[] = [];
    page.on('request', (request) => {
      if (request.url().includes('/captions?')) sent.push(request);
    });
    await page.locator('#files').setInputFiles(files('a.png'));
    // As of a file whose kind the system does not know.
    await page.evaluate(`(() => {
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(new File(['x'], 'b'));
      document.body.dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true }));
    })()`);
    await card(page, 'b').locator('.status', { hasText: 'Looking' }).waitFor();
    const ended = page.waitForEvent('requestfailed', (request) => request === sent[0]);
    await page.getByRole('button', { name: 'Remove a.png' }).click();
    await ended;
    assert.deepEqual(
      sent.map((request) => request.headers()).map((of) => [of.accept, of['content-type']]),
      ['image/png', 'application/octet-stream'].map((type) => [
        'application/json, application/problem+json',
        type,
      ]),
    );
    held.reject(new Error('over'));
    assert.deepEqual(await page.locator('.card h2').allInnerTexts(), ['b']);
  });
});

describe('an answer without a problem document', { skip: NO_BROWSER }, () => {
  it('is told by its status', async (t) => {
    const answers = [400, 404, 405, 413, 415, 422, 418, 429, 500, 502, 503, 504, 200].map((status) => ({
      status,
      // Who asks for more patience than the page has is asked once.
      headers: { 'retry-after': '3600' },
      body: 'null',
    }));
    const codes = (await told(t, answers)).map(({ code }) => code);
    assert.deepEqual(codes.sort(), [
      'DeadlineExceeded (504)',
      'ImageTooLarge (413)',
      'InternalError (200)',
      'InternalError (418)',
      'InternalError (500)',
      'InvalidRequest (422)',
      'MalformedRequest (400)',
      'MethodNotAllowed (405)',
      'Overloaded (429)',
      'Overloaded (503)',
      'RouteNotFound (404)',
      'UnsupportedImage (415)',
      'UpstreamUnavailable (502)',
    ]);
  });
});

describe('a problem document', { skip: NO_BROWSER }, () => {
  it('offers another try where that may end otherwise, and shows what it says', async (t) => {
    const codes = Object.entries({
      MalformedRequest: true,
      InvalidRequest: true,
      UnsupportedImage: false,
      UnsupportedMediaType: false,
      ImageTooLarge: false,
      ImageNotFound: false,
      ObjectRefused: true,
      BucketNotAllowed: false,
      RouteNotFound: true,
      MethodNotAllowed: true,
      Overloaded: true,
      DeadlineExceeded: true,
      CaptionerHung: true,
      UpstreamUnavailable: true,
      ModelUnusable: true,
      InternalError: true,
      OfLaterVersions: true,
    });
    const answers = codes.map(([code]) => ({
      status: 500,
      body: JSON.stringify({ code, detail: `Of ${code}.` }),
    }));
    const found = await told(t, answers);
    const ofApi = codes.flatMap(([code]) => (code in PROBLEMS ? [code] : []));
    assert.deepEqual(ofApi.sort(), Object.keys(PROBLEMS).sort());
    const sorted = (list: [string, string, string][]) => list.toSorted(([a], [b]) => (a < b ? -1 : 1));
    assert.deepEqual(
      sorted(found.map(({ code, detail, retry }) => [code!, detail!, retry!])),
      sorted(codes.map(([code, retry]) => [`${code} (500)`, `Of ${code}.`, String(retry)])),
    );
    const ofItsOwn = new Set(found.map(({ what }) => what));
    assert.equal(
      ofItsOwn.size,
      codes.length - 1,
      'what the page does not know is told as an error of the server',
    );
    for (const { what, advice, code } of found) {
      assert.match(what!, /\.$/);
      assert.equal(advice === '', code!.startsWith('OfLaterVersions'), code);
    }
  });
});
