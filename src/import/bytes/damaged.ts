import { SourceError } from '../../errors.ts';

/** The commonest failure: a file that is not what its own format says at this byte. */
export function damaged(
  file: string,
  offset: number | undefined,
  expected: string,
  actual: string,
  options?: ErrorOptions,
): SourceError {
  const at = offset === undefined ? {} : { offset };
  const remedy = 'The file is truncated or damaged: fetch it again and compare its size and checksum.';
  return new SourceError('SourceDamaged', { file, ...at, expected, actual, remedy }, options);
}
