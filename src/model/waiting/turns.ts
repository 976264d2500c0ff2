/** About two milliseconds' work for each element that is looked at. */
const TURN = 1 << 19;

/**
 * Work over many elements in turns, between which the other events of the thread get theirs: a server answers meanwhile.
 * @param work of elements `from` to before `to`; `false` ends it all
 */
export async function inTurns(
  length: number,
  work: (from: number, to: number) => boolean | undefined,
): Promise<void> {
  for (let from = 0; from < length; from += TURN) {
    if (from > 0) await new Promise((resolve) => setImmediate(resolve));
    if (work(from, Math.min(length, from + TURN)) === false) return;
  }
}
