/** Where the network looked for each word of the best caption. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import type { Locator, Page } from 'playwright-core';
import sharp from 'sharp';
import { Overloaded } from '../../../src/errors.ts';
import { heatCells } from '../../../src/pictures/heat.ts';
import { heatMaps } from '../../../src/pictures/heat-map.ts';
import { NO_BROWSER } from '../../support/browser.ts';
import { COFFEE } from '../../support/samples.ts';
import { captioner } from '../harness.ts';
import { openPage } from './harness.ts';

const photo = readFileSync(COFFEE);
const { explanation, captions } = await captioner.caption(photo, undefined, { explain: true });
const said = captions[0]!.words.map(({ word }) => word);
const strength = explanation!.words.map(({ importance }) => Math.max(...importance));
/** The amber that each cell of a word is to have. */
const glowOf = (at: number): number[] => {
  const { importance } = explanation!.words[at]!;
  const data = Buffer.from(heatCells(importance));
  return importance.map((_, cell) => amberAt(data, 4 * cell));
};
const byStrength = said.map((_, at) => at).sort((a, b) => strength[b]! - strength[a]!);
/** Two words of the caption that lean on the image most, by their places in it. */
const [FIRST, SECOND] = byStrength as [number, number];

const wordAt = (page: Page, at: number): Locator => page.locator(`.sentence button[data-word="${at}"]`);
const heat = (page: Page): Locator => page.locator('.heat');

/** RGBA, row after row. */
interface Pixels {
  width: number;
  height: number;
  data: Buffer;
}

/** Waits until the heat map of that word is there, and reads it. */
async function heatOf(page: Page, at: number): Promise<Pixels> {
  await page.locator('.leaning', { hasText: `“${said[at]}”` }).waitFor();
  assert.equal(await heat(page).isVisible(), true);
  const url = await page.evaluate<string>('document.querySelector(".heat").toDataURL()');
  const png = Buffer.from(url.slice(url.indexOf(',') + 1), 'base64');
  const { data, info } = await sharp(png).ensureAlpha().raw().toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, data };
}

/** Redness less blueness at the centre of each cell, row after row: amber has more of it than darkness. */
function amberOf({ width, height, data }: Pixels, area = explanation!.area) {
  const { rows, columns } = explanation!;
  return Array.from({ length: rows * columns }, (_, cell) => {
    const x = Math.floor((area.left + (((cell % columns) + 0.5) / columns) * area.width) * width);
    const y = Math.floor((area.top + ((Math.floor(cell / columns) + 0.5) / rows) * area.height) * height);
    const at = 4 * (y * width + x);
    return amberAt(data, at);
  });
}

function amberAt(data: Buffer, at: number): number {
  return ((data[at]! - data[at + 2]!) * data[at + 3]!) / 255;
}

/** Pearson's coefficient. */
function correlation(a: readonly number[], b: readonly number[]): number {
  const mean = (values: readonly number[]) => values.reduce((sum, v) => sum + v, 0) / values.length;
  const [ma, mb] = [mean(a), mean(b)];
  const product = (p: readonly number[], mp: number, q: readonly number[], mq: number) =>
    p.reduce((sum, v, i) => sum + (v - mp) * (q[i]! - mq), 0);
  return product(a, ma, b, mb) / Math.sqrt(product(a, ma, a, ma) * product(b, mb, b, mb));
}

