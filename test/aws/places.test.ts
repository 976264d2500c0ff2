import assert from 'node:assert/strict';
import { test } from 'node:test';
import { objectReferenceSchema } from '../../src/aws/object-reference.ts';
import { mixesResultsWithImages, resultsPrefix, uploadsPrefix } from '../../src/aws/places.ts';

test('prefixes of results are empty or end in one /, those of uploads are never empty', () => {
  for (const prefix of ['captions/', 'a/b/']) {
    assert.ok(resultsPrefix.safeParse(prefix).success && uploadsPrefix.safeParse(prefix).success, prefix);
  }
  assert.equal(resultsPrefix.safeParse('').success, true);
  assert.equal(uploadsPrefix.safeParse('').success, false);
  for (const prefix of ['captions', '/', 'a//', 'a b/', 'ü/', `${'x'.repeat(200)}/`]) {
    assert.equal(resultsPrefix.safeParse(prefix).success, false, prefix);
  }
});

test('results among images need a prefix', () => {
  assert.equal(mixesResultsWithImages({ bucket: 'a', prefix: '' }, ['a', 'b']), true);
  assert.equal(mixesResultsWithImages({ bucket: 'a', prefix: 'captions/' }, ['a']), false);
  assert.equal(mixesResultsWithImages({ bucket: 'c', prefix: '' }, ['a', 'b']), false);
});

test('a reference names a bucket as S3 allows it, and nothing that nobody knows', () => {
  const good = { bucket: 'my.photos-1', key: 'ü b.jpg', versionId: 'v1' };
  assert.deepEqual(objectReferenceSchema.parse(good), good);
  for (const wrong of [
    { ...good, bucket: 'A' },
    { ...good, bucket: 'http://x' },
    { ...good, key: '' },
    { ...good, key: 'k'.repeat(1025) },
    { ...good, etag: 'x' },
  ]) {
    assert.equal(objectReferenceSchema.safeParse(wrong).success, false, JSON.stringify(wrong).slice(0, 60));
  }
});
