/** The page in a real browser, served by the real app with the default model. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { after, type TestContext } from 'node:test';
import { serve } from '@hono/node-server';
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core';
import type { CaptionResult } from '../../../src/caption/result.ts';
import type { AppParts } from '../../../src/http/parts.ts';
import { launchBrowser } from '../../support/browser.ts';
import { appWith, captioner } from '../harness.ts';

/** A page that does not get there in this time hangs; the slowest step takes 2 s on one busy processor. */
const HANG_MS = 15_000;

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

let started: Promise<Browser> | undefined;
after(async () => {
  await (await started)?.close();
  await captioner.close();
});

/** As servers call an app. */
type Answer = (request: Request) => Response | Promise<Response>;

export interface OpenOptions extends BrowserContextOptions {
  parts?: Partial<AppParts>;
  /** What stands in front of the app. @default nothing */
  front?: (answer: Answer) => Answer;
  /** The browser itself writes each failed request to the console. @default false */
  failures?: boolean;
  /** The one other origin that may be asked. */
  elsewhere?: string;
}

export interface OpenPage {
  page: Page;
  /** Requests for captions, as far as they were sent. */
  asked: string[];
  /** Picks files as a person does, and waits until each has captions or a message. */
  choose(files: string | Parameters<Page['setInputFiles']>[1]): Promise<void>;
  settled(): Promise<void>;
}

/**
 * Serves the page on a free port and opens it. When the test ends, nothing may have been asked from elsewhere and
 * nothing written to the console.
 */
export async function openPage(t: TestContext, options: OpenOptions = {}): Promise<OpenPage> {
  const { parts, front, failures = false, elsewhere: allowed, ...contextOptions } = options;
  const { origin, stop } = await start(parts, front);
  started ??= launchBrowser();
  const context = await (await started).newContext({
    viewport: { width: 1180, height: 900 },
    permissions: ['clipboard-read', 'clipboard-write'],
    reducedMotion: 'reduce',
    ...contextOptions,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(HANG_MS);
  const asked: string[] = [];
  const elsewhere: string[] = [];
  const complaints: string[] = [];
  page.on('request', (request) => {
    const url = new URL(request.url());
    if (url.pathname === '/captions') asked.push(url.search);
    const isOurs = [origin, allowed].includes(url.origin) || ['data:', 'blob:'].includes(url.protocol);
    if (!isOurs) elsewhere.push(request.url());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    const { url } = message.location();
    const isOfCaptions = failures && url.startsWith(`${origin}/captions?`);
    const isOfElsewhere = allowed !== undefined && message.text().includes(allowed);
    if (!isOfCaptions && !isOfElsewhere && !(allowed && url.startsWith(allowed)))
      complaints.push(message.text());
  });
  t.after(async () => {
    await context.close();
    await stop();
    assert.deepEqual(elsewhere, []);
    assert.deepEqual(complaints, []);
  });
  await page.goto(`${origin}/`);
  const settled = () => page.locator('.busy').first().waitFor({ state: 'detached' });
  return {
    page,
    asked,
    settled,
    choose: async (files) => {
      await page.locator('#files').setInputFiles(files);
      await settled();
    },
  };
}

function start(
  parts?: Partial<AppParts>,
  front = (answer: Answer) => answer,
): Promise<{ origin: string; stop: () => Promise<void> }> {
  const { fetch } = appWith(parts);
  return new Promise((resolve) => {
    const server = serve(
      { fetch: front((request) => fetch(request)), hostname: '127.0.0.1', port: 0 },
      (address) => {
        resolve({
          origin: `http://127.0.0.1:${(address as AddressInfo).port}`,
          stop: () => new Promise((stopped) => server.close(() => stopped())),
        });
      },
    );
  });
}

interface Violation {
  id: string;
  nodes: { html: string; failureSummary: string }[];
}

/** Rule, element and reason of everything that axe finds. */
export async function violations(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  const found = await page.evaluate<Violation[]>('axe.run(document).then((r) => r.violations)');
  return found.flatMap(({ id, nodes }) => nodes.map((n) => `${id}: ${n.html} ${n.failureSummary}`));
}

/** Waits until the page has told that it copied something. */
export function copied(page: Page): Promise<void> {
  return page.locator('#live', { hasText: 'Copied:' }).waitFor();
}

/** The result of one photograph. */
export function card(page: Page, name: string): Locator {
  return page.locator('.card', { has: page.getByRole('heading', { name, exact: true }) });
}

/** The sentences as they stand on the page, best first. */
export function sentences(of: Locator): Promise<string[]> {
  return of.locator('.sentence').evaluateAll((all) => all.map((one) => one.textContent));
}

/** What the core says of the same bytes. */
export async function expected(bytes: Uint8Array): Promise<CaptionResult['captions']> {
  return (await captioner.caption(bytes)).captions;
}

/** Lets an installed clock run until nothing is under way: whatever the page waits for, it does not make the test wait. */
export async function waitOut(page: Page): Promise<void> {
  while ((await page.locator('.busy').count()) > 0) {
    await page.clock.runFor(1000);
    // Answers come in real time.
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
