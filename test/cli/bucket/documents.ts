/** Result documents as the functions write them. */
import type { ResultDocument } from '../../../src/s3/results.ts';

export const MODEL = { name: 'test', hash: 'f'.repeat(64) };

const common = (key: string) => ({
  formatVersion: 1 as const,
  source: { bucket: 'photos', key },
  model: MODEL,
  writtenAt: '2026-01-02T03:04:05.000Z',
});

export function captioned(key: string): ResultDocument {
  const words = [{ word: 'a', logProbability: -0.5 }];
  const caption = {
    text: `a picture of ${key}`,
    logProbability: -1,
    probability: Math.exp(-1),
    words,
    truncated: false,
  };
  const timings = { decode: 1, preprocess: 1, encode: 1, search: 1, total: 4 };
  const result = { captions: [caption], model: MODEL, timings, width: 4, height: 3, format: 'jpeg' };
  return { ...common(key), status: 'captioned', result };
}

export function failed(key: string): ResultDocument {
  return { ...common(key), status: 'failed', error: { code: 'UnsupportedImage', message: 'damaged' } };
}
