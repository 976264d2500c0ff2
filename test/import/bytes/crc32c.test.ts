import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32c, hex32, maskCrc } from '../../../src/import/bytes/crc32c.ts';

test('checksums are those of RFC 3720, appendix B.4', () => {
  assert.equal(hex32(crc32c(new Uint8Array(32))), '0x8a9136aa');
  assert.equal(hex32(crc32c(new Uint8Array(32).fill(0xff))), '0x62a8ab43');
  assert.equal(hex32(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i))), '0x46dd794e');
  assert.equal(hex32(crc32c(Buffer.from('123456789'))), '0xe3069283');
  assert.equal(crc32c(new Uint8Array()), 0);
});

test('a checksum goes on where another stopped, at any place', () => {
  const bytes = Uint8Array.from({ length: 50 }, (_, i) => (i * 37) & 0xff);
  for (let cut = 0; cut <= bytes.length; cut++) {
    assert.equal(crc32c(bytes.subarray(cut), crc32c(bytes.subarray(0, cut))), crc32c(bytes));
  }
});

test('the stored form is rotated and moved, as LevelDB does', () => {
  assert.equal(maskCrc(0), 0xa282ead8);
  assert.equal(maskCrc(0x12345678), 0x4f730f40);
  assert.notEqual(maskCrc(maskCrc(1)), maskCrc(1));
});

test('a checksum in a message has eight digits', () => {
  assert.deepEqual([0, 0xabc, 0xffffffff].map(hex32), ['0x00000000', '0x00000abc', '0xffffffff']);
});
