import type { Context } from 'hono';
import { STAGES, type Timings } from '../caption/result.ts';
import type { AppEnv } from './parts.ts';

/** Adds one image's stages to the answer's header and to the request's report. */
export function noteTimings(timings: Timings, c: Context<AppEnv>): void {
  const all = add(c.get('timings'), timings);
  c.set('timings', all);
  c.set('images', (c.get('images') ?? 0) + 1);
  c.header('server-timing', serverTiming(all));
}

function add(before: Timings | undefined, timings: Timings): Timings {
  const sum = { ...timings };
  if (before === undefined) return sum;
  for (const stage of STAGES) sum[stage] += before[stage];
  return sum;
}

/** Value of the header Server-Timing (W3C), ms. */
function serverTiming(timings: Timings): string {
  return STAGES.map((stage) => `${stage};dur=${timings[stage].toFixed(1)}`).join(', ');
}
