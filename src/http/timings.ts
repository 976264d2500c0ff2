import { z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { STAGES, type Timings } from '../caption/result.ts';
import type { AppEnv } from './parts.ts';

/** Of answers with captions, for the OpenAPI document. */
export const SERVER_TIMING = z.object({
  'Server-Timing': z.string().describe('Milliseconds of each stage, all captioned images together'),
});

/** Adds one image's stages to the request's report. */
export function noteTimings(timings: Timings, c: Context<AppEnv>): void {
  c.set('timings', add(c.get('timings'), timings));
  c.set('images', (c.get('images') ?? 0) + 1);
}

/** Sets the header of an answer with captions; a form of which no image could be read took no time in any stage. */
export function tellTimings(c: Context<AppEnv>): void {
  c.header('server-timing', serverTiming(c.get('timings')));
}

function add(before: Timings | undefined, timings: Timings): Timings {
  const sum = { ...timings };
  if (before === undefined) return sum;
  for (const stage of STAGES) sum[stage] += before[stage];
  return sum;
}

/** Value of the header Server-Timing (W3C), ms. */
function serverTiming(timings: Timings | undefined): string {
  return STAGES.map((stage) => `${stage};dur=${(timings?.[stage] ?? 0).toFixed(1)}`).join(', ');
}
