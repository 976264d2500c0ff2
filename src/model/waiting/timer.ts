/** The longest that a timer can wait, in milliseconds; a later deadline needs none. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * @param deadline milliseconds since the epoch; none never passes
 * @returns what `clearTimeout` takes
 */
export function atDeadline(
  deadline: number | undefined,
  onLate: () => void,
): ReturnType<typeof setTimeout> | undefined {
  const left = (deadline ?? Number.POSITIVE_INFINITY) - Date.now();
  return left > MAX_TIMER_MS ? undefined : setTimeout(onLate, Math.max(0, left));
}
