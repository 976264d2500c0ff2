import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findImages } from '../../../src/cli/evaluate/find-image.ts';

const find = (names: string[], paths: string[]) => [...findImages('set.zip', names, paths).values()];

test('a path is taken as it stands before its end is looked for', () => {
  assert.deepEqual(find(['1.jpg', 'train/1.jpg', 'val/1.jpg'], ['1.jpg', 'train/1.jpg', 'val/1.jpg']), [
    '1.jpg',
    'train/1.jpg',
    'val/1.jpg',
  ]);
  assert.deepEqual(find(['./1.jpg', '/2.jpg', 'a\\3.jpg'], ['1.jpg', '2.jpg', 'a/3.jpg']), [
    '1.jpg',
    '2.jpg',
    'a/3.jpg',
  ]);
});

test('a path is found by its end, whole parts of it', () => {
  assert.deepEqual(find(['train/1.jpg', '2.jpg'], ['coco/train/1.jpg', 'coco/val/1.jpg', 'coco/val/2.jpg']), [
    'coco/train/1.jpg',
    'coco/val/2.jpg',
  ]);
  assert.deepEqual(find(['1.jpg'], ['a/11.jpg', 'b/x.jpg']), [null]);
});

test('a folder that a flat data set has lost does not matter, another folder does', () => {
  assert.deepEqual(find(['val2014/1.jpg', 'val2014/2.jpg'], ['images/1.jpg', 'images/2.jpg']), [
    'images/1.jpg',
    'images/2.jpg',
  ]);
  assert.deepEqual(find(['train/1.jpg'], ['val/1.jpg', 'test/2.jpg']), [null]);
});

test('a name of several images is refused', () => {
  assert.throws(() => find(['1.jpg'], ['train/1.jpg', 'val/1.jpg']), {
    code: 'InvalidRequest',
    message: /^set\.zip: 1\.jpg may mean train\/1\.jpg, val\/1\.jpg; give each image its whole path/,
  });
  assert.throws(() => find(['1.jpg'], ['a/1.jpg', 'b/1.jpg', 'c/1.jpg', 'd/1.jpg']), /c\/1\.jpg and 1 more/);
});

test('an image for several names is refused', () => {
  assert.throws(() => find(['train/1.jpg', 'val/1.jpg'], ['1.jpg']), {
    code: 'InvalidRequest',
    message: /1\.jpg is all there is for train\/1\.jpg, val\/1\.jpg/,
  });
});
