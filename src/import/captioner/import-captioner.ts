/** A captioner that Hugging Face's exporters wrote becomes a bundle. */
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import * as z from 'zod';
import { InvalidRequest, SourceError } from '../../errors.ts';
import type { CaptionerManifest } from '../../model/manifest.ts';
import { sha256Of } from '../../model/sha256.ts';
import { type Draft, draftBundle } from '../../model/write-bundle.ts';
import type { OnnxModel } from '../../onnx/graph.ts';
import { sizeOf } from '../../onnx/schema.ts';
import { modelParts } from '../../onnx/write.ts';
import type { Precision } from '../export-names.ts';
import { findExport, readJson, unreadable } from './export-files.ts';
import { FIRST_GRAPH, measureEncoder, openParts } from './export-parts.ts';
import { type ExportSettings, readSettings } from './export-settings.ts';
import { captionerGraphs } from './graphs/captioner-graphs.ts';
import { modelCard } from './model-card.ts';
import { pixelValues } from './pixels-graph.ts';
import { readProcessor } from './processor.ts';
import { type CaptionerTask, promptIds, withoutPrompts } from './prompt.ts';
import { checkWidth, readTokenizer } from './read-tokenizer.ts';

/** Where an export came from. */
export interface CaptionerOrigin {
  /** `owner/name` on the hub. */
  id: string;
  /** Commit. */
  revision: string;
  /** SHA-256 of each file, by its path in the directory. */
  files: Record<string, string>;
  /** Ids of what the card says that it was made of. */
  baseModels: readonly string[];
}

export interface CaptionerSettings {
  directory: string;
  origin?: CaptionerOrigin;
  out: string;
  name: string;
  /** @default unknown */
  license?: string;
  /** Which of several files. @default what is there, fp32 before the others */
  precision?: Precision;
  /** Of Florence-2. @default caption */
  task?: CaptionerTask;
}

export type { CaptionerTask };

export interface ImportedCaptioner {
  draft: Draft;
  /** What its configuration says of searches that is less or more here, a sentence each. */
  changed: string[];
}

/** Where neither a card nor the user names one. */
export const UNKNOWN_LICENSE = 'unknown: see where the weights came from';

/**
 * Writes the bundle beside its place; publish or discard the draft.
 * @throws SourceError; InvalidRequest for a task where there is none
 */
export async function importCaptioner(settings: CaptionerSettings): Promise<ImportedCaptioner> {
  const { directory, out, name, origin, precision, task } = settings;
  const text = (file: string) => textOf(join(directory, file));
  const asked = await readSettings(directory);
  if (task !== undefined && asked.kind !== 'prompted') {
    throw new InvalidRequest(`--task is for exports of Florence-2, this is ${asked.architecture}`);
  }
  const { image, normalize } = readProcessor(
    join(directory, 'preprocessor_config.json'),
    withoutPrompts(await text('preprocessor_config.json')),
  );
  const tokenizerJson = await text('tokenizer.json');
  const tokenizer = await readTokenizer(join(directory, 'tokenizer.json'), tokenizerJson);
  const prompt =
    asked.kind === 'prompted'
      ? await promptIds({ directory, tokenizer, asked, task: task ?? 'caption' })
      : null;
  const files = await findExport(directory, precision, FIRST_GRAPH[asked.kind]);
  const parts = await openParts(files, prompt);
  checkSize(directory, parts.encoder);
  const measured = await measureEncoder(parts, image);
  const graphs = captionerGraphs(
    {
      model: parts.encoder,
      ...measured,
      pixels: (g, value) => pixelValues(g, value, normalize),
      file: parts.encoderFile,
    },
    parts.decoders,
  );
  checkWidth(join(directory, 'tokenizer.json'), tokenizer, graphs.logits);
  checkIds(join(directory, 'config.json'), asked, graphs.logits);
  for (const graph of [graphs.encoder, graphs.decoder]) checkSize(directory, graph);
  const manifest: Omit<CaptionerManifest, 'files'> = {
    formatVersion: 2,
    name,
    description: `${asked.architecture} captioner imported from ${origin?.id ?? basename(directory)}`,
    image,
    embeddingWidth: graphs.embeddingWidth,
    regions: graphs.regions,
    architecture: asked.architecture,
    tokens: {
      logits: graphs.logits,
      startIds: asked.startIds,
      endId: asked.endId,
      ...(asked.longest !== undefined && { longest: asked.longest }),
      ...((await closesUp(directory)) && { closesUp: true }),
    },
    state: graphs.state as CaptionerManifest['state'],
    memory: graphs.memory as CaptionerManifest['memory'],
    search: asked.search,
    precision: parts.precision,
    decoding: asked.decoding,
    license: settings.license ?? UNKNOWN_LICENSE,
    provenance: await provenanceOf([...parts.paths, 'tokenizer.json'], settings, asked),
  };
  const draft = await draftBundle(
    out,
    {
      encoder: modelParts(graphs.encoder),
      decoder: modelParts(graphs.decoder),
      tokenizer: [Buffer.from(tokenizerJson)],
      card: [Buffer.from(modelCard(manifest, origin))],
    },
    manifest,
  );
  return { draft, changed: asked.changed };
}

/** Of one ONNX file: protobuf counts its bytes in 31 bits. */
const MAX_GRAPH_BYTES = 2 ** 31 - 1;

function checkSize(directory: string, { name, constants }: OnnxModel): void {
  const bytes = [...constants.values()].reduce((sum, tensor) => sum + sizeOf(tensor), 0);
  if (bytes <= MAX_GRAPH_BYTES) return;
  throw new SourceError('SourceUnsupported', {
    file: directory,
    expected: `an ${name} of at most ${MAX_GRAPH_BYTES} bytes`,
    actual: `${bytes}`,
    remedy: 'Take files of fewer bits: --precision fp16 or int8.',
  });
}

function checkIds(file: string, { startIds, endId }: ExportSettings, logits: number): void {
  const beyond = [...startIds, endId].find((id) => id >= logits);
  if (beyond === undefined) return;
  throw new SourceError('VocabularyMismatch', {
    file,
    expected: `ids of start and end below ${logits}, as many as the decoder knows`,
    actual: `${beyond}`,
  });
}

/** Whether the tokenizer takes blanks before stops out of its texts; a file that is not there says no, as transformers does. */
async function closesUp(directory: string): Promise<boolean> {
  const said = await readJson(join(directory, 'tokenizer_config.json')).catch(() => null);
  return z.object({ clean_up_tokenization_spaces: z.literal(true) }).safeParse(said).success;
}

async function textOf(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((cause: unknown) => {
    throw unreadable(file, cause);
  });
}

async function provenanceOf(
  paths: readonly string[],
  { directory, origin, license }: CaptionerSettings,
  { architecture }: ExportSettings,
): Promise<CaptionerManifest['provenance']> {
  const source = origin ? `${origin.id} at ${origin.revision}` : basename(directory);
  const madeOf = origin?.baseModels.length ? `, made of ${origin.baseModels.join(', ')}` : '';
  return Promise.all(
    paths.map(async (path) => ({
      what: `${architecture}, export of Hugging Face: ${path}${madeOf}`,
      source,
      license: license ?? UNKNOWN_LICENSE,
      sha256: origin?.files[path] ?? (await sha256Of(join(directory, path))),
    })),
  );
}