describe('the page, of each word', { skip: NO_BROWSER }, () => {
  it('shows where it looked while a mouse is over the word, and asks for it only then', async (t) => {
    const { page, asked, choose } = await openPage(t);
    await choose(COFFEE);
    assert.equal(await heat(page).isVisible(), false);
    assert.deepEqual(asked, ['?trace=1']);
    await wordAt(page, FIRST).hover();
    const first = await heatOf(page, FIRST);
    await wordAt(page, SECOND).hover();
    const second = await heatOf(page, SECOND);
    assert.equal(first.data.equals(second.data), false);
    for (const [at, found] of [[FIRST, first] as const, [SECOND, second] as const]) {
      assert.ok(correlation(amberOf(found), glowOf(at)) > 0.95, said[at]);
    }
    assert.deepEqual(asked, ['?trace=1', '?explain=1']);
    await page.getByRole('heading', { name: 'coffee.jpg' }).hover();
    assert.equal(await heat(page).isVisible(), false);
  });

  it('glows for no word of which it says that it hardly leans on anything', async (t) => {
    const { page, choose } = await openPage(t);
    await choose(COFFEE);
    const hardly = said.flatMap((_, at) => (1 - Math.exp(-strength[at]!) < 0.01 ? [at] : []));
    assert.ok(hardly.length > 0);
    for (const at of hardly.slice(0, 2)) {
      await wordAt(page, at).hover();
      const glow = Math.max(...amberOf(await heatOf(page, at)));
      assert.match(await page.locator('.leaning').innerText(), /hardly leans/);
      assert.ok(glow <= 0, `${said[at]}: ${glow}`);
    }
    await wordAt(page, FIRST).hover();
    const glow = Math.max(...amberOf(await heatOf(page, FIRST)));
    assert.ok(glow > 60, `${said[FIRST]}: ${glow}`);
  });

  it('paints what the command line paints', async (t) => {
    const { page, choose } = await openPage(t);
    await choose(COFFEE);
    await wordAt(page, FIRST).hover();
    const { width, height, data } = await heatOf(page, FIRST);
    const veiled = await sharp(photo)
      .resize(width, height)
      .composite([{ input: data, raw: { width, height, channels: 4 } }])
      .removeAlpha()
      .raw()
      .toBuffer();
    const maps = await heatMaps(photo, explanation!);
    const painted = await sharp(maps[FIRST]).resize(width, height).removeAlpha().raw().toBuffer();
    assert.equal(painted.length, veiled.length);
    const difference =
      painted.reduce((sum, level, i) => sum + Math.abs(level - veiled[i]!), 0) / painted.length;
    // Of 255 levels: both enlarge the cells in ways of their own.
    assert.ok(difference < 4, `${difference} levels`);
  });

  it('lies on the picture, as large as the picture', async (t) => {
    const { page, choose } = await openPage(t);
    await choose(COFFEE);
    await wordAt(page, FIRST).hover();
    await heatOf(page, FIRST);
    assert.deepEqual(
      await heat(page).boundingBox(),
      await page.locator('.picture canvas').first().boundingBox(),
    );
  });

  it('colours nothing outside of the area that the network saw', async (t) => {
    const area = { left: 0.25, top: 0.5, width: 0.5, height: 0.5 };
    const caption: typeof captioner.caption = async (...call) => {
      const result = await captioner.caption(...call);
      return result.explanation ? { ...result, explanation: { ...result.explanation, area } } : result;
    };
    const { page, choose } = await openPage(t, { parts: { caption } });
    await choose(COFFEE);
    await wordAt(page, FIRST).hover();
    const found = await heatOf(page, FIRST);
    assert.ok(correlation(amberOf(found, area), glowOf(FIRST)) > 0.95);
    const outside: number[] = [];
    found.data.forEach((red, i) => {
      if (i % 4 !== 0) return;
      const [x, y] = [((i / 4) % found.width) / found.width, Math.floor(i / 4 / found.width) / found.height];
      const isOutside = x < area.left - 0.01 || x > area.left + area.width + 0.01 || y < area.top - 0.01;
      if (isOutside) outside.push(red);
    });
    assert.ok(outside.length > 0);
    assert.ok(Math.max(...new Set(outside)) < 20);
  });

  it('tells in words where the strongest cell is and what it is worth', async (t) => {
    const { page, choose } = await openPage(t);
    await choose(COFFEE);
    await wordAt(page, FIRST).hover();
    await heatOf(page, FIRST);
    const { importance } = explanation!.words[FIRST]!;
    const cell = importance.indexOf(Math.max(...importance));
    const third = (index: number, of: number) => Math.floor((3 * (index + 0.5)) / of);
    const across = ['left', 'middle', 'right'][third(cell % explanation!.columns, explanation!.columns)]!;
    const down = ['upper', 'middle', 'lower'][
      third(Math.floor(cell / explanation!.columns), explanation!.rows)
    ]!;
    const told = await page.locator('.leaning').innerText();
    const place = new Map([
      ['upper middle', 'top'],
      ['lower middle', 'bottom'],
      ['middle left', 'left'],
      ['middle middle', 'middle'],
      ['middle right', 'right'],
    ]).get(`${down} ${across}`);
    assert.ok(told.includes(`on the ${place ?? `${down} ${across}`}:`), told);
    const share = Math.round(100 * (1 - Math.exp(-importance[cell]!)));
    assert.match(told, new RegExp(`\\b${share}% less likely`));
    for (const [at, word] of said.entries()) {
      const hardly = strength[at]! < 0.005 || 1 - Math.exp(-strength[at]!) < 0.005;
      const title = await wordAt(page, at).getAttribute('title').then(String);
      if (hardly) assert.match(title, /hardly/, word);
      else if (strength[at]! > 0.02) assert.match(title, /leans most on/, word);
    }
  });

  it('goes from word to word by keyboard, pins one with Enter, and lets go with Escape', async (t) => {
    const { page, asked, choose } = await openPage(t);
    await choose(COFFEE);
    await page.getByRole('button', { name: 'Remove' }).focus();
    await page.keyboard.press('Tab');
    await heatOf(page, 0);
    // The first word could not tell it yet when it got the focus; the others do in their descriptions.
    const where = await page.locator('.leaning').innerText();
    assert.ok((await page.getByRole('status').innerText()).includes(where));
    for (let i = 0; i < FIRST; i++) await page.keyboard.press('ArrowRight');
    const first = await heatOf(page, FIRST);
    assert.match(await wordAt(page, FIRST).getAttribute('title').then(String), /; leans most on the/);
    await page.keyboard.press('Enter');
    assert.equal(await wordAt(page, FIRST).getAttribute('aria-pressed'), 'true');
    await page.keyboard.press('End');
    await heatOf(page, said.length - 1);
    await page.keyboard.press('Tab');
    assert.match(await page.evaluate<string>('document.activeElement.textContent'), /Copy/);
    assert.equal((await heatOf(page, FIRST)).data.equals(first.data), true);
    await page.keyboard.press('Escape');
    assert.equal(await heat(page).isVisible(), false);
    assert.equal(await wordAt(page, FIRST).getAttribute('aria-pressed'), 'false');
    await page.keyboard.press('Shift+Tab');
    await heatOf(page, said.length - 1);
    assert.equal(asked.length, 2);
  });

  it('keeps a touched word until it is touched again', async (t) => {
    const { page, choose } = await openPage(t, { hasTouch: true, isMobile: true });
    await choose(COFFEE);
    await wordAt(page, FIRST).tap();
    await heatOf(page, FIRST);
    await page.getByRole('heading', { name: 'coffee.jpg' }).tap();
    await heatOf(page, FIRST);
    await wordAt(page, SECOND).tap();
    await heatOf(page, SECOND);
    await wordAt(page, SECOND).tap();
    assert.equal(await heat(page).isVisible(), false);
  });

  it('asks with the options of the captions that it shows, and forgets it all when captions come anew', async (t) => {
    const { page, asked, choose, settled } = await openPage(t);
    await page.locator('.options > summary').click();
    await page.getByLabel('Beams').fill('2');
    await choose(COFFEE);
    await page.getByLabel('Beams').fill('1');
    await wordAt(page, 2).click();
    await page.locator('.leaning', { hasText: '“' }).waitFor();
    await page.getByRole('button', { name: 'Caption all again' }).click();
    await settled();
    assert.equal(await heat(page).isVisible(), false);
    await wordAt(page, 2).click();
    await page.locator('.leaning', { hasText: '“' }).waitFor();
    assert.deepEqual(asked, [
      '?trace=1&beamWidth=2',
      '?beamWidth=2&explain=1',
      '?trace=1&beamWidth=1',
      '?beamWidth=1&explain=1',
    ]);
  });

  it('says why when it cannot tell where it looked, and tries again at the next pointing', async (t) => {
    let busy = true;
    const caption: typeof captioner.caption = (bytes, options, call) =>
      busy && call?.explain
        ? Promise.reject(new Overloaded('no place'))
        : captioner.caption(bytes, options, call);
    const { page, choose } = await openPage(t, { parts: { caption }, failures: true });
    await choose(COFFEE);
    await wordAt(page, FIRST).hover();
    await page.locator('.leaning', { hasText: 'busy' }).waitFor();
    assert.equal(await heat(page).isVisible(), false);
    busy = false;
    await wordAt(page, SECOND).hover();
    await heatOf(page, SECOND);
  });

  it('tells it also of a picture that the browser cannot show', async (t) => {
    const { page, choose } = await openPage(t);
    const tiff = await sharp(photo).tiff().toBuffer();
    await choose({ name: 'scan.tiff', mimeType: 'image/tiff', buffer: tiff });
    assert.equal(await page.getByText('This browser cannot show it').isVisible(), true);
    await wordAt(page, 1).hover();
    await page.locator('.leaning', { hasText: '“' }).waitFor();
    assert.equal(await heat(page).isVisible(), false);
  });
});
