/** Photographs for visitors of the page who have none at hand. */
import { readFile } from 'node:fs/promises';
import type { Hono } from 'hono';
import { CACHED } from '../cache.ts';
import type { AppEnv } from '../parts.ts';

/** From `samples/` (see its README.md for the licences), at 320 pixels: more than a network looks at. */
const PHOTOGRAPHS = {
  'cat.jpg': './health.jpg',
  'coffee.jpg': './coffee.jpg',
  'giraffes.jpg': './giraffes.jpg',
} as const;

export function addSamples(app: Hono<AppEnv>): void {
  for (const [name, path] of Object.entries(PHOTOGRAPHS)) {
    app.get(`/samples/${name}`, async (c) => {
      const bytes = await readFile(new URL(path, import.meta.url));
      return c.body(bytes, 200, { ...CACHED, 'content-type': 'image/jpeg' });
    });
  }
}
