/**
 * Makes the full network's bundles for measuring: `npx node test/full/make-bundles.ts DIRECTORY` writes DIRECTORY/fp32 and
 * DIRECTORY/int8, with `--fp32` the first of them alone, in seconds. Its weights come from a formula: the speed is that of trained ones, the captions are word salad.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { importWeights } from '../../src/import/import-weights.ts';
import { quantizeBundle } from '../../src/quantize/quantize-bundle.ts';
import { readSamples } from '../support/samples.ts';
import { writeFullCheckpoint } from './full-checkpoint.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { fp32: { type: 'boolean', default: false } },
});
const [directory] = positionals;
if (directory === undefined) throw new Error('usage: node test/full/make-bundles.ts DIRECTORY [--fp32]');
mkdirSync(directory, { recursive: true });
const { prefix, vocabulary } = await writeFullCheckpoint(directory);
const started = performance.now();
const { draft } = await importWeights({
  from: prefix,
  vocabulary,
  repairVocabulary: false,
  out: join(directory, 'fp32'),
  name: 'full-fp32',
  license: 'none',
});
await draft.publish();
const peak = process.resourceUsage().maxRSS / 1024;
console.log(
  `import: ${((performance.now() - started) / 1000).toFixed(1)} s, peak RSS ${peak.toFixed(0)} MiB`,
);
if (!values.fp32) await quantize(directory);

async function quantize(directory: string): Promise<void> {
  const images = readSamples().map(({ bytes }) => bytes);
  const quantizing = performance.now();
  const { draft: int8, agreement } = await quantizeBundle({
    directory: join(directory, 'fp32'),
    images: Array.from({ length: 32 }, (_, i) => images[i % images.length]!),
    out: join(directory, 'int8'),
    name: 'full-int8',
    onProgress: () => undefined,
  });
  await int8.publish();
  console.log(`quantize: ${((performance.now() - quantizing) / 1000).toFixed(1)} s, ${agreement.method}`);
}
