import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { EXTENDED_XMP, extendedPackets } from '../../../src/alt/words/extended-xmp.ts';
import { binary } from './files.ts';

function part(guid: string, length: number, offset: number, text: string): Buffer {
  const numbers = Buffer.alloc(8);
  numbers.writeUInt32BE(length, 0);
  numbers.writeUInt32BE(offset, 4);
  return Buffer.concat([binary(guid.padEnd(32, '0')), numbers, binary(text)]);
}

const packets = (...parts: Buffer[]) => extendedPackets(parts).map((packet) => packet.toString());

describe('extended XMP', () => {
  test('has the signature of its specification', () => {
    assert.equal(EXTENDED_XMP.toString('latin1'), 'http://ns.adobe.com/xmp/extension/\0');
  });

  test('is put together from its parts, whatever their order', () => {
    const [a, b, c] = [part('A', 6, 0, 'one'), part('A', 6, 3, 'tw'), part('A', 6, 5, 'o')];
    for (const order of [
      [a, b, c],
      [c, b, a],
      [b, a, c],
    ])
      assert.deepEqual(packets(...order), ['onetwo']);
    // More than ten parts: places are numbers, not texts.
    const many = Array.from({ length: 12 }, (_, i) => part('A', 12, i, 'x'));
    assert.deepEqual(packets(...many.toReversed()), ['x'.repeat(12)]);
  });

  test('is one packet for each digest', () => {
    assert.deepEqual(
      packets(part('A', 2, 1, 'b'), part('B', 2, 0, 'cd'), part('A', 2, 0, 'a'), part('', 0, 0, '')),
      ['ab', 'cd', ''],
    );
    const nearly = (last: string) => `${'0'.repeat(31)}${last}`;
    assert.deepEqual(packets(part(nearly('1'), 1, 0, 'a'), part(nearly('2'), 1, 0, 'b')), ['a', 'b']);
  });

  test('is left out where it is incomplete', () => {
    for (const parts of [
      [part('A', 3, 0, 'ab')],
      [part('A', 2, 0, 'abc')],
      [part('A', 2, 1, 'ab')],
      [part('A', 4, 0, 'ab'), part('A', 4, 3, 'd')],
      [part('A', 4, 0, 'ab'), part('A', 4, 1, 'bc')],
      [part('A', 0, 0, '').subarray(0, 39)],
      [Buffer.alloc(0)],
    ])
      assert.deepEqual(packets(...parts, part('B', 1, 0, 'x')), ['x']);
  });
});
