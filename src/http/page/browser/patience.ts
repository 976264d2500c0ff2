/** Whether and how long to wait for a server that is busy, or for the network. */
import type { Problem } from './shared/cards.ts';
import { isSignInNeeded } from './shared/send.ts';

/** Of one photograph; together they wait half a minute or so. */
const MAX_TRIES = 6;
/** Exponential backoff with jitter (AWS Architecture Blog, 2015): the first wait, and the longest, ms. */
const FIRST_MS = 1000;
const LONGEST_MS = 30_000;
/** Who is asked for more patience than that is told, and decides, s. */
const MAX_RETRY_AFTER = 120;

/** RFC 6585 section 4, RFC 9110 section 15.6.4; nothing else says that the same request may succeed later. */
const BUSY = [429, 503];

export function isAway({ code }: Problem): boolean {
  return code === 'Unreachable';
}

/**
 * Milliseconds until the next try, `Infinity` where the browser itself knows that there is no network, and where somebody
 * has to sign in first; `undefined` where waiting does not help, or has not.
 * @param tries that failed
 */
export function delayAfter(problem: Problem, tries: number): number | undefined {
  if ((isAway(problem) && !navigator.onLine) || isSignInNeeded(problem)) return Infinity;
  if (!isAway(problem) && !BUSY.includes(problem.status ?? 0)) return undefined;
  const { retryAfter = 0 } = problem;
  if (tries >= MAX_TRIES || retryAfter > MAX_RETRY_AFTER) return undefined;
  const step = Math.min(LONGEST_MS, FIRST_MS * 2 ** (tries - 1));
  return retryAfter * 1000 + (step * (1 + Math.random())) / 2;
}
