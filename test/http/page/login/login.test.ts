/** The page of a deployment with a login: a provider and a gateway stand around it as in the cloud. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it, type TestContext } from 'node:test';
import type { Page } from 'playwright-core';
import { OPEN_PATHS } from '../../../../infra/page/open-paths.ts';
import { NO_BROWSER } from '../../../support/browser.ts';
import { type Authorizer, behindGateway, statusFor } from '../../../support/login/gateway.ts';
import { CLIENT_ID, startProvider, type TestProvider } from '../../../support/login/provider.ts';
import { COFFEE } from '../../../support/samples.ts';
import { card, expected, type OpenOptions, openPage, sentences, violations } from '../harness.ts';

const photo = readFileSync(COFFEE);
const WAITS = 'You are not signed in. Goes on when you have signed in.';

function authorizerOf({ issuer, keys }: TestProvider): Authorizer {
  return { issuer, keys, audience: [CLIENT_ID], scopes: ['openid'], open: OPEN_PATHS };
}

interface Opened {
  page: Page;
  provider: TestProvider;
  /** `authorization` of each request that came to the gateway beside those for the open paths. */
  asked: (string | null)[];
}

async function openWithLogin(t: TestContext, options: OpenOptions = {}): Promise<Opened> {
  const provider = await startProvider(t);
  const authorizer = authorizerOf(provider);
  const asked: (string | null)[] = [];
  const { page } = await openPage(t, {
    ...options,
    elsewhere: provider.issuer,
    failures: true,
    parts: { login: { issuer: provider.issuer, clientId: CLIENT_ID, scope: 'openid' } },
    front: (answer) =>
      behindGateway(authorizer, (request) => {
        const isOpen = OPEN_PATHS.some((path) => path === new URL(request.url).pathname);
        if (!isOpen) asked.push(request.headers.get('authorization'));
        return answer(request);
      }),
  });
  provider.registered.push(page.url());
  return { page, provider, asked };
}

/** Clicks, and answers in the window that opens, which then closes by itself. */
async function signIn(page: Page, as = 'I am Ada'): Promise<void> {
  const opening = page.context().waitForEvent('page');
  await page.getByRole('button', { name: 'Sign in' }).click();
  const popup = await opening;
  const closed = popup.waitForEvent('close');
  await popup.getByRole('link', { name: as }).click();
  await closed;
}

function whenSignedIn(page: Page): Promise<void> {
  return page.getByRole('button', { name: 'Sign out' }).waitFor();
}

function whenSignedOut(page: Page): Promise<void> {
  return page.getByRole('button', { name: 'Sign in' }).waitFor();
}

async function choose(page: Page, ...names: string[]): Promise<void> {
  const files = names.map((name) => ({ name, mimeType: 'image/jpeg', buffer: photo }));
  await page.locator('#files').setInputFiles(files);
}

async function captioned(page: Page, name: string): Promise<void> {
  await card(page, name).locator('.sentence').first().waitFor();
  const texts = (await expected(photo)).map(({ text }) => text);
  assert.equal((await sentences(card(page, name))).length, texts.length);
}

