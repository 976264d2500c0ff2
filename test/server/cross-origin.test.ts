/** Pages of other origins: what the server refuses before the app, and a real browser. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, describe, it, type TestContext } from 'node:test';
import type { Browser } from 'playwright-core';
import { DEFAULT_BUNDLE } from '../../src/model/load.ts';
import { startServer } from '../../src/server/server.ts';
import { type ServerSettingsInput, serverSettingsSchema } from '../../src/server/settings.ts';
import { launchBrowser, NO_BROWSER } from '../support/browser.ts';
import { CAPTIONS, exchange, PHOTO } from './harness.ts';

const PAGE = 'https://app.example.org';

async function startFor(
  t: TestContext,
  settings: ServerSettingsInput,
): Promise<{ url: string; port: number }> {
  const server = await startServer({
    model: DEFAULT_BUNDLE,
    settings: serverSettingsSchema.parse({ port: 0, workers: 1, ...settings }),
  });
  t.after(() => server.stop());
  return { url: server.url, port: Number(new URL(server.url).port) };
}

describe('what the server refuses before the app', () => {
  const head = (...headers: string[]) =>
    `${['POST /captions HTTP/1.1', 'Host: here', ...headers].join('\r\n')}\r\n\r\n`;
  const REFUSED: [what: string, status: number, send: (origin: string) => string[]][] = [
    ['an expectation', 417, (origin) => [head(`Origin: ${origin}`, 'Expect: cake', 'Content-Length: 0')]],
    [
      'a body that does not come',
      408,
      (origin) => [head(`Origin: ${origin}`, 'Content-Type: image/jpeg', 'Content-Length: 9'), 'x'],
    ],
  ];
  for (const [what, status, send] of REFUSED) {
    it(`is told to the pages that are allowed: ${what}`, async (t) => {
      const { port } = await startFor(t, {
        corsOrigin: [PAGE],
        requestTimeout: 1_000,
        headersTimeout: 1_000,
      });
      const [answer] = await exchange(port, { send: send(PAGE) }, 1);
      assert.equal(answer!.status, status);
      assert.match(answer!.headers, /^access-control-allow-origin: https:\/\/app\.example\.org$/im);
      assert.match(answer!.headers, /^access-control-expose-headers: .*retry-after/im);
      assert.match(answer!.headers, /^vary: Origin$/im);
      const [other] = await exchange(port, { send: send('https://evil.example') }, 1);
      assert.equal(other!.status, status);
      assert.doesNotMatch(other!.headers, /access-control/i);
    });
  }
});

describe('which pages may call', () => {
  const ask = async (url: string, origin: string) =>
    (await fetch(`${url}/model`, { headers: { origin } })).headers.get('access-control-allow-origin');
  const LOCAL = 'http://localhost:3000';

  it('are those of this machine while only it is listened to', async (t) => {
    const { url } = await startFor(t, {});
    assert.equal(await ask(url, LOCAL), LOCAL);
    assert.equal(await ask(url, PAGE), null);
  });

  it('are none while others can reach the server', async (t) => {
    const { port } = await startFor(t, { host: '0.0.0.0' });
    assert.equal(await ask(`http://127.0.0.1:${port}`, LOCAL), null);
  });

  it('are those that are named alone, wherever it listens', async (t) => {
    for (const host of ['127.0.0.1', '0.0.0.0']) {
      const { port } = await startFor(t, { host, corsOrigin: [PAGE] });
      assert.equal(await ask(`http://127.0.0.1:${port}`, PAGE), PAGE);
      assert.equal(await ask(`http://127.0.0.1:${port}`, LOCAL), null);
    }
  });
});

describe('a page of another origin', { skip: NO_BROWSER }, () => {
  let started: Promise<Browser> | undefined;
  after(async () => (await started)?.close());

  /** A page on another port, which is another origin. */
  async function openPage(t: TestContext) {
    const pages = createServer((_, outgoing) =>
      outgoing.setHeader('content-type', 'text/html').end('<!doctype html><title>client</title>'),
    ).listen(0, '127.0.0.1');
    await once(pages, 'listening');
    started ??= launchBrowser();
    const page = await (await (await started).newContext()).newPage();
    t.after(async () => {
      await page.context().close();
      pages.close();
    });
    const origin = `http://app.localhost:${(pages.address() as AddressInfo).port}`;
    await page.goto(origin);
    return { page, origin };
  }

  /** As a client of MAX does it in a browser; the header makes the browser ask beforehand. */
  async function predict({ page }: Awaited<ReturnType<typeof openPage>>, url: string, key?: string) {
    return await page.evaluate(
      async ({ url, image, key }) => {
        const form = new FormData();
        form.append('image', new Blob([Uint8Array.from(atob(image), (c) => c.charCodeAt(0))]), 'cup.jpg');
        const headers: Record<string, string> = key === undefined ? {} : { 'x-api-key': key };
        try {
          const answer = await fetch(`${url}/model/predict`, { method: 'POST', body: form, headers });
          const { predictions } = (await answer.json()) as { predictions: { caption: string }[] };
          return {
            predictions,
            id: answer.headers.get('x-request-id'),
            timing: answer.headers.get('server-timing'),
          };
        } catch (error) {
          return String(error);
        }
      },
      { url, image: PHOTO.toString('base64'), key },
    );
  }

  for (const [how, key] of [
    ['with a simple request', undefined],
    ['after a preflight', 'secret'],
  ] as const) {
    it(`posts an image to /model/predict and reads the answer, ${how}`, async (t) => {
      const client = await openPage(t);
      for (const settings of [{}, { corsOrigin: [client.origin] }, { corsOrigin: ['*'] }]) {
        const { url } = await startFor(t, settings);
        const answer = await predict(client, url, key);
        assert.ok(typeof answer === 'object', String(answer));
        const sentences = CAPTIONS.map(({ text }) => text).sort();
        assert.deepEqual(answer.predictions.map(({ caption }) => caption).sort(), sentences);
        assert.match(answer.id!, /./);
        assert.match(answer.timing!, /total;dur=/);
      }
    });

    it(`cannot without permission, ${how}`, async (t) => {
      const { url } = await startFor(t, { corsOrigin: [PAGE] });
      assert.match(String(await predict(await openPage(t), url, key)), /Failed to fetch/);
    });
  }

  it('reads what has not changed since it was opened by itself', async (t) => {
    const client = await openPage(t);
    const { url } = await startFor(t, {});
    const tab = await client.page.context().newPage();
    await tab.goto(`${url}/model`);
    for (let i = 0; i < 3; i++) {
      const status = await client.page.evaluate(async (at) => (await fetch(at)).status, `${url}/model`);
      assert.equal(status, 200);
    }
  });
});
