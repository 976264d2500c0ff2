import { DeadlineExceeded } from '../errors.ts';

/**
 * @param deadline milliseconds since the epoch; none never passes
 * @throws DeadlineExceeded once it has passed
 */
export function checkDeadline({ deadline }: { deadline?: number | undefined }): void {
  if (deadline !== undefined && Date.now() >= deadline) {
    throw new DeadlineExceeded('no time is left for this image; try again later or allow more time');
  }
}
