import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SourceError } from '../../../src/errors.ts';
import {
  type Handlers,
  parseMessage,
  readBytes,
  readInt64,
  readNested,
  tag,
  type WireReader,
} from '../../../src/import/bytes/wire.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');
const FILE = 'model.pb';
const BASE = 1000;

function parse(bytes: string, handlers: (reader: WireReader) => Handlers = () => ({})): void {
  parseMessage(FILE, BASE, 'a message', hex(bytes), handlers);
}

/** What `parse` throws, without the file and the remedy, which are the same each time. */
function refused(bytes: string, handlers?: (reader: WireReader) => Handlers) {
  let thrown: unknown;
  try {
    parse(bytes, handlers);
  } catch (error) {
    thrown = error;
  }
  assert.ok(thrown instanceof SourceError, `expected a SourceError, got ${thrown}`);
  assert.ok(thrown.cause instanceof Error);
  const { file, expected, remedy, offset, actual } = thrown.problem;
  assert.deepEqual([thrown.code, file, expected], ['SourceDamaged', FILE, 'a message']);
  assert.match(remedy ?? '', /truncated or damaged/);
  return { offset, actual };
}

test('tags are the field shifted by three, and the type', () => {
  assert.deepEqual([tag.varint(1), tag.bytes(1), tag.fixed32(1)], [8, 10, 13]);
  assert.deepEqual([tag.varint(16), tag.bytes(16), tag.fixed32(16)], [128, 130, 133]);
});

describe('a message', () => {
  test('fields go to their handlers; others, and others by type, are skipped', () => {
    const seen: unknown[] = [];
    // 1: varint 300; 2: "ab"; 3: fixed32; 1 as fixed32; 4: fixed64; 9: group; 1: -1
    const bytes =
      '08ac02 1202 6162 1d 01000000 0d 02000000 21 0000000000000000 4b 0805 4c 08 ffffffffffffffffff01';
    parse(bytes, (reader) => ({
      [tag.varint(1)]: () => seen.push(readInt64(reader)),
      [tag.bytes(2)]: () => seen.push(readBytes(reader)),
      [tag.fixed32(3)]: () => seen.push(reader.fixed32()),
    }));
    assert.deepEqual(seen, [300, { start: 5, length: 2 }, 1, -1]);
  });

  test('no bytes are a message without fields', () => parse(''));

  test('a field number of 0 is refused where it was read', () => {
    assert.deepEqual(refused('0801 0201 61'), { offset: BASE + 3, actual: 'field number 0 (tag 2)' });
  });

  test('bytes beyond the end are refused, none read', () => {
    const handlers = (reader: WireReader): Handlers => ({ [tag.bytes(2)]: () => readBytes(reader) });
    assert.deepEqual(refused('0801 1203 6162', handlers), {
      offset: BASE + 4,
      actual: '3 bytes with 2 left',
    });
    parse('1202 6162', handlers);
  });

  test('a skipped field that ends beyond the end is refused', () => {
    assert.equal(refused('0801 1203 6162').offset, BASE + 4);
  });

  test('a handler that stops inside a field of a nested message is found', () => {
    assert.deepEqual(
      refused('0a02 0801 1005', (reader) => ({
        [tag.bytes(1)]: () => readNested(reader, { [tag.varint(1)]: () => reader.skip(2) }),
      })),
      { offset: BASE + 5, actual: 'a field that ends at 4, one ends at 5' },
    );
  });

  test('a message inside ends where it says, and what follows it belongs to the outer one', () => {
    const seen: number[] = [];
    parse('0a02 0801 0802 0a00', (reader) => ({
      [tag.varint(1)]: () => seen.push(10 + readInt64(reader)),
      [tag.bytes(1)]: () => readNested(reader, { [tag.varint(1)]: () => seen.push(readInt64(reader)) }),
    }));
    assert.deepEqual(seen, [1, 12]);
  });

  test('a message inside that is longer than what is left is refused', () => {
    const handlers = (reader: WireReader): Handlers => ({ [tag.bytes(1)]: () => readNested(reader, {}) });
    assert.deepEqual(refused('0a03 0801', handlers), { offset: BASE + 2, actual: '3 bytes with 2 left' });
  });

  test('failures with a place of their own, and bugs, stay as they are', () => {
    const own = new SourceError('SourceUnsupported', { file: FILE, expected: 'a', actual: 'b' });
    for (const error of [own, new TypeError('a bug'), 'no error']) {
      const handlers = (): Handlers => ({
        [tag.varint(1)]: () => {
          throw error;
        },
      });
      assert.throws(
        () => parse('0801', handlers),
        (thrown) => thrown === error,
      );
    }
  });
});
