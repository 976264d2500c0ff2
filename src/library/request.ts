/** The one options object of a caption, taken apart. */
import type { CaptionCall } from '../caption/describe.ts';
import type { CaptionOptionsInput } from '../caption/options.ts';
import { InvalidRequest } from '../errors.ts';
import type { DecodingOptions } from './decoding-options.ts';

/** How to caption: what the search looks for, and what concerns this one call. All of it may be left out. */
export interface CaptionRequest extends DecodingOptions {
  /**
   * Ends the call: it is rejected with the signal's own reason at once, the work stops before the next run of a network.
   * @default none
   */
  signal?: AbortSignal | undefined;
  /**
   * Until when the caption is of use: a `Date`, or milliseconds since the epoch. Once it has passed, the call is
   * rejected, `DeadlineExceeded`.
   * @default none
   */
  deadline?: Date | number | undefined;
  /** Asks for `trace` in the result: every word that the search looked at. @default false */
  trace?: boolean | undefined;
  /**
   * Asks for `explanation` in the result: how much each part of the image adds to each word. Costs a few times the
   * search.
   * @default false
   */
  explain?: boolean | undefined;
}

/**
 * What a plan is made of, and what concerns the call. An option that is `undefined` counts as left out.
 * @throws InvalidRequest for a deadline, signal or flag of the wrong kind; the plan checks the decoding options
 */
export function splitRequest(request: CaptionRequest = {}): {
  options: CaptionOptionsInput;
  call: CaptionCall;
} {
  if (typeof request !== 'object' || request === null) {
    throw new InvalidRequest('options: expected one object');
  }
  const { signal, deadline, trace, explain, ...decoding } = request;
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new InvalidRequest('signal: expected an AbortSignal');
  }
  const given = Object.entries(decoding).filter(([, value]) => value !== undefined);
  return {
    // Exactly the core's fields, except that it takes no `undefined` (a test holds that).
    options: Object.fromEntries(given),
    call: {
      signal,
      deadline: deadline === undefined ? undefined : millisecondsOf(deadline),
      trace: flagOf('trace', trace),
      explain: flagOf('explain', explain),
    },
  };
}

function millisecondsOf(deadline: unknown): number {
  const milliseconds = deadline instanceof Date ? deadline.getTime() : deadline;
  if (typeof milliseconds === 'number' && !Number.isNaN(milliseconds)) return milliseconds;
  throw new InvalidRequest('deadline: expected a Date or milliseconds since the epoch');
}

function flagOf(name: string, value: unknown): boolean | undefined {
  if (value === undefined || typeof value === 'boolean') return value;
  throw new InvalidRequest(`${name}: expected true or false`);
}
