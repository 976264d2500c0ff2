/** The reference in a real browser. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { getRequestListener } from '@hono/node-server';
import type { Page } from 'playwright-core';
import * as errors from '../../../src/errors.ts';
import { ALL_PROBLEMS, type AnyProblemCode, type Problem } from '../../../src/http/failures.ts';
import { createEdge } from '../../../src/server/http-server.ts';
import { serverSettingsSchema } from '../../../src/server/settings.ts';
import { exchange } from '../../server/harness.ts';
import { NO_BROWSER } from '../../support/browser.ts';
import { COFFEE } from '../../support/samples.ts';
import { appWith, captioner, MAX_BODY_BYTES } from '../harness.ts';
import { type OpenOptions, openPage, violations } from '../page/harness.ts';
import { linesOf } from './harness.ts';

const photo = readFileSync(COFFEE);
const SMALL = { viewport: { width: 320, height: 640 } };

async function openDocs(t: TestContext, options: OpenOptions = {}): Promise<Page> {
  const { page } = await openPage(t, options);
  await page.goto(new URL('docs', page.url()).href);
  return page;
}

/** A request that ends in this code; what only goes wrong inside the service is made to, by `failure`. */
interface Wrong {
  failure?: Error;
  init?: RequestInit;
  path?: string;
  /** Instead of a request: what is written to the connection. */
  raw?: string;
}

const post = (body: Uint8Array<ArrayBuffer> | string, type: string): RequestInit => ({
  method: 'POST',
  body,
  headers: { 'content-type': type },
});
const PHOTO = post(photo, 'image/jpeg');
const failing = (failure: Error): Wrong => ({ failure, init: PHOTO });

const WRONG: Record<AnyProblemCode, Wrong> = {
  MalformedRequest: { init: post('{', 'application/json') },
  BucketNotAllowed: { init: post('{"s3":{"bucket":"images","key":"a"}}', 'application/json') },
  ImageNotFound: failing(new errors.ImageNotFound('none')),
  RouteNotFound: { path: '/nope' },
  MethodNotAllowed: { init: { method: 'PUT' } },
  ImageTooLarge: { init: post(new Uint8Array(MAX_BODY_BYTES + 1), 'image/jpeg') },
  UnsupportedMediaType: { init: post('a', 'text/plain') },
  UnsupportedImage: { init: post('notes', 'image/jpeg') },
  InvalidRequest: { init: PHOTO, path: '/captions?count=0' },
  ObjectRefused: failing(new errors.ObjectRefused('it is denied')),
  InternalError: failing(new TypeError('a bug')),
  ModelUnusable: failing(
    new errors.ModelUnusable({ file: 'a', expected: 'b', actual: 'c', remedy: 'mend it' }),
  ),
  CaptionerHung: failing(new errors.CaptionerHung('it hangs')),
  Overloaded: failing(new errors.Overloaded('it is full')),
  UpstreamUnavailable: failing(new errors.UpstreamUnavailable('S3 is away')),
  DeadlineExceeded: failing(new errors.DeadlineExceeded('it is late')),
  RequestTimeout: { raw: 'GET / HTTP/1.1\r\nHost: he' },
  ExpectationFailed: { raw: 'GET / HTTP/1.1\r\nHost: here\r\nExpect: wonders\r\nConnection: close\r\n\r\n' },
  HeadersTooLarge: { raw: `GET / HTTP/1.1\r\nHost: here\r\nCookie: ${'a'.repeat(20_000)}\r\n\r\n` },
};

/** The app behind the part of the server that faces the network, and what the app's model is to fail with. */
async function startEdge(t: TestContext) {
  let failure: Error | undefined;
  const app = appWith({
    caption: (...call) => (failure === undefined ? captioner.caption(...call) : Promise.reject(failure)),
  });
  const settings = serverSettingsSchema.parse({ headersTimeout: 200, requestTimeout: 400 });
  const { server } = createEdge(settings, {
    listener: getRequestListener(app.fetch),
    isFull: () => false,
    headersFor: () => ({}),
    onRefusal: () => undefined,
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close().closeAllConnections());
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    failWith: (error: Error | undefined) => {
      failure = error;
    },
  };
}

async function problemOf(edge: Awaited<ReturnType<typeof startEdge>>, wrong: Wrong): Promise<Problem> {
  if (wrong.raw !== undefined) {
    const [answer] = await exchange(edge.port, { send: [wrong.raw] }, 1);
    return JSON.parse(answer!.body) as Problem;
  }
  edge.failWith(wrong.failure);
  const response = await fetch(`${edge.url}${wrong.path ?? '/captions'}`, wrong.init);
  return (await response.json()) as Problem;
}

describe('the type of a problem document', { skip: NO_BROWSER }, () => {
  it('opens the very section that explains its code, for every code', async (t) => {
    const { page } = await openPage(t);
    const edge = await startEdge(t);
    // The page of that helper may ask nothing of another server.
    const reader = await page.context().newPage();
    for (const [code, wrong] of Object.entries(WRONG)) {
      const problem = await problemOf(edge, wrong);
      assert.equal(problem.code, code, problem.detail);
      // RFC 9457 section 3: relative to the address of the request.
      const address = new URL(problem.type, new URL(problem.instance, edge.url));
      await reader.goto(address.href);
      const section = reader.locator(':target');
      assert.equal(await section.getByRole('heading', { level: 3 }).innerText(), code);
      assert.match(await section.innerText(), new RegExp(`\\b${problem.status}\\b`), code);
      const { y } = (await section.boundingBox())!;
      assert.ok(y >= 0 && y < 450, `${code} stands at ${y}`);
    }
    assert.deepEqual(Object.keys(WRONG).sort(), Object.keys(ALL_PROBLEMS).sort());
  });
});

