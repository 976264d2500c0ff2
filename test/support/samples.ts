/** The photographs that come with the program. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const SAMPLES = join(ROOT, 'samples');

export interface Sample {
  name: string;
  path: string;
  bytes: Buffer;
}

/** One of them, for tests that need any photograph. */
export const COFFEE = join(SAMPLES, 'coffee.jpg');

/** All JPEGs in `samples/`, by name. */
export function readSamples(): Sample[] {
  return readdirSync(SAMPLES)
    .filter((name) => name.endsWith('.jpg'))
    .sort()
    .map((name) => ({ name, path: join(SAMPLES, name), bytes: readFileSync(join(SAMPLES, name)) }));
}
