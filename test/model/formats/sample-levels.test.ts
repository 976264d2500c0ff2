import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { UnsupportedImage } from '../../../src/errors.ts';
import { levelsOf } from '../../../src/model/formats/levels.ts';

/** Grey levels of these samples, which have to be the same in all three channels. */
async function grey(samples: readonly number[]): Promise<number[]> {
  const rgb = [...(await levelsOf(Float32Array.from(samples), 1, false))];
  for (const i of samples.keys())
    assert.deepEqual([rgb[3 * i + 1], rgb[3 * i + 2]], [rgb[3 * i], rgb[3 * i]]);
  return rgb.filter((_, i) => i % 3 === 0);
}

/** `count` numbers from `low` to `high`, both among them. */
const ramp = (count: number, low: number, high: number) =>
  Array.from({ length: count }, (_, i) => low + (i * (high - low)) / (count - 1));

describe('levels', () => {
  const FULL = [0, 64, 128, 191, 255];
  const SCALED: [what: string, samples: number[], levels: number[]][] = [
    ['of 0 to 1 are that', [0, 0.25, 0.5, 0.75, 1], FULL],
    ['of 0 to 1 are that where the picture has few of them', [0.1, 0.15, 0.2, 0.25], [26, 38, 51, 64]],
    ['of less than a quarter of that are of another range', [0, 0.05, 0.1, 0.15, 0.2], FULL],
    ['from below zero', [-1, -0.5, 0, 0.5, 1], FULL],
    ['above one', [1, 1.25, 1.5, 1.75, 2], FULL],
    ['far from zero', [4, 5, 6, 7, 8].map((n) => n * 2 ** 100), FULL],
    ['of whole numbers', [0, 1000, 2000, 3000, 4000], FULL],
  ];
  for (const [what, samples, levels] of SCALED) {
    it(what, async () => assert.deepEqual(await grey(samples), levels));
  }

  it('are black where a sample is no number, and at the ends where it is infinite', async () => {
    const samples = [0, Number.NaN, 1000, 500, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    assert.deepEqual(await grey(samples), [0, 0, 255, 128, 255, 0]);
  });

  it('are not those of a few outliers at either end', async () => {
    const samples = [-1e6, ...ramp(998, 0, 997), 1e6];
    const levels = await grey(samples);
    assert.deepEqual([levels[0], levels.at(-1)], [0, 255]);
    for (const i of [5, 250, 500, 750, 990]) {
      assert.ok(Math.abs(levels[i]! - (255 * i) / 1000) < 3, `${i}: ${levels[i]}`);
    }
  });

  it('of almost one level are those of the rest', async () => {
    const stars = new Array<number>(2000).fill(7);
    stars[500] = 9;
    stars[900] = 11;
    const levels = await grey(stars);
    assert.deepEqual([levels[0], levels[500], levels[900]], [0, 128, 255]);
    stars[1] = Number.POSITIVE_INFINITY;
    stars[2] = Number.NaN;
    assert.deepEqual((await grey(stars)).slice(0, 3), [0, 255, 0]);
    stars[3] = 3;
    const wider = await grey(stars);
    assert.deepEqual([wider[3], wider[0], wider[900]], [0, 128, 255]);
  });

  it('are judged by samples from all of a large picture', async () => {
    // A hundred times as many as are looked at, whose last rows alone are bright.
    const samples = new Float32Array(3 * 2 ** 21);
    samples.fill(0.5, samples.length - samples.length / 64);
    for (let i = 0; i < samples.length; i += 3) samples[i]! += 0.001;
    const levels = await levelsOf(samples, 3, false);
    assert.deepEqual([...levels.slice(0, 3)], [0, 0, 0]);
    assert.deepEqual([...levels.slice(-3)], [128, 128, 128]);
  });

  it('of several channels are on one scale', async () => {
    const samples = Float32Array.of(0, 500, 1000, 250, 250, 750);
    assert.deepEqual([...(await levelsOf(samples, 3, false))], [0, 128, 255, 64, 64, 191]);
  });

  it('of linear light are encoded as sRGB has it', async () => {
    // IEC 61966-2-1: level, and the light that belongs to it.
    const light = [0, 0.0030353, 0.0512695, 0.2158605, 0.6038273, 1];
    const levels = [0, 10, 64, 128, 204, 255];
    const coloured = light.flatMap((value) => [value, value, value]);
    const found = [...(await levelsOf(Float32Array.from(coloured), 3, true))].filter((_, i) => i % 3 === 0);
    for (const [i, level] of levels.entries()) assert.ok(Math.abs(found[i]! - level) <= 1, `${found}`);
    // The steps from dark to light are even to the eye: none is missing.
    const dark = Float32Array.from({ length: 3 * 256 }, (_, i) => Math.floor(i / 3) / 255);
    assert.ok(new Set(await levelsOf(dark, 3, true)).size > 180);
    const outside = Float32Array.from([...ramp(998, 0, 1), -5, 5, Number.NaN, 1]);
    assert.deepEqual([...(await levelsOf(outside, 3, true)).slice(-4)], [0, 255, 0, 255]);
  });

  it('of whole numbers were encoded before, those of 0 and 1 were not', async () => {
    const whole = Float32Array.of(0, 64, 128, 191, 255, 128);
    assert.deepEqual([...(await levelsOf(whole, 3, true))], [...whole]);
    const flags = Float32Array.of(0, 1, 0, 1, 1, 0);
    assert.deepEqual([...(await levelsOf(flags, 3, true))], [0, 255, 0, 255, 255, 0]);
    const fractions = Float32Array.of(0, 64.5, 128, 191, 255, 128);
    assert.ok((await levelsOf(fractions, 3, true))[2]! > 180);
  });

  it('that are not there are said to be missing', async () => {
    for (const [value, said] of [
      [0.5, 'all samples are 0.5, so that there is no picture to see'],
      [Number.NaN, 'no sample is a finite number, so that there is no picture to see'],
      [Number.POSITIVE_INFINITY, 'no sample is a finite number, so that there is no picture to see'],
    ] as const) {
      await assert.rejects(levelsOf(new Float32Array(300).fill(value), 1, false), new UnsupportedImage(said));
    }
  });
});
