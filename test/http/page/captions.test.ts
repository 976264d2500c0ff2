import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { describe, it } from 'node:test';
import sharp from 'sharp';
import { altText } from '../../../src/alt/alt-text.ts';
import { layOut, treeNodes } from '../../../src/pictures/tree-layout.ts';
import { NO_BROWSER } from '../../support/browser.ts';
import { COFFEE, readSamples } from '../../support/samples.ts';
import { captioner } from '../harness.ts';
import { card, copied, expected, openPage, sentences } from './harness.ts';

const photo = readFileSync(COFFEE);

describe('the page', { skip: NO_BROWSER }, () => {
  it('shows the captions that the core says, each word with its own probability', async (t) => {
    const { page, choose } = await openPage(t);
    await choose(COFFEE);
    const captions = await expected(photo);
    const result = card(page, 'coffee.jpg');
    assert.deepEqual(
      await sentences(result),
      captions.map((c) => c.text),
    );
    const titles = await result
      .locator('[data-caption="1"] [data-word]')
      .evaluateAll((words) => words.map((word) => word.title));
    assert.deepEqual(
      titles.map((title) => title.split(':')[0]),
      captions[1]!.words.map((w) => w.word),
    );
    const share = Math.round(100 * Math.exp(captions[1]!.words[0]!.logProbability));
    assert.match(titles[0]!, new RegExp(`\\b${share}%`));
    assert.match(await result.locator('.p').first().innerText(), /0\.\d{6}|\de-\d+/);
  });

  it('draws bars that agree with the ranking, and says why p may not', async (t) => {
    const { page, choose } = await openPage(t);
    await choose(COFFEE);
    assert.equal(await page.locator('.order').isVisible(), false);
    await page.getByRole('button', { name: 'Remove' }).first().click();
    const rocket = readSamples().find(({ name }) => name === 'rocket.jpg')!;
    await choose(rocket.path);
    const captions = await expected(rocket.bytes);
    assert.ok(captions[2]!.probability > captions[1]!.probability, 'a photograph where they differ');
    assert.match(await page.locator('.order').innerText(), /evened out for length/);
    const { lengthNormalization } = captioner.plan().options;
    const scores = captions.map((c) => c.logProbability / (c.words.length + 2) ** lengthNormalization);
    const widths = await page
      .locator('.fill')
      .evaluateAll((bars) => bars.map((bar) => bar.getBoundingClientRect().width));
    const tracks = await page
      .locator('.track')
      .evaluateAll((bars) => bars.map((bar) => bar.getBoundingClientRect().width));
    assert.ok(widths[0]! > widths[1]! && widths[1]! > widths[2]!, widths.join());
    scores.forEach((score, i) => {
      assert.ok(Math.abs(widths[i]! - tracks[i]! * Math.exp(score - scores[0]!)) < 1);
    });
  });

  it('shows milliseconds of each stage', async (t) => {
    const { page, choose } = await openPage(t);
    await choose(COFFEE);
    const lines = await page.locator('.timing li').allInnerTexts();
    assert.equal(lines.length, 6);
    for (const line of lines) assert.match(line, /\d ms$/);
  });

  it('captions several photographs and keeps them in the order in which they came, the newest batch first', async (t) => {
    const { page, asked, choose } = await openPage(t);
    const samples = readSamples();
    await choose(samples.slice(0, 3).map((s) => s.path));
    await choose(samples[3]!.path);
    const names = await page.locator('.card h2').allInnerTexts();
    assert.deepEqual(
      names,
      [3, 0, 1, 2].map((i) => samples[i]!.name),
    );
    for (const { name, bytes } of samples.slice(0, 4)) {
      const best = (await expected(bytes))[0]!.text;
      assert.equal((await sentences(card(page, name)))[0], best);
    }
    assert.equal(asked.length, 4);
    await card(page, names[1]!).getByRole('button', { name: 'Remove' }).click();
    assert.deepEqual(
      await page.locator('.card h2').allInnerTexts(),
      [3, 1, 2].map((i) => samples[i]!.name),
    );
  });

  it('takes a picture from the clipboard', async (t) => {
    const { page, settled } = await openPage(t);
    const png = await sharp(photo).png().toBuffer();
    await page.evaluate(`(async () => {
      const bytes = Uint8Array.from(atob('${png.toString('base64')}'), (c) => c.charCodeAt(0));
      await navigator.clipboard.write([new ClipboardItem({ 'image/png': new Blob([bytes], { type: 'image/png' }) })]);
    })()`);
    await page.keyboard.press('Control+V');
    await page.locator('.card').waitFor();
    await settled();
    assert.equal((await sentences(page.locator('.card')))[0], (await expected(png))[0]!.text);
  });

  it('takes photographs that are dropped anywhere on it', async (t) => {
    const { page, settled } = await openPage(t);
    await page.evaluate(`(() => {
      const bytes = Uint8Array.from(atob('${photo.toString('base64')}'), (c) => c.charCodeAt(0));
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(new File([bytes], 'dropped.jpg', { type: 'image/jpeg' }));
      document.querySelector('footer').dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }));
    })()`);
    await card(page, 'dropped.jpg').waitFor();
    await settled();
    assert.equal((await sentences(card(page, 'dropped.jpg')))[0], (await expected(photo))[0]!.text);
  });

  it('draws the whole beam tree: every word that was looked at, with its fate, and as a table', async (t) => {
    const { page, choose } = await openPage(t);
    await choose(COFFEE);
    const { trace = [], captions } = await captioner.caption(photo, undefined, { trace: true });
    const result = card(page, 'coffee.jpg');
    const count = (fate: string) => trace.filter((n) => n.parent !== null && n.fate === fate).length;
    for (const fate of ['alive', 'dropped', 'complete']) {
      assert.equal(await result.locator(`.view .edge.${fate}`).count(), count(fate), fate);
    }
    assert.ok(count('dropped') > 0);
    const ends = trace.filter((n) => n.caption !== undefined).map((n) => String(n.caption! + 1));
    assert.deepEqual((await result.locator('.view .badge-text').allTextContents()).sort(), ends.sort());
    await result.getByText('The same as a table').click();
    assert.equal(await result.locator('tr').count(), 1 + Math.max(...trace.map((n) => n.step)));
    assert.match(
      await result.locator('table').innerText(),
      new RegExp(`1\\) ${captions[0]!.text.slice(0, -2)}`),
    );
  });

  it('lays the tree out as the command line does', async (t) => {
    const { page, choose } = await openPage(t);
    await choose(COFFEE);
    const { trace = [] } = await captioner.caption(photo, undefined, { trace: true });
    const nodes = treeNodes(trace);
    layOut(nodes, () => 0);
    const middles = await page
      .locator('.view .node .hit')
      .evaluateAll((rows) =>
        rows.map((row) => Number(row.getAttribute('y')) + Number(row.getAttribute('height')) / 2),
      );
    assert.deepEqual(
      middles.map((y) => y.toFixed(3)),
      nodes.map(({ y }) => y.toFixed(3)),
    );
  });

  it('leaves the dropped words of a wide beam to the table', async (t) => {
    const { page, choose } = await openPage(t);
    await page.locator('.options > summary').click();
    await page.getByLabel('Beams').fill('10');
    await choose(COFFEE);
    const { trace = [] } = await captioner.caption(photo, captioner.plan({ beamWidth: 10 }), { trace: true });
    const all = trace.filter((n) => n.parent !== null);
    const kept = all.filter((n) => n.fate !== 'dropped');
    assert.equal(await page.locator('.view .edge').count(), kept.length);
    await page.getByText('The same as a table').click();
    assert.equal(await page.locator('.entry').count(), all.length);
  });

  it('follows a word of the tree back to the start', async (t) => {
    const { page, choose } = await openPage(t);
    await choose(COFFEE);
    const { trace = [] } = await captioner.caption(photo, undefined, { trace: true });
    const at = trace.findIndex((n) => n.step === 3 && n.fate === 'alive');
    await page.locator(`[data-node="${at}"]`).hover();
    assert.equal(await page.locator('.edge.lit').count(), 3);
    assert.match(await page.locator('.spoken').innerText(), new RegExp(`${trace[at]!.word}”`));
  });

  it('asks with the options that were filled in, also for photographs that it has already', async (t) => {
    const { page, asked, choose, settled } = await openPage(t);
    await choose(COFFEE);
    await page.locator('.options > summary').click();
    await page.getByLabel('Captions').fill('5');
    await page.getByLabel('Captions').blur();
    assert.equal(await page.getByLabel('Beams').inputValue(), '5');
    await page.getByLabel('Longest').fill('6');
    await page.getByRole('button', { name: 'Caption all again' }).click();
    await settled();
    assert.deepEqual(asked, ['?trace=1', '?trace=1&beamWidth=5&count=5&maxLength=8']);
    const { captions } = await captioner.caption(
      photo,
      captioner.plan({ beamWidth: 5, count: 5, maxLength: 8 }),
    );
    assert.deepEqual(
      await sentences(card(page, basename(COFFEE))),
      captions.map((c) => c.text),
    );
  });

  it('asks for words that captions must say, and for none that name a gender', async (t) => {
    const { page, asked, choose } = await openPage(t);
    await page.locator('.options > summary').click();
    await page.getByLabel('Must contain').fill(' ball, the Grass ,');
    await page.getByLabel('Begins with').fill('Two dogs ');
    await page.getByLabel('No words for gender').check();
    await choose(COFFEE);
    const options = { requiredWords: ['ball', 'the grass'], prefix: 'two dogs', genderNeutral: true };
    assert.deepEqual(Object.fromEntries(new URLSearchParams(asked[0])), {
      trace: '1',
      requiredWords: 'ball,the Grass',
      prefix: 'Two dogs',
      genderNeutral: 'true',
    });
    const { captions } = await captioner.caption(photo, captioner.plan(options));
    assert.deepEqual(
      await sentences(card(page, 'coffee.jpg')),
      captions.map((c) => c.text),
    );
    assert.match(captions[0]!.text, /^two dogs .*ball/);
  });

  for (const { minConfidence, review } of [
    { minConfidence: 0, review: false },
    { minConfidence: 1, review: true },
  ]) {
    it(`says how sure it is of the best caption, where ${minConfidence} is enough`, async (t) => {
      const plan: typeof captioner.plan = (options) => captioner.plan({ ...options, minConfidence });
      const { page, choose } = await openPage(t, { parts: { plan } });
      await choose(COFFEE);
      const { confidence } = await captioner.caption(photo);
      const trust = page.locator('[data-caption="0"] .trust');
      assert.match(await trust.innerText(), new RegExp(`^${Math.round(100 * confidence!)}% sure`));
      assert.equal(/check/.test(await trust.innerText()), review);
      assert.match(await trust.getAttribute('title').then(String), /in a hundred with this number/);
      assert.equal(await page.locator('.trust:visible').count(), 1);
    });
  }

  it('says nothing of confidence where the model was not calibrated', async (t) => {
    const caption: typeof captioner.caption = async (...call) => {
      const { confidence, needsReview, ...result } = await captioner.caption(...call);
      return result;
    };
    const { page, choose } = await openPage(t, { parts: { caption } });
    await choose(COFFEE);
    assert.equal(await page.locator('.trust:visible').count(), 0);
  });

  /** The page had rules of its own once, and wrote most of these otherwise than the command line. */
  const HARD = [
    'a picture of a dog , a cat .',
    'an image showing the sea .',
    'a close up of a elephant .',
    "it 's a dog 's toy",
    'a black photo of two birds .',
    `a man ${'and a very small dog '.repeat(10)}.`,
  ];
  for (const said of HARD) {
    it(`copies "${said.slice(0, 30)}" as alternative text`, async (t) => {
      const caption: typeof captioner.caption = async (...call) => {
        const result = await captioner.caption(...call);
        return { ...result, captions: [{ ...result.captions[0]!, text: said }] };
      };
      const { page, choose } = await openPage(t, { parts: { caption } });
      await choose(COFFEE);
      await page.getByRole('button', { name: 'Copy as alt text' }).click();
      await copied(page);
      const text = await page.evaluate<string>('navigator.clipboard.readText()');
      assert.equal(text, altText(said));
    });
  }
});
