import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, describe, it } from 'node:test';
import sharp, { type JpegOptions } from 'sharp';
import { IM2TXT_INPUT, type ImageInput } from '../../../src/caption/image-input.ts';
import { decodeImage } from '../../../src/model/image.ts';
import { rejectsWith } from '../../support/errors.ts';
import { COFFEE } from '../../support/samples.ts';

const photo = readFileSync(COFFEE);

const SMALL: ImageInput = {
  resampling: 'antialiased',
  width: 32,
  height: 32,
  dtype: 'uint8',
  range: [0, 255],
  aspect: 'squash',
};
const RULES = [IM2TXT_INPUT, SMALL];

const KINDS: Record<string, JpegOptions> = {
  'a baseline JPEG': {},
  'a progressive JPEG': { progressive: true },
  'a grey JPEG': {},
  'a JPEG without subsampling': { chromaSubsampling: '4:4:4' },
  'a JPEG turned on its side': {},
};

for (const [kind, options] of Object.entries(KINDS)) {
  describe(kind, () => {
    let whole: Buffer;
    /** Without the end marker. */
    let open: Buffer;
    before(async () => {
      const image = sharp(photo).resize(640, 480);
      if (kind.includes('grey')) image.greyscale().toColourspace('b-w');
      if (kind.includes('turned')) image.withMetadata({ orientation: 6 });
      whole = await image.jpeg(options).toBuffer();
      assert.deepEqual([...whole.subarray(-2)], [0xff, 0xd9]);
      open = whole.subarray(0, -2);
    });

    const tails: Record<string, Uint8Array> = {
      'without the end marker': Buffer.alloc(0),
      'with half of it': Buffer.from([0xff]),
      'with zeros in its place': Buffer.alloc(5000),
      'with half of it and zeros': Buffer.from([0xff, 0, 0, 0]),
      'with a line of a multipart stream in its place': Buffer.from('\r\n--frame\r\n'),
    };
    for (const [title, tail] of Object.entries(tails)) {
      it(`${title} is read like the whole one`, async () => {
        for (const rule of RULES) {
          const { pixels } = await decodeImage(Buffer.concat([open, tail]), rule);
          assert.deepEqual(pixels, (await decodeImage(whole, rule)).pixels);
        }
      });
    }

    it('cut off within the pixels is refused, whatever fills it up', async () => {
      for (const missing of [40, 400, Math.floor(open.length / 2)]) {
        const cut = open.subarray(0, -missing);
        for (const tail of [Buffer.alloc(0), Buffer.alloc(8), Buffer.alloc(missing), Buffer.from([0xff])]) {
          for (const rule of RULES) {
            const error = await rejectsWith(
              decodeImage(Buffer.concat([cut, tail]), rule),
              'UnsupportedImage',
            );
            assert.match(error.message, /damaged/, `${missing} bytes missing, ${tail.length} added`);
          }
        }
      }
    });
  });
}

it('a progressive JPEG that stops exactly between two scans is refused', async () => {
  const bytes = await sharp(photo).resize(640, 480).jpeg({ progressive: true }).toBuffer();
  const scans: number[] = [];
  const start = Buffer.from([0xff, 0xda]);
  for (let at = bytes.indexOf(start); at >= 0; at = bytes.indexOf(start, at + 2)) scans.push(at);
  assert.ok(scans.length > 5, `${scans.length} scans`);
  for (const at of scans.slice(1)) {
    // Tables of the next scan stand before it; the marker that follows a scan is that of its first table.
    const end = bytes.lastIndexOf(Buffer.from([0xff, 0xc4]), at);
    const cut = bytes.subarray(0, end > scans[scans.indexOf(at) - 1]! ? end : at);
    for (const rule of RULES) await rejectsWith(decodeImage(cut, rule), 'UnsupportedImage');
  }
});
