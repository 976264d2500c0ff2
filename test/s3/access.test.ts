import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkAllowed, isResult } from '../../src/s3/access.ts';

const RESULTS = { bucket: 'photos', prefix: 'captions/' };

test('what lies where results are written is a result, and nothing else is', () => {
  const cases: [bucket: string, key: string, expected: boolean][] = [
    ['photos', 'captions/photos/a.jpg/x.json', true],
    ['photos', 'captions/', true],
    ['photos', 'captions', false],
    ['photos', '2026/captions/a.jpg', false],
    ['other', 'captions/a.jpg', false],
  ];
  for (const [bucket, key, expected] of cases) {
    assert.equal(isResult({ bucket, key }, RESULTS), expected, `${bucket} ${key}`);
  }
});

test('objects of the buckets on the list may be read, results never', () => {
  const access = { allowedBuckets: ['photos', 'more'], results: RESULTS };
  checkAllowed({ bucket: 'photos', key: 'a.jpg' }, access);
  checkAllowed({ bucket: 'more', key: 'captions/a.jpg' }, access);
  checkAllowed({ bucket: 'photos', key: 'captions/a.jpg' }, { allowedBuckets: ['photos'] });
  const refused = { code: 'InvalidRequest', message: /bucket (other|Photos|) is none/ };
  for (const bucket of ['other', 'Photos', '']) {
    assert.throws(() => checkAllowed({ bucket, key: 'a.jpg' }, access), refused);
  }
  assert.throws(() => checkAllowed({ bucket: 'photos', key: 'captions/a.jpg' }, access), {
    code: 'InvalidRequest',
    message: /^s3:\/\/photos\/captions\/a\.jpg /,
  });
});
