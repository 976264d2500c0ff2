import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bucketName, nameOf, objectReferenceSchema } from '../../src/aws/object-reference.ts';
import { mixesResultsWithImages, objectBytes, resultsPrefix, uploadsPrefix } from '../../src/aws/places.ts';

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

test('keys of results start with printable ASCII of at most 200 characters', () => {
  for (const prefix of ['!/', '~/', './', '0/', '/a/', `${'x'.repeat(199)}/`]) {
    assert.equal(resultsPrefix.safeParse(prefix).success, true, prefix);
  }
  for (const prefix of [' /', '\x7f/', 'a/\n', '\na/', 'a/b', ' a/', 'a /b/', 'ab//']) {
    assert.equal(resultsPrefix.safeParse(prefix).success, false, JSON.stringify(prefix));
  }
});

test('objects have 1 byte to 256 MB', () => {
  for (const [bytes, fits] of [
    [0, false],
    [1, true],
    [1.5, false],
    [2 ** 28, true],
    [2 ** 28 + 1, false],
  ] as const) {
    assert.equal(objectBytes.safeParse(bytes).success, fits, String(bytes));
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
  const longest = { bucket: 'b'.repeat(63), key: 'k'.repeat(1024) };
  assert.deepEqual(objectReferenceSchema.parse(longest), longest);
  const shortest = { bucket: '0a9', key: 'k' };
  assert.deepEqual(objectReferenceSchema.parse(shortest), shortest);
  assert.equal(nameOf(shortest), 's3://0a9/k');
  assert.equal(nameOf(good), 's3://my.photos-1/ü b.jpg?versionId=v1');
  for (const wrong of [
    { ...good, versionId: '' },
    { ...good, versionId: 'v'.repeat(1025) },
    { ...good, bucket: 'A' },
    { ...good, bucket: 'b'.repeat(64) },
    { ...good, bucket: 'bb' },
    { ...good, bucket: 'http://x' },
    { ...good, key: '' },
    { ...good, key: 'k'.repeat(1025) },
    { ...good, etag: 'x' },
  ]) {
    assert.equal(objectReferenceSchema.safeParse(wrong).success, false, JSON.stringify(wrong).slice(0, 60));
  }
});

test('what is no name of a bucket is told with what to write, and never quoted', () => {
  for (const [written, says] of [
    ['s3://photos/2026/', /alone, without s3:\/\//],
    ['arn:aws:s3:::photos', /what follows ::: in its ARN/],
    ['arn:aws:s3:eu-west-1:123456789012:accesspoint/photos', /an access point too, is not read/],
    ['https://photos.s3.amazonaws.com', /not an address/],
    ['S3://photos', /alone, without s3:\/\//],
    ['ARN:aws:s3:::photos', /what follows ::: in its ARN/],
    ['Arn:aws:sqs:eu-west-1:1:photos', /an access point too, is not read/],
    ['HTTP://photos', /not an address/],
    ['photos/s3://', /without \/ and a prefix/],
    ['photos/https://', /without \/ and a prefix/],
    ['photos/arn:aws:s3:::x', /without \/ and a prefix/],
    ['photos:arn:x', /3 to 63 lower-case letters/],
    ['-photos', /3 to 63 lower-case letters/],
    ['photos-', /3 to 63 lower-case letters/],
    ['photos_1', /3 to 63 lower-case letters/],
    ['photos/', /without \/ and a prefix/],
    ['Photos', /3 to 63 lower-case letters, digits, dots and hyphens$/],
  ] as const) {
    const { error } = bucketName.safeParse(written);
    assert.match(error!.issues[0]!.message, says);
    assert.doesNotMatch(error!.issues[0]!.message, /photos|Photos/);
  }
});
