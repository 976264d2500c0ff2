import type { Caption } from '../../caption/result.ts';
import { printable } from '../../printable.ts';

/** Below this the tutorial's six decimals would all be 0. */
const SMALLEST_SHOWN = 1e-6;

/** Ranked captions as the Show and Tell tutorial prints them. */
export function captionLines(captions: readonly Caption[]): string {
  return captions.map((c, i) => `  ${i}) ${printable(c.text)} (p=${probability(c.probability)})\n`).join('');
}

/** Whether some caption is likelier than the one above it, as length normalisation makes it. */
export function laterIsLikelier(captions: readonly Caption[]): boolean {
  return captions.some((c, i) => i > 0 && c.probability > captions[i - 1]!.probability);
}

function probability(p: number): string {
  return p >= SMALLEST_SHOWN ? p.toFixed(6) : p.toExponential(1);
}