describe('the page with a login', { skip: NO_BROWSER }, () => {
  it('keeps photographs waiting until somebody has signed in, and asks in their name from then on', async (t) => {
    const { page, provider, asked } = await openWithLogin(t);
    await whenSignedOut(page);
    assert.deepEqual(await violations(page), []);
    await choose(page, 'coffee.jpg');
    await page.locator('.status', { hasText: WAITS }).waitFor();
    assert.deepEqual(asked, []);
    await signIn(page);
    await captioned(page, 'coffee.jpg');
    await whenSignedIn(page);
    assert.equal(await page.evaluate('document.activeElement.id'), 'choose');
    assert.deepEqual(await violations(page), []);
    assert.match(await page.locator('#model').innerText(), /^Model /);
    assert.ok(asked.length >= 2 && asked.every((one) => statusFor(one, authorizerOf(provider)) === 200));
    assert.match(
      (await page.locator('.curl code').textContent()) as string,
      /-H "authorization: Bearer \$TOKEN"/,
    );
    // A reload asks nobody again.
    await page.reload();
    await whenSignedIn(page);
    await choose(page, 'again.jpg');
    await captioned(page, 'again.jpg');
    assert.deepEqual(provider.granted, ['authorization_code']);
  });

  it('says who asks to its own server alone', async (t) => {
    const { page, provider } = await openWithLogin(t);
    provider.photo = photo;
    await signIn(page);
    await whenSignedIn(page);
    await page.getByRole('button', { name: 'a cat' }).click();
    await card(page, 'cat.jpg').locator('.sentence').first().waitFor();
    await page.evaluate(`{
      const pasted = new DataTransfer();
      pasted.setData('text/plain', '${provider.issuer}/photo.jpg');
      document.body.dispatchEvent(new ClipboardEvent('paste', { clipboardData: pasted, bubbles: true }));
    }`);
    await captioned(page, 'photo.jpg');
    assert.deepEqual(provider.seen, [undefined]);
  });

  it('renews what has run out, once for all that wait for it', async (t) => {
    const { page, provider } = await openWithLogin(t);
    // Less than what is left for requests on their way: every token has run out when it comes.
    provider.seconds = 20;
    await signIn(page);
    await whenSignedIn(page);
    provider.seconds = 3600;
    await choose(page, 'one.jpg', 'two.jpg');
    await captioned(page, 'one.jpg');
    await captioned(page, 'two.jpg');
    assert.deepEqual(provider.granted.slice(0, 1), ['authorization_code']);
    assert.ok([2, 3].includes(provider.granted.length), provider.granted.join());
    assert.ok(provider.granted.slice(1).every((grant) => grant === 'refresh_token'));
  });

  it('lets people sign in again when their session has ended, and loses no photograph', async (t) => {
    const { page, provider } = await openWithLogin(t);
    await signIn(page);
    await whenSignedIn(page);
    // Revoked: the gateway does not know the key any more, and nothing can be renewed.
    const [key] = provider.keys.splice(0);
    provider.endSessions();
    await choose(page, 'coffee.jpg');
    await whenSignedOut(page);
    await page.locator('.status', { hasText: WAITS }).waitFor();
    provider.keys.push(key!);
    await signIn(page);
    await captioned(page, 'coffee.jpg');
  });

  it('takes no answer to a question that it did not ask', async (t) => {
    const { page, provider } = await openWithLogin(t);
    const address = page.url();
    await page.goto(`${address}?code=of-somebody-else&state=${'x'.repeat(43)}`);
    await whenSignedOut(page);
    assert.equal(page.url(), address);
    // Neither in a window beside one that waits for another answer.
    const other = await page.context().newPage();
    await other.goto(`${address}?code=of-somebody-else&state=${'x'.repeat(43)}`);
    await whenSignedOut(other);
    await signIn(page, 'I am nobody');
    await page.getByText('That did not sign you in. Try again.').waitFor();
    await signIn(page);
    await whenSignedIn(page);
    assert.deepEqual(provider.granted, ['authorization_code']);
  });

  it('goes to the provider itself where no other window may be opened, on a small and dark screen', async (t) => {
    const { page } = await openWithLogin(t, {
      colorScheme: 'dark',
      viewport: { width: 320, height: 740 },
    });
    await page.addInitScript('window.open = () => null');
    await page.reload();
    await whenSignedOut(page);
    const width = () => page.evaluate<number>('document.documentElement.scrollWidth');
    assert.equal(await width(), 320);
    assert.deepEqual(await violations(page), []);
    const address = page.url();
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('link', { name: 'I am Ada' }).click();
    await whenSignedIn(page);
    assert.equal(page.url(), address);
    assert.equal(await width(), 320);
    assert.deepEqual(await violations(page), []);
  });

  it('says when the provider does not answer, and goes on when it does', async (t) => {
    const { page, provider } = await openWithLogin(t);
    provider.isDown = true;
    await page.reload();
    await page.getByText('The service that people sign in at does not answer.').waitFor();
    provider.isDown = false;
    await signIn(page);
    await whenSignedIn(page);
  });

  it('leaves nothing to whoever sits down next: in this tab, in others, and at the provider', async (t) => {
    const { page, provider } = await openWithLogin(t);
    await signIn(page);
    await choose(page, 'coffee.jpg');
    await captioned(page, 'coffee.jpg');
    const other = await page.context().newPage();
    await other.goto(page.url());
    await signIn(other);
    await choose(other, 'coffee.jpg');
    await captioned(other, 'coffee.jpg');
    await page.getByRole('button', { name: 'Sign out' }).click();
    await whenSignedOut(page);
    await whenSignedOut(other);
    assert.equal(await other.locator('.card').count(), 0);
    assert.equal(await page.evaluate('Object.keys(sessionStorage).length'), 0);
    assert.equal(await page.locator('.card').count(), 0);
    assert.equal(provider.revoked.length, 1);
    await page.getByText('Sign in to have photographs captioned.').waitFor();
  });
});

describe('the gateway of these tests', () => {
  const claims: [what: string, claims: Record<string, unknown>, status: number][] = [
    ['an access token of the client', {}, 200],
    ['one for another client', { client_id: 'other' }, 401],
    ['one of another issuer', { iss: 'https://elsewhere.example' }, 401],
    ['one that has run out', { exp: 1 }, 401],
    [
      'one without the scope, as those are that no sign-in made',
      { scope: 'aws.cognito.signin.user.admin' },
      403,
    ],
    ['one that says its audience', { aud: CLIENT_ID, client_id: 'other' }, 200],
  ];
  for (const [what, told, status] of claims) {
    it(`answers ${status} to ${what}`, async (t) => {
      const provider = await startProvider(t);
      assert.equal(statusFor(`Bearer ${provider.token(told)}`, authorizerOf(provider)), status);
    });
  }
});