describe('the reference, in a browser', { skip: NO_BROWSER }, () => {
  it('has the address that the browser has, with the path of a proxy in front', async (t) => {
    const page = await openDocs(t);
    const origin = new URL(page.url()).origin;
    assert.ok((await page.locator('.curl').first().innerText()).includes(`'${origin}/captions'`));
    // As a proxy does that serves the deployment below a path.
    await page.route('**/below/docs', async (route) =>
      route.fulfill({ response: await route.fetch({ url: page.url() }) }),
    );
    await page.goto(`${origin}/below/docs#caption`);
    assert.ok((await page.locator('.curl').first().innerText()).includes(`'${origin}/below/captions'`));
  });

  for (const grant of [true, false]) {
    it(`copies each line as it stands there, ${grant ? 'with' : 'without'} the clipboard of secure pages`, async (t) => {
      const page = await openDocs(t);
      if (!grant) await page.evaluate('Object.defineProperty(navigator, "clipboard", { value: undefined })');
      const html = await page.evaluate<string>(
        'fetch(location.href, { cache: "no-store" }).then((page) => page.text())',
      );
      const lines = linesOf(html);
      const reader = await page.context().newPage();
      for (const { name, line } of lines) {
        await page.bringToFront();
        await page.getByRole('button', { name: `Copy: ${name}`, exact: true }).click();
        await page
          .getByRole('status')
          .filter({ hasText: `Copied: ${name}` })
          .waitFor({ state: 'attached' });
        await reader.goto(new URL('/openapi.json', page.url()).href);
        await reader.bringToFront();
        assert.equal(await reader.evaluate('navigator.clipboard.readText()'), line);
      }
    });
  }

  for (const colorScheme of ['light', 'dark'] as const) {
    for (const [screen, size] of Object.entries({ desktop: {}, phone: SMALL })) {
      it(`has nothing that axe objects to: ${colorScheme}, ${screen}`, async (t) => {
        const page = await openDocs(t, { colorScheme, ...size });
        await page.goto(`${page.url()}#Overloaded`);
        assert.deepEqual(await violations(page), []);
      });
    }
  }

  it('fits a screen of 320 pixels', async (t) => {
    const page = await openDocs(t, SMALL);
    assert.equal(await page.evaluate('document.documentElement.scrollWidth'), 320);
    const wider = await page.evaluate<string[]>(`[...document.querySelectorAll('main *, nav *')]
      .filter((one) => one.getBoundingClientRect().right > 320).map((one) => one.outerHTML.slice(0, 100))`);
    assert.deepEqual(wider, []);
  });

  it('is dark where people want that', async (t) => {
    const brightness = async (colorScheme: 'light' | 'dark') => {
      const page = await openDocs(t, { colorScheme });
      const color = await page.evaluate<string>('getComputedStyle(document.body).backgroundColor');
      return Number(/\d+/.exec(color)![0]);
    };
    assert.ok((await brightness('dark')) < 50);
    assert.ok((await brightness('light')) > 200);
  });

  it('can be used with a keyboard alone', async (t) => {
    const page = await openDocs(t, SMALL);
    await page.keyboard.press('Tab');
    const skip = page.getByRole('link', { name: 'Skip the contents' });
    assert.ok(await skip.evaluate((link) => link === link.ownerDocument.activeElement));
    assert.ok((await skip.boundingBox())!.x >= 0);
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate('document.activeElement.textContent'), 'openapi.json');
    await page.keyboard.press('Tab');
    assert.match(await page.evaluate('document.activeElement.ariaLabel'), /^Copy: POST \/captions/);
    await page.keyboard.press('Enter');
    await page.getByRole('status').filter({ hasText: 'Copied:' }).waitFor({ state: 'attached' });
  });

  it('leads from the contents to every section', async (t) => {
    const page = await openDocs(t);
    const links = page.getByRole('navigation', { name: 'Contents' }).getByRole('link');
    const count = await links.count();
    assert.ok(count > 30);
    for (let i = 0; i < count; i++) {
      const link = links.nth(i);
      const name = await link.innerText();
      await link.click();
      const target = page.locator(':target');
      assert.ok((await target.innerText()).startsWith(name), name);
      assert.ok((await target.boundingBox())!.y >= 0, name);
    }
  });

  it('works when it is visited again', async (t) => {
    const page = await openDocs(t);
    for (let visit = 0; visit < 2; visit++) {
      await page.reload();
      assert.ok(await page.locator('.curl').first().isVisible());
      assert.ok((await page.getByRole('button').count()) >= 8);
      assert.equal(
        await page.evaluate('getComputedStyle(document.body).fontFamily.includes("system-ui")'),
        true,
      );
    }
  });
});
