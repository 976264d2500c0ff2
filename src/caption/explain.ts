/**
 * Which part of the image a word came from. The image's embedding is the mean of its cells' embeddings, so leaving a
 * cell out needs no second encoder pass: the caption is scored again from the mean of the other cells, and a word
 * that loses probability had leaned on that cell (occlusion, Zeiler and Fergus 2014, in the space of embeddings).
 */
import type { Decoder } from './ports.ts';
import type { ImageArea } from './preprocess.ts';
import type { Explanation } from './result.ts';
import { sumsOfWords, type Vocabulary } from './vocabulary/vocabulary.ts';

export interface ExplainedImage {
  /** Float32 `[R, E]`: the embeddings of the cells of one image. */
  regions: Float32Array;
  /** E. */
  width: number;
}

/**
 * Scores one caption from several groups of cells in shared decoder runs.
 * @param ids the caption, from the start id on
 * @param groups for each group the cells that are left in; none is empty
 * @returns for each group the log-probability of each id after the first
 */
export async function scoreWithCells(
  { start, step }: Decoder,
  { regions, width }: ExplainedImage,
  ids: readonly number[],
  groups: readonly (readonly number[])[],
  checkpoint: () => void = () => undefined,
): Promise<number[][]> {
  const rows = groups.length;
  const parents = groups.map((_, row) => row);
  checkpoint();
  let state = await start({ embeddings: meansOf(regions, width, groups), regions }, parents);
  const scores = groups.map((): number[] => []);
  for (let i = 1; i < ids.length; i++) {
    checkpoint();
    const words = Array<number>(rows).fill(ids[i - 1]!);
    const output = await step({ words, parents, state, k: 1, all: true });
    const vocabulary = output.all!.length / rows;
    for (let row = 0; row < rows; row++) scores[row]!.push(output.all![row * vocabulary + ids[i]!]!);
    state = output.state;
  }
  return scores;
}

/** Float32 `[groups, E]`: the mean of each group's cells. */
function meansOf(regions: Float32Array, width: number, groups: readonly (readonly number[])[]): Float32Array {
  const means = new Float32Array(groups.length * width);
  groups.forEach((cells, group) => {
    for (const cell of cells) {
      for (let i = 0; i < width; i++) means[group * width + i]! += regions[cell * width + i]! / cells.length;
    }
  });
  return means;
}

/**
 * @param ids the caption to explain, from the start id on
 * @param checkpoint called before each decoder run; what it throws ends the work
 */
export async function explain(
  decoder: Decoder,
  image: ExplainedImage & { area: ImageArea },
  ids: readonly number[],
  vocabulary: Vocabulary,
  checkpoint?: () => void,
): Promise<Explanation> {
  const cells = Array.from({ length: image.regions.length / image.width }, (_, cell) => cell);
  const without = cells.map((left) => cells.filter((cell) => cell !== left));
  const [whole, ...others] = await scoreWithCells(decoder, image, ids, [cells, ...without], checkpoint);
  const said = vocabulary.words(ids);
  const falls = others.map((scores) =>
    sumsOfWords(
      said,
      scores.map((score, i) => whole![i]! - score),
    ),
  );
  const words = said.map(({ word }, i) => ({ word, importance: falls.map((fall) => fall[i]!) }));
  // Encoders take square images.
  const side = Math.round(Math.sqrt(cells.length));
  return { rows: side, columns: side, area: image.area, words };
}
