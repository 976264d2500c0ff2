import { runInNewContext } from 'node:vm';

/** ms: for what takes a second at most on a machine of its own. */
const LIMIT = 30_000;

/**
 * For input so long that quadratic time would be minutes or hours: how long it takes does not matter, but that it
 * ends, on a busy machine as well.
 * @param work synchronous; interrupted at the limit, even within a loop or a regular expression
 * @throws Error when it was interrupted
 */
export function ends(work: () => void): void {
  runInNewContext('work()', { work }, { timeout: LIMIT });
}
