/** The full network as a checkpoint, by the golden data's formula. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formulaWeights, GOLDEN, readNetwork } from '../import/network/formula-weights.ts';
import { type WrittenTensor, writeCheckpointV2 } from '../import/tensorflow/write-checkpoint.ts';

export const FULL = `${GOLDEN}/full.json`;

/** Writes a V2 checkpoint of 149 MB and a word list that fits it. */
export async function writeFullCheckpoint(
  directory: string,
): Promise<{ prefix: string; vocabulary: string }> {
  const prefix = join(directory, 'model.ckpt-1000000');
  await writeCheckpointV2(prefix, tensors());
  const vocabulary = join(directory, 'word_counts.txt');
  writeFileSync(vocabulary, wordList());
  return { prefix, vocabulary };
}

function* tensors(): Generator<WrittenTensor> {
  const network = readNetwork(FULL);
  const sorted = network.variables.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  for (const variable of sorted) {
    const { name, shape } = variable;
    yield { name, dtype: 'float32', shape, data: formulaWeights(network, variable) };
  }
}

/** 11,519 words; the end is id 1 and the start id 2, as in the list that the golden data was made with. */
function wordList(): string {
  const words = Array.from({ length: 11_519 }, (_, i) => `word${i}`);
  return words
    .with(1, '</S>')
    .with(2, '<S>')
    .map((word) => `${word} 4`)
    .join('\n');
}
