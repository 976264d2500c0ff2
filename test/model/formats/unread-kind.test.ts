import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import sharp from 'sharp';
import { IM2TXT_INPUT } from '../../../src/caption/image-input.ts';
import { decodeImage } from '../../../src/model/image.ts';
import { ftyp, rebranded, type TiffParts, tiff } from '../../support/crafted-images.ts';
import { rejectsWith } from '../../support/errors.ts';
import { COFFEE } from '../../support/samples.ts';

const photo = readFileSync(COFFEE);

const HEIC = readFileSync(new URL('../../fixtures/images/hevc.heic', import.meta.url));
const small = () => sharp(photo).resize(160, 120);

const latin1 = (text: string) => Buffer.concat([Buffer.from(text, 'latin1'), Buffer.alloc(100)]);

/** A whole TIFF but for its pixels, which are of whatever codec. */
function tiffOf(parts: Partial<TiffParts>): Buffer {
  const { bits = 8, channels = 3 } = parts;
  const pixels = Buffer.alloc((16 * 16 * channels * bits) / 8, 0x55);
  return tiff({ width: 16, height: 16, pixels, format: 1, bits, channels, ...parts });
}

async function messageFor(bytes: Uint8Array): Promise<string> {
  return (await rejectsWith(decodeImage(bytes, IM2TXT_INPUT), 'UnsupportedImage')).message;
}

describe('a whole file of a kind that is not read here is called by its kind, not damaged', () => {
  const cases: { title: string; bytes: Buffer; says: RegExp }[] = [
    { title: 'a HEIC', bytes: HEIC, says: /HEIC.*JPEG/ },
    { title: 'a HEIC with general brands', bytes: rebranded(HEIC, 'mif1', 'miaf'), says: /HEIC/ },
    { title: 'a HEIC with a sequence', bytes: rebranded(HEIC, 'msf1', 'hevc', 'heic'), says: /HEIC/ },
    { title: 'a HEIC with the brand of AVIF', bytes: rebranded(HEIC, 'avif', 'mif1'), says: /HEIC/ },
    { title: 'a HEIC that breaks off', bytes: HEIC.subarray(0, 900), says: /HEIC/ },
    { title: 'a HEIC sequence alone', bytes: latin1(ftyp('hevc', 'msf1').toString('latin1')), says: /HEIC/ },
    { title: 'H.264 in HEIF', bytes: ftyp('avci', 'mif1'), says: /HEIF/ },
    { title: 'a Canon raw file', bytes: ftyp('crx ', 'isom'), says: /raw/ },
    { title: 'a video', bytes: ftyp('qt  ', 'qt  '), says: /video/ },
    { title: 'a JPEG XL stream', bytes: latin1('\xff\x0a'), says: /JPEG XL/ },
    { title: 'a JPEG XL file', bytes: latin1('\0\0\0\x0cJXL \r\n\x87\n'), says: /JPEG XL/ },
    { title: 'a JPEG 2000 file', bytes: latin1('\0\0\0\x0cjP  \r\n\x87\n'), says: /JPEG 2000/ },
    { title: 'a JPEG 2000 stream', bytes: latin1('\xff\x4f\xff\x51'), says: /JPEG 2000/ },
    { title: 'a JPEG XR', bytes: latin1('II\xbc\x01'), says: /JPEG XR/ },
    { title: 'a JPEG-LS', bytes: latin1('\xff\xd8\xff\xf7\0\x0b\x08'), says: /JPEG-LS/ },
    { title: 'a Fujifilm raw file', bytes: latin1('FUJIFILMCCD-RAW 0201'), says: /raw/ },
    { title: 'a Photoshop document', bytes: latin1('8BPS\0\x01'), says: /Photoshop/ },
    { title: 'an OpenEXR', bytes: latin1('\x76\x2f\x31\x01'), says: /OpenEXR/ },
    { title: 'a PDF', bytes: latin1('%PDF-1.4\n'), says: /PDF/ },
    { title: 'an SVG', bytes: latin1('<?xml version="1.0"?>\n<svg xmlns="a"/>'), says: /SVG/ },
    { title: 'a web page', bytes: latin1('\n<!DOCTYPE html><p>404'), says: /web page/ },
    { title: 'a bitmap', bytes: latin1('BM'), says: /bitmap/ },
    ...(
      [
        [6, /old-style JPEG/],
        [32909, /PixarLog/],
        [33005, /JPEG 2000/],
        [34661, /JBIG/],
        [34712, /JPEG 2000/],
        [34887, /LERC/],
        [34925, /LZMA/],
        [34933, /PNG/],
        [50000, /ZSTD/],
        [50002, /JPEG XL/],
        [65000, /65000/],
      ] as const
    ).flatMap(([compression, says]) =>
      [false, true].map((big) => ({
        title: `a ${big ? 'Big' : ''}TIFF with compression ${compression}`,
        bytes: tiffOf({ compression, big }),
        says,
      })),
    ),
    { title: 'sensor data', bytes: tiffOf({ photometric: 32803, channels: 1, bits: 16 }), says: /raw/ },
    { title: '64-bit floating point', bytes: tiffOf({ bits: 64, format: 3, channels: 1 }), says: /64-bit/ },
    { title: '64-bit integers', bytes: tiffOf({ bits: 64, channels: 1 }), says: /64-bit/ },
    { title: 'complex numbers', bytes: tiffOf({ bits: 64, format: 6, channels: 1 }), says: /complex/ },
    { title: '16-bit floating point', bytes: tiffOf({ bits: 16, format: 3, channels: 1 }), says: /16-bit/ },
    { title: 'CMYK of floating point', bytes: tiffOf({ bits: 32, format: 3, channels: 4 }), says: /CMYK/ },
  ];
  for (const { title, bytes, says } of cases) {
    it(title, async () => {
      const message = await messageFor(bytes);
      assert.match(message, says);
      assert.doesNotMatch(message, /damaged/);
    });
  }

  it('a JPEG of 12 bits', async () => {
    const bytes = Buffer.from(await small().jpeg().toBuffer());
    bytes[bytes.indexOf(Buffer.from([0xff, 0xc0])) + 4] = 12;
    assert.match(await messageFor(bytes), /12-bit/);
  });
});

describe('a file of a kind that is read is called damaged where it is', () => {
  const kinds = {
    JPEG: () => small().jpeg(),
    AVIF: () => small().avif({ effort: 0 }),
    'TIFF with LZW': () => small().tiff({ compression: 'lzw' }),
  };
  for (const [title, make] of Object.entries(kinds)) {
    it(title, async () => {
      const bytes = await make().toBuffer();
      // A TIFF as libvips writes it has its directory at the end: cut within the pixels, it has none.
      const hurt = title.startsWith('TIFF')
        ? Buffer.from(bytes).fill(0xff, 8, 2000)
        : bytes.subarray(0, -400);
      assert.match(await messageFor(hurt), /damaged/);
    });
  }
});

describe('AVIF is read under any brands of HEIF', () => {
  for (const brands of [
    ['avif', 'mif1'],
    ['mif1', 'avif'],
    ['heic', 'mif1'],
  ]) {
    it(brands.join(', '), async () => {
      const bytes = rebranded(await small().avif({ effort: 0 }).toBuffer(), ...brands);
      const { width, height, format } = await decodeImage(bytes, IM2TXT_INPUT);
      assert.deepEqual({ width, height, format }, { width: 160, height: 120, format: 'avif' });
    });
  }
});
