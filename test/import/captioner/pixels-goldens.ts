/** What image processors of transformers made of images; `make.py` beside the files says how. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { InferenceSession } from 'onnxruntime-node';
import { networkInput } from '../../../src/caption/preprocess.ts';
import { pixelValues } from '../../../src/import/captioner/pixels-graph.ts';
import { type Processor, readProcessor } from '../../../src/import/captioner/processor.ts';
import { decodeImage } from '../../../src/model/image.ts';
import { encoderFeeds } from '../../../src/model/networks/encoder-feeds.ts';
import { GraphBuilder } from '../../../src/onnx/graph.ts';
import { encodeModel } from '../../../src/onnx/write.ts';
import { open } from '../network/golden-parity.ts';

interface GoldenCase {
  image: string;
  processor: string;
  /** CHW. */
  shape: [channels: number, height: number, width: number];
  /** Where the samples begin, where they are kept. */
  at?: number;
  /** Of the samples as HWC. */
  sha256?: string;
}
interface Goldens {
  /** What each kind of processor says of itself where its file says nothing. */
  defaults: Record<string, unknown>[];
  processors: Record<string, Record<string, unknown>>;
  /** Where in the bytes it stands what becomes of each sample, float32 `[3, 256]`. */
  tables: Record<string, { at: number; bytes: number }>;
  cases: GoldenCase[];
}

/** How an image that was read here differs from what transformers reads. */
export interface Difference {
  case: GoldenCase;
  samples: number;
  /** Samples that differ. */
  different: number;
  /** Largest difference of what the network reads, in the units that a sample has there. */
  levels: number;
}

export function readGoldens(directory: string): Goldens {
  return JSON.parse(readFileSync(join(directory, 'goldens.json'), 'utf8'));
}

/** @param directory of the goldens @param root that paths of images are relative to */
export async function compareAll(directory: string, root: string): Promise<Difference[]> {
  const goldens = readGoldens(directory);
  const kept = gunzipSync(readFileSync(join(directory, 'goldens.u8.gz')));
  const readers = new Map<string, Reader>();
  for (const [name, config] of Object.entries(goldens.processors)) {
    const { at, bytes } = goldens.tables[name]!;
    const table = new Float32Array(new Uint8Array(kept.subarray(at, at + bytes)).buffer);
    readers.set(name, await readerOf(name, config, table));
  }
  const differences: Difference[] = [];
  for (const [image, cases] of Map.groupBy(goldens.cases, ({ image }) => image)) {
    const anyInput = readers.values().next().value!.processor.image;
    const photograph = await decodeImage(readFileSync(join(root, image)), anyInput);
    for (const each of cases) {
      differences.push(await compare(photograph, each, readers.get(each.processor)!, kept));
    }
  }
  return differences;
}

interface Reader {
  processor: Processor;
  session: InferenceSession;
  table: Float32Array;
}

async function readerOf(name: string, config: object, table: Float32Array): Promise<Reader> {
  const processor = readProcessor(`${name}.json`, JSON.stringify(config));
  const g = new GraphBuilder();
  const output = pixelValues(g, 'image', processor.normalize);
  const model = g.model(
    'pixels',
    [{ name: 'image', type: 'uint8', dims: ['N', 'H', 'W', 3] }],
    [{ name: output, type: 'float32', dims: ['N', 3, 'H', 'W'] }],
  );
  return { processor, session: await open(encodeModel(model), 1), table };
}

async function compare(
  photograph: Awaited<ReturnType<typeof decodeImage>>,
  golden: GoldenCase,
  { processor, session, table }: Reader,
  kept: Uint8Array,
): Promise<Difference> {
  const input = networkInput(photograph, processor.image);
  const [channels, height, width] = golden.shape;
  const samples = channels * height * width;
  if (input.rows !== height || input.columns !== width) {
    throw new Error(`${golden.processor}: ${input.columns} x ${input.rows}, not ${width} x ${height}`);
  }
  if (golden.at === undefined) {
    const hash = createHash('sha256')
      .update(input.pixels as Uint8Array)
      .digest('hex');
    const different = hash === golden.sha256 ? 0 : samples;
    return { case: golden, samples, different, levels: different === 0 ? 0 : Number.NaN };
  }
  const { pixel_values: found } = await session.run(encoderFeeds([input], processor.image));
  const wanted = kept.subarray(golden.at, golden.at + samples);
  const values = found!.data as Float32Array;
  const step = processor.normalize.std.map((std) => processor.normalize.scale / std);
  let different = 0;
  let levels = 0;
  for (let i = 0; i < samples; i++) {
    const channel = Math.floor(i / (height * width));
    const difference = Math.abs(values[i]! - table[256 * channel + wanted[i]!]!);
    if (difference > 0) different++;
    levels = Math.max(levels, difference / step[channel]!);
  }
  return { case: golden, samples, different, levels };
}
