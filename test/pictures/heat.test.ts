import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import sharp from 'sharp';
import { heatCells, placeOfCells, tellingShare, UNHEEDED } from '../../src/pictures/heat.ts';
import { heatMaps } from '../../src/pictures/heat-map.ts';
import { COFFEE } from '../support/samples.ts';

test('a cell is the more amber and the less dark the more a word leaned on it', () => {
  const cells = heatCells([0.5, 0, 0.25, -1]);
  const [strongest, none, half, below] = [0, 4, 8, 12].map((at) => [...cells.subarray(at, at + 4)]);
  const { r, g, b, alpha } = UNHEEDED;
  assert.deepEqual(none, [r, g, b, Math.round(255 * alpha)]);
  assert.deepEqual(below, none, 'likelier without the cell counts as nothing');
  assert.ok(strongest![0]! > half![0]! && half![0]! > none![0]!);
  assert.ok(strongest![0]! > 200 && strongest![2]! < 50, 'amber');
});

test('one scale holds for all words: what is worth little is never as bright as what is worth much', () => {
  const dark = [...heatCells([0])];
  assert.deepEqual(
    [...heatCells([0.009])],
    dark,
    'too little to be told in words glows no more than nothing',
  );
  const [faint, some, much] = [0.011, 0.1, 0.5].map((importance) => heatCells([importance])[0]!);
  assert.ok(dark[0]! < faint! && faint! < some! && some! < much!, `${faint} ${some} ${much}`);
  assert.deepEqual(
    [...heatCells([0.1, 2]).subarray(0, 4)],
    [...heatCells([0.1])],
    'whatever stands beside it',
  );
});

// Amber of 0.62 x strength over darkness of 0.58 x (1 - strength); the strength is the place of the share between 1 and 50 %
// on a scale of logarithms, from 0.15 on. Worked out apart from the code.
test('colours of shares from the faintest to the strongest', () => {
  const importance = (share: number) => -Math.log(1 - share);
  const colours: [share: number, rgba: number[]][] = [
    [0.0100001, [51, 35, 20, 138]],
    [Math.sqrt(0.01 * 0.5), [179, 107, 20, 131]],
    [0.25, [237, 140, 20, 145]],
    [0.5, [255, 150, 20, 158]],
    [0.9, [255, 150, 20, 158]],
  ];
  for (const [share, rgba] of colours) {
    const found = [...heatCells([importance(share)])];
    assert.ok(
      found.every((value, i) => Math.abs(value - rgba[i]!) <= 1),
      `${share}: ${found}`,
    );
  }
  assert.ok(Math.abs(tellingShare(importance(0.25)) - 0.25) < 1e-12);
  assert.equal(tellingShare(importance(0.0099)), 0);
});

test('a word that leaned on nothing is dark all over', () => {
  assert.deepEqual(new Set(heatCells([0, 0, 0])), new Set(heatCells([0])));
});

test('cells lie in whole pixels inside of the picture, however small it is', () => {
  const area = { left: 0.12, top: 0, width: 0.88, height: 1 };
  assert.deepEqual(placeOfCells({ area }, 100, 50), { left: 12, top: 0, width: 88, height: 50 });
  const middle = { left: 0.25, top: 0.4, width: 0.5, height: 0.2 };
  assert.deepEqual(placeOfCells({ area: middle }, 200, 50), { left: 50, top: 20, width: 100, height: 10 });
  const edge = { left: 0.999, top: 0.999, width: 0.001, height: 0.001 };
  assert.deepEqual(placeOfCells({ area: edge }, 10, 20), { left: 9, top: 19, width: 1, height: 1 });
  for (const size of [1, 2, 3]) {
    const { left, top, width, height } = placeOfCells({ area }, size, size);
    assert.ok(left + width <= size && top + height <= size && width > 0 && height > 0, String(size));
  }
});

test('a heat map is the photograph, dark where the network saw nothing', async () => {
  const area = { left: 0.5, top: 0, width: 0.5, height: 1 };
  const explanation = { rows: 1, columns: 2, area, words: [{ word: 'cup', importance: [1, 1] }] };
  const [map] = await heatMaps(readFileSync(COFFEE), explanation);
  const photo = await sharp(readFileSync(COFFEE)).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const found = await sharp(map).raw().toBuffer({ resolveWithObject: true });
  assert.deepEqual([found.info.width, found.info.height], [photo.info.width, photo.info.height]);
  const { width } = found.info;
  const pixel = ({ data, info }: typeof found, x: number, y: number) => {
    const at = info.channels * (y * width + x);
    return [...data.subarray(at, at + 3)];
  };
  const { r, g, b, alpha } = UNHEEDED;
  for (const x of [0, 100, width / 2 - 1]) {
    const expected = pixel(photo, x, 7).map((value, i) => value * (1 - alpha) + [r, g, b][i]! * alpha);
    for (const [i, value] of pixel(found, x, 7).entries()) {
      // sharp rounds down where it multiplies with opacity, twice.
      assert.ok(Math.abs(value - expected[i]!) <= 2.5, `x ${x}`);
    }
  }
  const [red, , blue] = pixel(found, width - 5, 7);
  assert.ok(red! - blue! > 80, 'amber');
});

test('cells lie on the photograph where the network saw them, in the middle too', async () => {
  const photo = await sharp({ create: { width: 1000, height: 500, channels: 3, background: '#808080' } })
    .png()
    .toBuffer();
  const area = { left: 0.25, top: 0.5, width: 0.5, height: 0.25 };
  const explanation = { rows: 2, columns: 1, area, words: [{ word: 'cup', importance: [2, 2] }] };
  const { data, info } = await sharp((await heatMaps(photo, explanation))[0])
    .raw()
    .toBuffer({ resolveWithObject: true });
  assert.deepEqual([info.width, info.height], [640, 320], 'wide enough to see, and no wider');
  const isAmber = (x: number, y: number) => {
    const at = info.channels * (y * 640 + x);
    return data[at]! - data[at + 2]! > 80;
  };
  const inside = [
    [170, 170],
    [470, 230],
  ] as const;
  const outside = [
    [150, 200],
    [490, 200],
    [320, 150],
    [320, 250],
  ] as const;
  for (const [x, y] of inside) assert.ok(isAmber(x, y), `${x} ${y}`);
  for (const [x, y] of outside) assert.ok(!isAmber(x, y), `${x} ${y}`);
});
