import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { MAX_KEY_BYTES } from '../../src/aws/object-reference.ts';
import { isListKey, listKey, type ResultIdentity, resultKey, revisionOf } from '../../src/s3/result-key.ts';

const HASH = '0123456789abcdef'.repeat(4);
const IDENTITY: ResultIdentity = { bucket: 'photos', key: 'a b/ü.jpg', revision: 'abc', modelHash: HASH };

test('a result lies below its bucket and key, named for revision and bundle', () => {
  assert.equal(resultKey('captions/', IDENTITY), 'captions/photos/a b/ü.jpg/abc.0123456789abcdef.json');
});

test('options are part of the name, whatever their order', () => {
  const key = resultKey('', { ...IDENTITY, options: { beamWidth: 5, count: 1 } });
  assert.match(key, /^photos\/a b\/ü\.jpg\/abc\.0123456789abcdef-[0-9a-f]{8}\.json$/);
  assert.equal(resultKey('', { ...IDENTITY, options: { count: 1, beamWidth: 5 } }), key);
  assert.notEqual(resultKey('', { ...IDENTITY, options: { count: 2, beamWidth: 5 } }), key);
  // What was written before has to be found again.
  assert.equal(key, 'photos/a b/ü.jpg/abc.0123456789abcdef-a3cd2543.json');
});

test('no options and options that ask for nothing are the same', () => {
  for (const options of [{}, { count: undefined }, undefined]) {
    assert.equal(resultKey('', { ...IDENTITY, options } as ResultIdentity), resultKey('', IDENTITY));
  }
  assert.equal(
    resultKey('', { ...IDENTITY, options: { count: 1, beamWidth: undefined } } as unknown as ResultIdentity),
    resultKey('', { ...IDENTITY, options: { count: 1 } }),
  );
});

test('a revision that a key should not hold is replaced by a digest', () => {
  const named = (revision: string) =>
    resultKey('', { ...IDENTITY, revision }).slice('photos/a b/ü.jpg/'.length);
  for (const revision of ['a/b', 'x'.repeat(65), '../..', 'ü', '', 'a b', ' a', 'a\n']) {
    const digest = createHash('sha256').update(revision).digest('hex').slice(0, 32);
    assert.equal(named(revision), `${digest}.0123456789abcdef.json`);
  }
  for (const revision of ['x'.repeat(64), 'AZaz09._-', 'null', 'x']) {
    assert.equal(named(revision), `${revision}.0123456789abcdef.json`);
  }
});

const keys = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 1024 })
  .filter((key) => Buffer.byteLength(key) <= 1024);

test('whatever the key, the result has one that S3 takes', () => {
  fc.assert(
    fc.property(keys, fc.string({ maxLength: 100 }), (key, revision) => {
      const result = resultKey('p/'.repeat(100), { ...IDENTITY, key, revision, bucket: 'b'.repeat(63) });
      assert.ok(Buffer.byteLength(result) <= MAX_KEY_BYTES);
      // What was cut was cut between characters.
      assert.equal(Buffer.from(result).toString('utf8'), result);
      assert.ok(result.isWellFormed());
    }),
  );
});

test('long keys that differ only at their end have different results', () => {
  const long = 'ä'.repeat(511);
  const results = ['a', 'b'].map((end) => resultKey('captions/', { ...IDENTITY, key: long + end }));
  assert.notEqual(results[0], results[1]);
  assert.ok(results.every((key) => key.startsWith('captions/photos/äää')));
});

test('a key is cut only when it has to be', () => {
  const room = MAX_KEY_BYTES - Buffer.byteLength(resultKey('', { ...IDENTITY, key: '' }));
  assert.ok(resultKey('', { ...IDENTITY, key: 'k'.repeat(room) }).includes(`/${'k'.repeat(room)}/`));
  assert.ok(resultKey('', { ...IDENTITY, key: 'k'.repeat(room + 1) }).includes('~'));
});

test('a key that is cut uses all 1,024 bytes, and no more', () => {
  const long = resultKey('captions/', { ...IDENTITY, key: 'k'.repeat(1024) });
  assert.equal(Buffer.byteLength(long), 1024);
  assert.match(long, /^captions\/photos\/k+~[0-9a-f]{32}\/abc\.0123456789abcdef\.json$/);
  // Whole characters only: up to three bytes stay empty.
  for (const letter of ['ä', '€', '😀']) {
    const bytes = Buffer.byteLength(
      resultKey('captions/', { ...IDENTITY, key: letter.repeat(100) + 'k'.repeat(900) }),
    );
    assert.equal(bytes, 1024);
    const cut = Buffer.byteLength(resultKey('captions/', { ...IDENTITY, key: letter.repeat(1000) }));
    assert.ok(cut <= 1024 && cut > 1024 - Buffer.byteLength(letter), `${cut}`);
  }
});

test('the version tells contents apart where the bucket keeps versions, the entity tag elsewhere', () => {
  assert.equal(revisionOf({ versionId: 'v1', etag: 'e' }), 'v1');
  assert.equal(revisionOf({ etag: 'e' }), 'e');
  assert.equal(revisionOf({ versionId: 'null', etag: 'e' }), 'e');
});

test('the list of a batch is named by its content, and told from results', () => {
  const digest = createHash('sha256').update('[]').digest('hex');
  for (const prefix of ['', 'captions/', 'a/b/']) {
    const key = listKey(prefix, '[]');
    assert.equal(key, `${prefix}_batches/${digest}.json`);
    assert.equal(isListKey(key), true);
    // An image may be called as a list is.
    assert.equal(isListKey(resultKey(prefix, { ...IDENTITY, key })), false);
    assert.equal(isListKey(`${key}/a.json`), false);
  }
  for (const key of [
    `x_batches/${digest}.json`,
    `_batches/${digest.slice(1)}.json`,
    `_batches/0${digest}.json`,
    `_batches/${digest.replace(/./, 'g')}.json`,
    `_batches/${digest}xjson`,
    `_batches/a/${digest}.json`,
  ]) {
    assert.equal(isListKey(key), false, key);
  }
});
