/** The pictures in docs/; taken when UPDATE_SCREENSHOTS=1 asks for them, since every machine draws other letters. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, it } from 'node:test';
import type { Page } from 'playwright-core';
import sharp from 'sharp';
import { NO_BROWSER } from '../../support/browser.ts';
import { COFFEE, ROOT, readSamples } from '../../support/samples.ts';
import { captioner } from '../harness.ts';
import { expected, openPage } from './harness.ts';

/** What the Node server takes by default. */
const SERVED = { maxBodyBytes: 32 << 20 };
const MAX_PICTURE_BYTES = 300_000;
const skip =
  NO_BROWSER || (process.env.UPDATE_SCREENSHOTS === '1' ? false : 'UPDATE_SCREENSHOTS=1 renews the pictures');

async function take(page: Page, name: string): Promise<void> {
  const picture = await page.screenshot();
  const small = await sharp(picture).png({ palette: true, effort: 10 }).toBuffer();
  assert.ok(small.length < MAX_PICTURE_BYTES, `${name} has ${small.length} bytes`);
  mkdirSync(join(ROOT, 'docs'), { recursive: true });
  writeFileSync(join(ROOT, 'docs', name), small);
}

// The first captions of a process take longer than all others.
before(async () => {
  if (skip === false) for (let i = 0; i < 5; i++) await expected(readFileSync(COFFEE));
});

it('renews docs/page.png: captions, a heat map and the tree, light, on a desk', { skip }, async (t) => {
  const { page, choose } = await openPage(t, { parts: SERVED, viewport: { width: 1240, height: 1425 } });
  await choose(COFFEE);
  await page.locator('.sentence button', { hasText: 'cup' }).first().hover();
  await page.locator('.heat:visible').waitFor();
  await take(page, 'page.png');
});

it('renews docs/page-dark-phone.png: captions, dark, on a phone', { skip }, async (t) => {
  const { page, choose } = await openPage(t, {
    parts: SERVED,
    viewport: { width: 390, height: 1010 },
    deviceScaleFactor: 1.5,
    hasTouch: true,
    isMobile: true,
    colorScheme: 'dark',
  });
  await choose(COFFEE);
  await take(page, 'page-dark-phone.png');
});

it('renews docs/page-many.png: twenty photographs on their way, light, on a desk', { skip }, async (t) => {
  let done = 0;
  const held = Promise.withResolvers<void>();
  const caption: typeof captioner.caption = async (...call) => {
    done++;
    if (done > 13) await held.promise;
    return captioner.caption(...call);
  };
  const parts = { ...SERVED, caption };
  const { page, settled } = await openPage(t, { parts, viewport: { width: 1240, height: 1180 } });
  const samples = readSamples().map(({ name, bytes }) => ({ name, mimeType: 'image/jpeg', buffer: bytes }));
  const mirrored = samples.slice(0, 8).map(async ({ name, mimeType, buffer }) => {
    return { name: `mirrored-${name}`, mimeType, buffer: await sharp(buffer).flop().jpeg().toBuffer() };
  });
  await page.locator('#files').setInputFiles([...samples, ...(await Promise.all(mirrored))]);
  await page.locator('#progress', { hasText: '13 of 20' }).waitFor();
  await take(page, 'page-many.png');
  held.resolve();
  await settled();
});
