/**
 * Protocol buffers on top of protobufjs' `Reader`, one handler a field. Not its generated decoders: those collect every
 * repeated field, and two hostile bytes ("an empty message") become an object of a hundred. Here each message states
 * what it keeps, all else is skipped.
 */
import protobuf from 'protobufjs/minimal.js';
import { SourceError } from '../../errors.ts';
import { damaged } from './damaged.ts';

export type WireReader = protobuf.Reader;

const VARINT = 0;
const FIXED32 = 5;
const BYTES = 2;
/** What a handler is registered under: `field << 3 | wire type`. */
export const tag = {
  varint: (field: number) => (field << 3) | VARINT,
  bytes: (field: number) => (field << 3) | BYTES,
  fixed32: (field: number) => (field << 3) | FIXED32,
} as const;

/** A handler reads exactly its field's value from the reader. */
export type Handlers = Record<number, () => void>;

/** Reads fields up to `end` (reader positions). Fields without a handler, or of another wire type, are skipped. */
function readFields(reader: WireReader, end: number, handlers: Handlers): void {
  while (reader.pos < end) {
    const found = reader.tag();
    if (found >>> 3 === 0) throw new RangeError(`field number 0 (tag ${found})`);
    const handler = handlers[found];
    if (handler) handler();
    else reader.skipType(found & 7);
  }
  if (reader.pos !== end) throw new RangeError(`a field that ends at ${end}, one ends at ${reader.pos}`);
}

/** Reads a message inside a message: its length, then its fields. */
export function readNested(reader: WireReader, handlers: Handlers): void {
  const length = reader.size();
  const end = reader.pos + length;
  if (end > reader.len) throw new RangeError(`${length} bytes with ${reader.len - reader.pos} left`);
  readFields(reader, end, handlers);
}

/** A length-delimited value as a view, and where it starts in the message's bytes. */
export function readBytes(reader: WireReader): { start: number; length: number } {
  const length = reader.size();
  const start = reader.pos;
  if (start + length > reader.len) throw new RangeError(`${length} bytes with ${reader.len - start} left`);
  reader.pos = start + length;
  return { start, length };
}

/** An int64 as a number; exact up to 2^53, farther out only its size matters: every user checks a range. */
export function readInt64(reader: WireReader): number {
  return Number(reader.int64());
}

/**
 * Runs `read` over one whole message.
 * @param base where the message starts in `file`
 * @throws SourceDamaged with the byte at which reading failed
 */
export function parseMessage(
  file: string,
  base: number,
  what: string,
  bytes: Uint8Array,
  handlers: (reader: WireReader) => Handlers,
): void {
  const reader = protobuf.Reader.create(bytes);
  try {
    readFields(reader, bytes.length, handlers(reader));
  } catch (cause) {
    // protobufjs throws plain errors; a SourceError has its own place, a TypeError is a bug.
    if (cause instanceof SourceError || cause instanceof TypeError || !(cause instanceof Error)) throw cause;
    throw damaged(file, base + Math.min(reader.pos, bytes.length), what, cause.message, { cause });
  }
}
