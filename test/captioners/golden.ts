/** What transformers said of the small networks of `test/fixtures/captioners`, as `make.py` there wrote it down. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../support/samples.ts';

const FIXTURES = join(ROOT, 'test/fixtures/captioners');

interface GoldenSettings {
  num_beams: number;
  max_length: number;
  min_length: number;
  length_penalty: number;
  no_repeat_ngram_size: number;
  early_stopping: boolean | 'never';
}

export interface Golden {
  photographs: string[];
  settings: Record<string, GoldenSettings>;
  /** By settings and photograph, best first; of greedy search the score is the sum of the log-probabilities. */
  captions: Record<string, { ids: number[]; score: number; text: string }[][]>;
}

/** One export, and what transformers says of it in one precision. */
export interface GoldenExport {
  kind: string;
  directory: string;
  /** `undefined` where the export has one alone. */
  precision?: 'fp16' | 'int8';
  golden: Golden;
}

const read = (path: string) => JSON.parse(readFileSync(path, 'utf8')) as Golden;

/** Every kind, in each of its precisions. */
export function goldenExports(): GoldenExport[] {
  return readdirSync(FIXTURES).flatMap((kind): GoldenExport[] => {
    const directory = join(FIXTURES, kind);
    const file = join(directory, 'golden.json');
    if (!existsSync(file)) return [];
    const others = (['fp16', 'int8'] as const).flatMap((precision) => {
      const other = join(directory, `golden-${precision}.json`);
      return existsSync(other) ? [{ kind, directory, precision, golden: read(other) }] : [];
    });
    return [{ kind, directory, golden: read(file) }, ...others];
  });
}
