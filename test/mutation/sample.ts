import { createHash } from 'node:crypto';
import type { Mutant } from './mutants.ts';

/**
 * The same `size` mutants for the same seed, each as likely as every other. What is written elsewhere in a file does not
 * change which of its mutants are taken.
 */
export function sampleOf(mutants: readonly Mutant[], size: number, seed: string): Mutant[] {
  const seen = new Map<string, number>();
  return mutants
    .map((mutant) => {
      const text = `${mutant.file} ${mutant.from} ${mutant.to}`;
      const nth = seen.get(text) ?? 0;
      seen.set(text, nth + 1);
      return { mutant, rank: createHash('sha256').update(`${seed} ${nth} ${text}`).digest('hex') };
    })
    .sort((a, b) => (a.rank < b.rank ? -1 : 1))
    .slice(0, size)
    .map(({ mutant }) => mutant);
}

/** Wilson's interval, 95 %, of the share that a sample of `of`, `hits` of which hit, estimates. */
export function interval(hits: number, of: number): { low: number; high: number } {
  if (of === 0) return { low: 0, high: 1 };
  const z = 1.96;
  const share = hits / of;
  const centre = share + z ** 2 / (2 * of);
  const reach = z * Math.sqrt((share * (1 - share)) / of + z ** 2 / (4 * of ** 2));
  const scale = 1 + z ** 2 / of;
  return { low: Math.max(0, (centre - reach) / scale), high: Math.min(1, (centre + reach) / scale) };
}
