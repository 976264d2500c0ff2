import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { nameOf, systemPath } from '../../src/model/file-name.ts';

test('names that are UTF-8 are what they say', () => {
  for (const name of ['a.jpg', 'größe.jpg', '猫.jpg', '🐈.jpg', 'lost \uFFFD.jpg']) {
    assert.equal(nameOf(Buffer.from(name)), name);
    assert.equal(systemPath(name), name);
  }
});

test('names that are not keep their bytes, and no two become one', () => {
  const latin1 = Buffer.from('café.jpg', 'latin1');
  assert.equal(nameOf(latin1), 'caf\uDCE9.jpg');
  assert.equal(JSON.stringify(nameOf(latin1)), '"caf\\udce9.jpg"');
  assert.deepEqual(systemPath('d/caf\uDCE9.jpg'), Buffer.from('d/café.jpg', 'latin1'));
});

test('any bytes come back', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 12 }), (bytes) => {
      const path = systemPath(nameOf(Buffer.from(bytes)));
      assert.deepEqual(Buffer.from(path as Buffer), Buffer.from(bytes));
    }),
  );
});
