/** What the network requires of named tensors, and the two errors about them. */
import { SourceError } from '../../errors.ts';
import { nearestNames } from '../source/nearest-names.ts';
import { describe, FLOAT, type TensorHeader } from '../tensorflow/tensor-header.ts';

/** A number is what the dimension must be, a letter names one that the tensor itself decides. */
export type Dimension = number | string;

/**
 * @param names all that would do, the usual one first
 * @throws TensorMissing with the nearest names that are there
 */
export function tensorMissing(
  file: string,
  names: readonly string[],
  shape: readonly Dimension[],
  found: Iterable<string>,
): SourceError {
  const all = [...found];
  const nearest = nearestNames(names[0]!, all);
  return new SourceError('TensorMissing', {
    file,
    expected: `a tensor ${names.join(' or ')}, float32 [${shape.join(', ')}]`,
    actual: all.length === 0 ? 'no tensors' : `${all.length} others, the nearest: ${nearest.join(', ')}`,
    remedy: 'These may be weights of another network, or of only a part of this one.',
  });
}

/**
 * Type, rank, fixed dimensions, and no empty one.
 * @throws TensorMisshapen
 */
export function checkTensor(file: string, tensor: TensorHeader, shape: readonly Dimension[]): void {
  const right =
    tensor.dtype === FLOAT &&
    tensor.shape.length === shape.length &&
    shape.every((wanted, i) =>
      typeof wanted === 'number' ? tensor.shape[i] === wanted : tensor.shape[i]! > 0,
    );
  if (right) return;
  throw new SourceError('TensorMisshapen', {
    file,
    expected: `${tensor.name} as float32 [${shape.join(', ')}]`,
    actual: describe(tensor),
  });
}

/**
 * @param what the tensor's name
 * @throws SourceDamaged when a value is NaN or infinite: no trained network has one, a damaged file may
 */
export function checkFinite(file: string, what: string, values: Float32Array): void {
  // x * 0 is 0 for finite x and NaN otherwise: one sum instead of a test for each of 37 million values.
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! * 0;
  if (sum === 0) return;
  const at = values.findIndex((value) => !Number.isFinite(value));
  throw new SourceError('SourceDamaged', {
    file,
    expected: `finite numbers in ${what}`,
    actual: `${values[at]} at index ${at}`,
    remedy: 'The file is damaged, or its training diverged.',
  });
}
