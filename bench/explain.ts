/**
 * Whether heat maps show what a caption leans on: `npx node bench/explain.ts DIR [--images 200] [--model DIR]`. Leaves out
 * the third of the cells that the best caption leans on most, and as many chosen by chance, and prints by how much the
 * caption's log-probability falls. JSON lines on standard output.
 */
import { globSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { scoreWithCells } from '../src/caption/explain.ts';
import type { Decoder, NativeParts } from '../src/caption/ports.ts';
import { DEFAULT_BUNDLE, loadCaptioner } from '../src/model/load.ts';
import { report } from './shared/report.ts';
import { median } from './shared/statistics.ts';

const SHARE_LEFT_OUT = 1 / 3;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    model: { type: 'string', default: DEFAULT_BUNDLE },
    images: { type: 'string', default: '200' },
  },
});

let decoder: Decoder | undefined;
let regions = new Float32Array();
let seed = 1;
const captioner = await loadCaptioner(values.model, {
  observe: (native) => {
    decoder = native;
    const encode: NativeParts['encode'] = async (...input) => {
      const encoded = await native.encode(...input);
      regions = encoded.regions as typeof regions;
      return encoded;
    };
    return { ...native, encode };
  },
});
const { manifest, vocabulary } = captioner.bundle;
const cells = Array.from({ length: manifest.regions }, (_, cell) => cell);
const leftOut = Math.round(cells.length * SHARE_LEFT_OUT);

const names = globSync('**/*.{jpg,jpeg,png}', { cwd: positionals[0] ?? '.' }).sort();
const falls: { important: number; chance: number }[] = [];
for (const name of names.slice(0, Number(values.images))) {
  falls.push(await fallsOf(await readFile(join(positionals[0] ?? '.', name))));
}
const typical = (pick: (fall: (typeof falls)[number]) => number) => median(falls.map(pick));
report({ measure: 'explain: images', value: falls.length, unit: 'images' });
report({
  measure: 'explain: fall without the most important cells, median',
  value: typical((f) => f.important),
  unit: 'nats',
});
report({
  measure: 'explain: fall without as many by chance, median',
  value: typical((f) => f.chance),
  unit: 'nats',
});
report({
  measure: 'explain: images that lose more than by chance',
  value: falls.filter((f) => f.important > f.chance).length / falls.length,
  unit: 'ratio',
});

async function fallsOf(bytes: Uint8Array): Promise<{ important: number; chance: number }> {
  const { captions, explanation } = await captioner.caption(bytes, undefined, { explain: true });
  const [best] = captions;
  const said = vocabulary.plan({ banned: [], prefix: best!.text, required: [] });
  if (!('prefix' in said)) throw new Error('the words of this model are pieces, which a text does not tell');
  const ids = [...vocabulary.startIds, ...said.prefix, ...(best!.truncated ? [] : [vocabulary.endId])];
  const weight = cells.map((cell) =>
    explanation!.words.reduce((sum, { importance }) => sum + importance[cell]!, 0),
  );
  const important = cells.toSorted((a, b) => weight[b]! - weight[a]!).slice(0, leftOut);
  const chance = shuffled(cells).slice(0, leftOut);
  const groups = [[], important, chance].map((out: number[]) => cells.filter((cell) => !out.includes(cell)));
  const image = { regions, width: manifest.embeddingWidth };
  const scores = await scoreWithCells(decoder!, image, ids, groups);
  const [whole, withoutImportant, withoutChance] = scores.map((row) => row.reduce((a, b) => a + b, 0));
  return { important: whole! - withoutImportant!, chance: whole! - withoutChance! };
}

/** By chance, but the same in every run: a linear congruential generator (Numerical Recipes, section 7.1). */
function shuffled(items: readonly number[]): number[] {
  const next = () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return seed;
  };
  return items
    .map((item) => ({ item, key: next() }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item);
}
