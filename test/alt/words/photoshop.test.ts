import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { IPTC, IPTC_DIGEST, resourceOf, withResource } from '../../../src/alt/words/photoshop.ts';
import { binary } from './files.ts';

/** A name's length and letters are padded to an even size, data as well. */
function resource(id: number, data: Buffer | string, { signature = '8BIM', name = '' } = {}): Buffer {
  const bytes = Buffer.from(data);
  const pascal = Buffer.concat([
    Buffer.from([name.length]),
    binary(name),
    Buffer.alloc((name.length + 1) % 2),
  ]);
  const numbers = [Buffer.alloc(2), Buffer.alloc(4)] as const;
  numbers[0].writeUInt16BE(id);
  numbers[1].writeUInt32BE(bytes.length);
  return Buffer.concat([
    binary(signature),
    numbers[0],
    pascal,
    numbers[1],
    bytes,
    Buffer.alloc(bytes.length % 2),
  ]);
}

describe('image resources of Photoshop', () => {
  test('have the numbers of their specification', () => {
    assert.deepEqual([IPTC, IPTC_DIGEST], [1028, 1061]);
  });

  test('are found behind others, with names and data of even and odd length', () => {
    for (const name of ['', 'a', 'ab', 'abc'])
      for (const before of ['', 'x', 'xy']) {
        const all = Buffer.concat([
          resource(0x040b, before, { name }),
          resource(IPTC, 'first', { name }),
          resource(IPTC, 'second'),
        ]);
        assert.equal(resourceOf(all, IPTC)?.toString(), 'first', JSON.stringify([name, before]));
        assert.equal(resourceOf(all, IPTC_DIGEST), null);
      }
  });

  test('are found under every signature that programs write, and no other', () => {
    for (const signature of ['8BIM', 'PHUT', 'DCSR', 'AgHg', 'MeSa'])
      assert.equal(resourceOf(resource(IPTC, 'x', { signature }), IPTC)?.toString(), 'x', signature);
    for (const signature of ['8bim', '8BIN', '\0\0\0\0']) {
      const all = Buffer.concat([resource(7, 'x', { signature }), resource(IPTC, 'x')]);
      assert.equal(resourceOf(all, IPTC), null, signature);
    }
  });

  test('are read up to the one that is damaged', () => {
    const first = resource(7, 'x');
    for (const name of ['', 'abc', 'a longer one']) {
      const whole = resource(IPTC, 'abc', { name });
      for (let end = 0; end < whole.length; end++) {
        const cut = Buffer.concat([first, whole.subarray(0, end)]);
        // The padding of the last one may be missing.
        const expected = end === whole.length - 1 ? 'abc' : undefined;
        assert.equal(resourceOf(cut, IPTC)?.toString(), expected, `${name} ${end}`);
        assert.equal(resourceOf(cut, 7)?.toString(), 'x', `${name} ${end}`);
      }
    }
    // A name that reaches out of the bytes, and the shortest that there is.
    const named = Buffer.from(first);
    named[6] = 255;
    assert.equal(resourceOf(named, 7), null);
    assert.equal(resourceOf(resource(IPTC, ''), IPTC)?.length, 0);
  });

  test('can be replaced, all else as it was', () => {
    const before = resource(7, 'x', { name: 'ab' });
    const after = resource(9, 'y');
    const all = (data: string) => Buffer.concat([before, resource(IPTC, data, { name: 'abc' }), after]);
    for (const old of ['', 'a', 'ab'])
      for (const data of ['', 'a', 'ab', 'much longer'])
        assert.deepEqual(withResource(all(old), IPTC, Buffer.from(data)), all(data));
    const last = resource(IPTC, 'abc');
    assert.deepEqual(withResource(last.subarray(0, -1), IPTC, binary('xy')), resource(IPTC, 'xy'));
    assert.equal(withResource(before, IPTC, binary('x')), before);
  });
});
