/** The tiny exports of test/fixtures/captioners: their graphs rewritten, what transformers says of them, their images. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { networkInput } from '../../../../src/caption/preprocess.ts';
import { findExport } from '../../../../src/import/captioner/export-files.ts';
import { FIRST_GRAPH, measureEncoder, openParts } from '../../../../src/import/captioner/export-parts.ts';
import {
  type CaptionerGraphs,
  captionerGraphs,
} from '../../../../src/import/captioner/graphs/captioner-graphs.ts';
import { pixelValues } from '../../../../src/import/captioner/pixels-graph.ts';
import { type Processor, readProcessor } from '../../../../src/import/captioner/processor.ts';
import { withoutPrompts } from '../../../../src/import/captioner/prompt.ts';
import type { Precision } from '../../../../src/import/export-names.ts';
import { decodeImage } from '../../../../src/model/image.ts';
import { encodeModel } from '../../../../src/onnx/write.ts';
import { ROOT } from '../../../support/samples.ts';

export const CAPTIONERS = join(ROOT, 'test/fixtures/captioners');

export interface Golden {
  photographs: string[];
  settings: Record<string, { max_length: number }>;
  prompts?: Record<string, { ids: number[] }>;
  /** Of each photograph its sequences, best first. */
  captions: Record<string, { ids: number[]; score: number }[][]>;
}

export const readGolden = (kind: string, file = 'golden.json'): Golden => json(join(CAPTIONERS, kind, file));
const json = <T>(file: string): T => JSON.parse(readFileSync(file, 'utf8')) as T;

export interface Tiny {
  graphs: CaptionerGraphs;
  image: Processor['image'];
  encoder: InferenceSession;
  decoder: InferenceSession;
}

/** Warnings of onnxruntime about names are none of ours. */
const QUIET = { logSeverityLevel: 3 } as const;

export async function rewritten(kind: string, precision?: Precision): Promise<Tiny> {
  const directory = join(CAPTIONERS, kind);
  const file = join(directory, 'preprocessor_config.json');
  const { image, normalize } = readProcessor(file, withoutPrompts(readFileSync(file, 'utf8')));
  const prompt = kind === 'florence2' ? readGolden(kind).prompts!['<CAPTION>']!.ids : null;
  const files = await findExport(directory, precision, FIRST_GRAPH[prompt === null ? 'plain' : 'prompted']);
  const parts = await openParts(files, prompt);
  const measured = await measureEncoder(parts, image);
  const encoder = {
    model: parts.encoder,
    ...measured,
    pixels: (...[g, value]: Parameters<typeof pixelValues>) => pixelValues(g, value, normalize),
    file: parts.encoderFile,
  };
  const graphs = captionerGraphs(encoder as Parameters<typeof captionerGraphs>[0], parts.decoders);
  return {
    graphs,
    image,
    encoder: await InferenceSession.create(encodeModel(graphs.encoder), QUIET),
    decoder: await InferenceSession.create(encodeModel(graphs.decoder), QUIET),
  };
}

/** A photograph as the image processor of a kind resizes and crops it. */
export async function resized(image: Processor['image'], photograph: string): Promise<Uint8Array> {
  const decoded = await decodeImage(readFileSync(join(ROOT, photograph)), image);
  return networkInput(decoded, image).pixels as Uint8Array;
}

export interface Row {
  states: Tensor[];
  memory: Tensor[];
}

/** What all steps over these images read, each with as many rows, none with a word so far. */
export async function begun(
  { graphs, encoder, image }: Tiny,
  images: Uint8Array[],
  rows: number,
): Promise<Row> {
  const shape = [images.length, image.height, image.width, 3];
  const out = await encoder.run({ image: new Tensor('uint8', Buffer.concat(images), shape) });
  const states = graphs.state.map(({ dtype, shape }) => {
    const dims = shape.map((d) => (d === 'rows' ? images.length * rows : d === 'length' ? 0 : (d as number)));
    const none = dtype === 'int64' ? new BigInt64Array(0) : new Float32Array(0);
    return new Tensor(dtype as 'float32', none as Float32Array, dims);
  });
  return { states, memory: graphs.memory.map((_, i) => out[`memory.${i}`]!) };
}

export interface Stepped extends Row {
  /** Of each row. */
  best: number[];
  logProbabilities: Float32Array[];
}

export async function step(
  { graphs, decoder }: Tiny,
  row: Row,
  words: number[],
  parents: number[],
): Promise<Stepped> {
  const integers = (values: number[]) =>
    new Tensor('int64', BigInt64Array.from(values, BigInt), [values.length]);
  const out = await decoder.run({
    word: integers(words),
    parent: integers(parents),
    k: integers([1]),
    ...Object.fromEntries(row.states.map((tensor, i) => [`state.${i}`, tensor])),
    ...Object.fromEntries(row.memory.map((tensor, i) => [`memory.${i}`, tensor])),
  });
  const all = out.log_probabilities!.data as Float32Array;
  return {
    states: graphs.state.map((_, i) => out[`next.${i}`]!),
    memory: row.memory,
    best: Array.from(out.top_ids!.data as BigInt64Array, Number),
    logProbabilities: words.map((_, i) => all.subarray(i * graphs.logits, (i + 1) * graphs.logits)),
  };
}

export interface Rules {
  startIds: readonly number[];
  endId: number;
  maxLength: number;
  /** The last place of all is the end's (`forced_eos_token_id`). */
  endsAnyhow: boolean;
}

/** The most likely word each time. @returns ids, those of the start and of the end included, and the sum of log-probabilities */
export async function greedy(
  tiny: Tiny,
  image: Uint8Array,
  { startIds, endId, maxLength, endsAnyhow }: Rules,
): Promise<{ ids: number[]; score: number }> {
  let row = await begun(tiny, [image], 1);
  const ids = [startIds[0]!];
  let score = 0;
  while (ids.length < maxLength) {
    const stepped = await step(tiny, row, [ids.at(-1)!], [0]);
    const [logProbabilities] = stepped.logProbabilities as [Float32Array];
    const last = endsAnyhow && ids.length === maxLength - 1;
    const given = startIds[ids.length] ?? (last ? endId : undefined);
    const word = given ?? stepped.best[0]!;
    // What has to come is certain.
    if (given === undefined) score += logProbabilities[word]!;
    const begun = ids.length >= startIds.length;
    ids.push(word);
    if (begun && word === endId) break;
    row = stepped;
  }
  return { ids, score };
}
