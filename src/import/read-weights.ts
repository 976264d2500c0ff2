/** The facade of all readers: weights out of any kind of file that an im2txt network is kept in. */
import { SourceError } from '../errors.ts';
import { openSourceFile } from './bytes/source-file.ts';
import { weightsOfGraph } from './network/frozen-graph.ts';
import { weightsOfCheckpoint } from './network/variables.ts';
import type { ShowAndTellWeights } from './network/weights.ts';
import { unpack } from './source/archive.ts';
import { inside } from './source/inside.ts';
import { type FoundSource, findInDirectory, findSource } from './source/source.ts';
import { openCheckpointV1 } from './tensorflow/checkpoint-v1.ts';
import { openCheckpointV2 } from './tensorflow/checkpoint-v2.ts';

export interface WeightsSource {
  kind: 'frozen-graph' | 'checkpoint-v1' | 'checkpoint-v2';
  /** The main file: the graph, the V1 checkpoint or the V2 index. */
  file: string;
  /** All files that were read, the main one first. */
  files: string[];
  /** Of all files. */
  bytes: number;
  /** Training steps, where the source says. */
  globalStep?: number;
  /** Names of tensors that the network does not need: optimizer slots, moving averages, the auxiliary head. */
  ignored: string[];
}

/** A `word_counts.txt` or `word_counts.txt.gz` that lies beside the source, or in it. */
export interface FoundVocabulary {
  file: string;
}

export interface ReadWeights {
  weights: ShowAndTellWeights;
  source: WeightsSource;
  vocabulary: FoundVocabulary | null;
  /** Removes what was unpacked; a vocabulary out of an archive is gone then. */
  dispose(): Promise<void>;
}

/**
 * @param path a frozen graph, a V1 checkpoint, a V2 checkpoint (its prefix or any of its files), a directory with one
 *   of these, or a .tar, .tar.gz or .zip archive
 * @throws SourceError; nothing is left behind then
 */
export async function readWeights(path: string): Promise<ReadWeights> {
  const found = await findSource(path);
  if (found.kind !== 'archive') return { ...(await read(found)), dispose: async () => undefined };
  const { directory, dispose } = await unpack(found);
  try {
    const inside = await findInDirectory(directory);
    const vocabulary = inside.vocabulary ?? found.vocabulary;
    return { ...(await read({ ...inside, vocabulary })), dispose };
  } catch (error) {
    await dispose();
    throw error instanceof SourceError ? inside(error, directory, found.file) : error;
  }
}

async function read(found: FoundSource): Promise<Omit<ReadWeights, 'dispose'>> {
  const { weights, source } = await (found.kind === 'frozen-graph'
    ? readGraphFile(found)
    : readCheckpoint(found));
  return { weights, source, vocabulary: found.vocabulary === null ? null : { file: found.vocabulary } };
}

async function readGraphFile({ file: path }: FoundSource) {
  const file = await openSourceFile(path);
  try {
    const { weights, ignored } = await weightsOfGraph(file);
    const source: WeightsSource = {
      kind: 'frozen-graph',
      file: path,
      files: [path],
      bytes: file.size,
      ignored,
    };
    return { weights, source };
  } finally {
    await file.close();
  }
}

async function readCheckpoint({ kind, file }: FoundSource) {
  const checkpoint =
    kind === 'checkpoint-v1'
      ? await openCheckpointV1(file)
      : await openCheckpointV2(file.replace(/\.index$/, ''), file);
  try {
    const { weights, ...rest } = await weightsOfCheckpoint(checkpoint);
    const { files, bytes } = checkpoint;
    const source: WeightsSource = { kind: checkpoint.kind, file, files, bytes, ...rest };
    return { weights, source };
  } finally {
    await checkpoint.close();
  }
}
