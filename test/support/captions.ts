import type { CaptionResult } from '../../src/caption/result.ts';

/** What must not change from run to run: all but the timings. */
export function withoutTimings({
  timings: _timings,
  ...rest
}: CaptionResult): Omit<CaptionResult, 'timings'> {
  return rest;
}
