const NONE: ReadonlySet<number> = new Set();

/**
 * Ids that would make a run of `length` ids come a second time (`no_repeat_ngram_size` of transformers; Paulus et al. 2017).
 * @param length 0 for none
 */
export function idsThatRepeat(ids: readonly number[], length: number): ReadonlySet<number> {
  if (length === 0) return NONE;
  const last = ids.slice(ids.length - length + 1);
  const found = new Set<number>();
  for (let at = 0; at + length <= ids.length; at++) {
    if (last.every((id, i) => id === ids[at + i])) found.add(ids[at + length - 1]!);
  }
  return found;
}
