/** Longer names are compared by their first bytes: the distance costs the product of the lengths. */
const MAX_COMPARED = 200;

/** The names that differ least from `name`, best first. */
export function nearestNames(name: string, names: Iterable<string>, count = 3): string[] {
  return [...names]
    .map((found) => ({ found, distance: editDistance(name, found) }))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, count)
    .map(({ found }) => found);
}

/** Levenshtein's distance: the fewest letters to insert, drop or change. */
export function editDistance(from: string, to: string): number {
  const a = from.slice(0, MAX_COMPARED);
  const b = to.slice(0, MAX_COMPARED);
  // row[j]: distance of a's first i letters to b's first j
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
