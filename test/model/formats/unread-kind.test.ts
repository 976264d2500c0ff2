import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import sharp from 'sharp';
import { IM2TXT_INPUT } from '../../../src/caption/image-input.ts';
import { unreadKind } from '../../../src/model/formats/unread-kind.ts';
import { decodeImage } from '../../../src/model/image.ts';
import {
  avifClaiming,
  ftyp,
  rebranded,
  type TiffParts,
  tiff,
  tiffOf as tiffWith,
} from '../../support/crafted-images.ts';
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
    { title: 'a HEIC that is larger than any AVIF', bytes: avifClaiming(HEIC, 9000, 9000), says: /HEIC/ },
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

describe('what a file is, told by its first bytes alone', () => {
  const KINDS: Record<string, string[]> = {
    'a JPEG XL image': ['\xff\x0a', '\0\0\0\x0cJXL \r\n\x87\n'],
    'a JPEG 2000 image': ['\0\0\0\x0cjP  \r\n\x87\n', '\xff\x4f\xff\x51'],
    'a JPEG XR image': ['II\xbc\x01'],
    'a JPEG-LS image': ['\xff\xd8\xff\xe0\0\x04ab\xff\xf7\0\x0b\x08'],
    'a JPEG image with 12-bit samples': [
      '\xff\xd8\xff\xc1\0\x0b\x0c',
      `${'\xff\xd8\xff\xe0\x01\x02'.padEnd(262, '\xff')}\xff\xc0\0\x0b\x0c`,
      '\xff\xd8\xff\xc4\0\x03a\xff\xc8\0\x03a\xff\xcc\0\x03a\xff\xcf\0\x0b\x0c',
    ],
    'a camera raw file': [
      'FUJIFILMCCD-RAW 0201',
      'IIRO\x08\0',
      'IIRS\x08\0',
      'MMOR\0\0',
      'IIU\0\x18\0',
      '\0MRM\0\0',
      'FOVb\0\0',
    ],
    'a Photoshop document': ['8BPS\0\x01'],
    'a GIMP document': ['gimp xcf v011'],
    'an OpenEXR image': ['\x76\x2f\x31\x01'],
    'a Radiance HDR image': ['#?RADIANCE\n', '#?RGBE\n'],
    'a FITS image': ['SIMPLE  =                    T'],
    'a DirectDraw surface': ['DDS |'],
    'a QOI image': ['qoif\0'],
    'an Apple icon': ['icns\0'],
    'a Windows icon': ['\0\0\x01\0\x01\0'],
    'a Windows bitmap': ['BM'],
    'a PDF document': ['%PDF-1.4'],
    'a Netpbm image': ['P1\n', 'P4 ', 'P6\n2 2', 'P7\nWIDTH 2'],
    'an SVG drawing': [
      '<svg/>',
      '\xef\xbb\xbf\r\n <svg viewBox="0 0 1 1">',
      '<?xml version="1.0"?><svg>',
      '<!-- drawn --><svg>',
      '<!DOCTYPE svg><SVG>',
    ],
    'a web page': ['<!DOCTYPE html>', '\n\t<HTML lang="en">', '\xef\xbb\xbf<html>'],
  };
  for (const [kind, starts] of Object.entries(KINDS)) {
    it(kind, () => {
      for (const start of starts) {
        assert.match(
          unreadKind(latin1(start)) ?? '',
          new RegExp(`^this is ${kind}, (which is not read|not an image)`),
          start,
        );
        // Not the same in the middle of a file.
        assert.equal(unreadKind(latin1(`x${start}`)), null, start);
      }
    });
  }

  it('nothing where it says nothing, or what is read', () => {
    for (const start of [
      '',
      'x',
      'P8\n',
      'P0 ',
      'P6',
      '<?xml version="1.0"?><rss>',
      '<svgs/>',
      '<htmls>',
      '<p>',
      'II',
      'GIF89a',
      '\xff\xd8\xff\xc0\0\x0b\x08',
      '\xff\xd8\xff\xc0\0\x0b',
      '\xff\xd8\xff\xda\0\x04ab\0\xff\xf7',
      '\x89PNG\r\n',
    ]) {
      assert.equal(unreadKind(Buffer.from(start, 'latin1')), null, JSON.stringify(start));
    }
  });

  it('looks no further than a text would begin', () => {
    const drawn = (space: number) => `<?xml version="1.0"?>${' '.repeat(space)}<svg>`;
    assert.match(unreadKind(latin1(drawn(900))) ?? '', /SVG/);
    assert.equal(unreadKind(latin1(drawn(1100))), null);
  });

  it('a file of boxes by its codec, then by any of its brands', () => {
    const boxes = (brands: string[], codec = '', space = 0) =>
      unreadKind(Buffer.concat([ftyp(...brands), Buffer.alloc(space), Buffer.from(codec)])) ?? 'read';
    const [heic, heif, video] = [
      /^this is a HEIC image \(HEVC/,
      /^this is a HEIF image/,
      /^this is a video or audio/,
    ];
    for (const brand of ['heic', 'heix', 'heim', 'heis', 'hevc', 'hevx', 'hevm', 'hevs']) {
      assert.match(boxes([brand]), heic, brand);
      assert.match(boxes(['isom', 'iso2', brand]), heic, brand);
      assert.equal(boxes([brand], 'av1C'), 'read', brand);
    }
    for (const brand of ['avif', 'avis']) {
      assert.equal(boxes([brand]), 'read', brand);
      assert.match(boxes([brand], 'hvcC'), heic, brand);
    }
    for (const brand of [
      'mif1',
      'msf1',
      'mif2',
      'avci',
      'avcs',
      'j2ki',
      'j2is',
      'vvic',
      'vvis',
      'jpeg',
      'jpgs',
    ]) {
      assert.match(boxes([brand]), heif, brand);
      assert.match(boxes([brand], 'hvcC', 60_000), heic, brand);
      assert.match(boxes([brand], 'hvcC', 66_000), heif, brand);
      assert.equal(boxes([brand], 'av1C', 60_000), 'read', brand);
    }
    assert.match(boxes(['isom', 'mp42']), video);
    assert.match(boxes(['isom'], 'hvcC'), video);
    assert.match(boxes(['isom', 'crx ']), /camera raw/);
    // Brands end with their box, and the version that stands among them is none.
    assert.match(boxes(['isom'], 'avif'), video);
    const version = ftyp('isom', 'mp42');
    version.write('avif', 12, 'latin1');
    assert.match(unreadKind(version) ?? 'read', video);
  });

  it('a TIFF by its fields, in whatever order of bytes', () => {
    const SCHEMES: Record<string, number[]> = {
      'old-style JPEG': [6],
      JBIG: [9, 10, 34661],
      PixarLog: [32909],
      'JPEG 2000': [33003, 33004, 33005, 34712],
      JBIG2: [34715],
      LERC: [34887],
      'lossy JPEG of DNG': [34892],
      LZMA: [34925],
      PNG: [34933],
      'JPEG XR': [34934],
      ZSTD: [50000],
      'JPEG XL': [50002, 52546],
      'scheme 65000': [65000],
    };
    const of = (fields: [number, number][], little = true) =>
      unreadKind(
        tiffWith(
          { little, big: false },
          fields.map(([tag, value]) => [tag, 3, [value]]),
        ),
      );
    for (const little of [true, false]) {
      for (const [scheme, numbers] of Object.entries(SCHEMES)) {
        for (const number of numbers) {
          assert.match(of([[259, number]], little) ?? '', new RegExp(`compressed with ${scheme}, which`));
        }
      }
      for (const read of [1, 2, 3, 4, 5, 7, 8, 32766, 32771, 32773, 32809, 32946, 34676, 34677, 50001]) {
        assert.equal(of([[259, read]], little), null, `${read}`);
      }
    }
    for (const [fields, said] of [
      [[[50706, 1]], /camera raw/],
      [[[262, 32803]], /camera raw/],
      [[[262, 34892]], /camera raw/],
      [[[339, 5]], /complex numbers/],
      [[[339, 6]], /complex numbers/],
      [[[258, 33]], /33-bit samples/],
      [
        [
          [262, 5],
          [339, 3],
        ],
        /CMYK TIFF image with floating-point/,
      ],
      [[[262, 8]], /CIELab/],
      [[[262, 9]], /CIELab/],
      [[[262, 10]], /CIELab/],
    ] as [[number, number][], RegExp][]) {
      assert.match(of(fields) ?? '', said);
    }
    for (const fields of [[[258, 32]], [[262, 5]], [[339, 3]], [[339, 4]], [[262, 2]]] as [
      number,
      number,
    ][][]) {
      assert.equal(of(fields), null, JSON.stringify(fields));
    }
  });
});
