/** Memory that ran out, told from everything else that fails: another time there may be enough. */
import { Overloaded } from '../../errors.ts';

const CODES: ReadonlySet<unknown> = new Set([
  'ENOMEM',
  'ERR_MEMORY_ALLOCATION_FAILED',
  'ERR_WORKER_OUT_OF_MEMORY',
]);

/**
 * What V8, onnxruntime, libvips and its decoders say; none of them has a type or a code for it. A test makes each of them
 * say it in a process that may have no more memory.
 */
const TEXTS =
  /out of memory|bad_alloc|(cannot|unable to|failed to|could not) allocate|insufficient memory|memory allocation|allocation failed/i;

/** libheif's own limits, which are about the file, are errors of allocation to it as well. */
const LIMIT_OF_FILE = /security limit/i;

export function isOutOfMemory(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ('code' in error && CODES.has(error.code)) return true;
  return TEXTS.test(error.message) && !LIMIT_OF_FILE.test(error.message);
}

export function outOfMemory(cause: unknown): Overloaded {
  return new Overloaded(
    'the machine had no memory left for this image; give it more, or fewer workers, or less decodeMemory (--decode-memory)',
    { cause },
  );
}
