/** Types and shapes as TensorFlow stores them (types.proto, tensor_shape.proto). */
import { readInt64, readNested, tag, type WireReader } from '../bytes/wire.ts';

/** TensorFlow's numbers for element types. */
export const FLOAT = 1;
export const INT32 = 3;
export const STRING = 7;
export const INT64 = 9;

/** Name for messages and bytes an element, by TensorFlow's number; the types whose elements have a fixed size. */
const DTYPES: Record<number, readonly [name: string, bytes: number]> = {
  1: ['float32', 4],
  2: ['float64', 8],
  3: ['int32', 4],
  4: ['uint8', 1],
  5: ['int16', 2],
  6: ['int8', 1],
  8: ['complex64', 8],
  9: ['int64', 8],
  10: ['bool', 1],
  11: ['qint8', 1],
  12: ['quint8', 1],
  13: ['qint32', 4],
  14: ['bfloat16', 2],
  15: ['qint16', 2],
  16: ['quint16', 2],
  17: ['uint16', 2],
  18: ['complex128', 16],
  19: ['float16', 2],
  22: ['uint32', 4],
  23: ['uint64', 8],
};

/** TensorFlow itself allows 254 dimensions. */
const MAX_RANK = 254;
/** 8 GiB of float32, as much as the largest file. */
const MAX_ELEMENTS = 2 ** 31;

export interface TensorHeader {
  name: string;
  /** TensorFlow's number. */
  dtype: number;
  shape: readonly number[];
}

function dtypeName(dtype: number): string {
  if (dtype === STRING) return 'string';
  return DTYPES[dtype]?.[0] ?? `type ${dtype}`;
}

/** Bytes of an element; null where elements have no fixed size (strings, resources). */
export function dtypeBytes(dtype: number): number | null {
  return DTYPES[dtype]?.[1] ?? null;
}

/** Reads a TensorShapeProto: `repeated Dim dim = 2 { int64 size = 1 }`. Sizes are not checked yet. */
export function readShape(reader: WireReader): number[] {
  const shape: number[] = [];
  readNested(reader, {
    [tag.bytes(2)]: () => {
      if (shape.length === MAX_RANK) throw new RangeError(`more than ${MAX_RANK} dimensions`);
      let size = 0;
      readNested(reader, {
        [tag.varint(1)]: () => {
          size = readInt64(reader);
        },
      });
      shape.push(size);
    },
  });
  return shape;
}

/** The product of the dimensions; null when one is negative or the product absurd. 1 for a scalar. */
export function elementsOf(shape: readonly number[]): number | null {
  let elements = 1;
  for (const size of shape) {
    if (!Number.isSafeInteger(size) || size < 0) return null;
    elements *= size;
    if (elements > MAX_ELEMENTS) return null;
  }
  return elements;
}

/** For messages: `float32 [3, 3, 32, 64]`. */
export function describe(header: { dtype: number; shape: readonly number[] }): string {
  const dims = header.shape.length > 8 ? [...header.shape.slice(0, 8), '...'] : header.shape;
  return `${dtypeName(header.dtype)} [${dims.join(', ')}]`;
}
