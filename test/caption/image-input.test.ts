import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  IM2TXT_INPUT,
  IMAGE_KINDS,
  IMAGE_TYPES,
  isPictureEnding,
  isRawEnding,
  kindOfEnding,
} from '../../src/caption/image-input.ts';

test('im2txt reads 299 pixels a side from the middle of 346', () => {
  assert.deepEqual(IM2TXT_INPUT, {
    resampling: 'tf1-bilinear',
    width: 299,
    height: 299,
    dtype: 'uint8',
    range: [0, 255],
    aspect: 'squash',
    resizedTo: 346,
  });
});

test('an ending names its kind, whatever else the kind is called', () => {
  const endings = 'jpg jpeg jpe jfif jif mpo png apng webp avif gif tif tiff'.split(' ');
  assert.deepEqual(Object.values(IMAGE_KINDS).flat(), endings);
  assert.deepEqual(
    endings.map(kindOfEnding),
    'jpeg jpeg jpeg jpeg jpeg jpeg png png webp avif gif tiff tiff'.split(' '),
  );
  for (const ending of ['', 'JPG', '.jpg', 'heic', 'dng', 'txt', 'jp'])
    assert.equal(kindOfEnding(ending), null, ending);
  assert.deepEqual(
    IMAGE_TYPES,
    ['jpeg', 'png', 'webp', 'avif', 'gif', 'tiff'].map((kind) => `image/${kind}`),
  );
});

test('pictures are what is read, what cameras call originals, and what others read', () => {
  const raw =
    '3fr ari arw cr2 cr3 crw dcr dng erf fff gpr iiq k25 kdc mef mos mrw nef nrw orf pef raf raw rw2 rwl sr2 srf srw x3f';
  const unread = 'heic heif hif heics heifs jxl jp2 j2k jpx bmp dib';
  for (const ending of raw.split(' ')) assert.ok(isRawEnding(ending) && isPictureEnding(ending), ending);
  for (const ending of unread.split(' ')) assert.ok(!isRawEnding(ending) && isPictureEnding(ending), ending);
  for (const ending of ['jpg', 'avif', 'tif'])
    assert.ok(!isRawEnding(ending) && isPictureEnding(ending), ending);
  for (const ending of ['', 'txt', 'xmp', 'mov', 'pdf', 'svg']) assert.ok(!isPictureEnding(ending), ending);
});
