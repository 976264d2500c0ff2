import assert from 'node:assert/strict';
import type { TokenizedSample } from '../../src/evaluate/tokenize.ts';

/** What "equal to pycocoevalcap" means: its own smoothing constants move scores by up to 1e-9. */
export const tolerance = 1e-6;

export function assertClose(actual: number, expected: number, what = 'score'): void {
  assert.ok(Math.abs(actual - expected) <= tolerance, `${what}: ${actual}, expected ${expected}`);
}

/** Words with spaces between stand for the tokens. */
export function sample(candidate: string, ...references: string[]): TokenizedSample {
  return { candidate: words(candidate), references: references.map(words) };
}

function words(caption: string): string[] {
  return caption.split(' ').filter((word) => word !== '');
}
