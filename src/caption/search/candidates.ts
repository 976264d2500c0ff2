/** Of a `StepOutput`: `[B, k]` and, when asked for, `[B, V]`. */
interface Ranked {
  logProbabilities: Float32Array;
  ids: Int32Array;
  all?: Float32Array;
}

/** A word that may follow. */
export interface Candidate {
  id: number;
  logProbability: number;
  /** A constraint asks for it. */
  wanted: boolean;
}

/** The k best words of a row and, behind them, the wanted ones that are not among these; both best first. */
export function candidatesOf(output: Ranked, row: number, k: number, wanted: readonly number[]): Candidate[] {
  const best = Array.from({ length: k }, (_, i) => {
    const id = output.ids[row * k + i]!;
    return { id, logProbability: output.logProbabilities[row * k + i]!, wanted: wanted.includes(id) };
  });
  if (wanted.length === 0) return best;
  const all = output.all!;
  const width = all.length / (output.ids.length / k);
  const others = wanted
    .filter((id) => !best.some((candidate) => candidate.id === id))
    .map((id) => ({ id, logProbability: all[row * width + id]!, wanted: true }));
  return [...best, ...others.sort((a, b) => b.logProbability - a.logProbability || a.id - b.id)];
}
