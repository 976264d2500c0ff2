import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, describe, it } from 'node:test';
import sharp, { type Sharp } from 'sharp';
import { IM2TXT_INPUT, type ImageInput } from '../../src/caption/image-input.ts';
import type { DecodedImage } from '../../src/caption/ports.ts';
import { CaptionError } from '../../src/errors.ts';
import { decodeImage } from '../../src/model/image.ts';
import { DEFAULT_BUNDLE, loadCaptioner } from '../../src/model/load.ts';
import {
  avifClaiming,
  bmp,
  ftyp,
  gifClaiming,
  jpegClaiming,
  mendPng,
  pngClaiming,
  type StoredPicture,
  storedUnder,
  tiffClaiming,
  webpClaiming,
} from '../support/crafted-images.ts';
import { rejectsWith } from '../support/errors.ts';
import { mutate } from '../support/mutate.ts';
import { xorshift } from '../support/random.ts';
import { COFFEE } from '../support/samples.ts';
import { SAME_PICTURE, SAME_PICTURE_JPEG } from '../support/tolerance.ts';
import { SMALL_INPUT } from './formats/small-input.ts';

const RULES = [SMALL_INPUT, IM2TXT_INPUT];

const SIDE = 60_000;
/** Far above what it takes; only a hang or a real decode comes here. */
const GUARD_MS = 1000;

const photo = readFileSync(COFFEE);
const WIDTH = 160;
const HEIGHT = 120;
/** A small version of a photograph, to be encoded. */
const small = () => sharp(photo).resize(WIDTH, HEIGHT);
const plain = (width: number, height: number) =>
  sharp({ create: { width, height, channels: 3, background: { r: 200, g: 100, b: 50 } } });

/** Photographs as every kind of file that is promised to work; `format` is what the result says. */
const ENCODED: { title: string; format: string; make: () => Sharp }[] = [
  { title: 'a baseline JPEG', format: 'jpeg', make: () => small().jpeg() },
  { title: 'a progressive JPEG', format: 'jpeg', make: () => small().jpeg({ progressive: true }) },
  { title: 'a PNG', format: 'png', make: () => small().png() },
  { title: 'an interlaced PNG', format: 'png', make: () => small().png({ progressive: true }) },
  { title: 'a lossy WebP', format: 'webp', make: () => small().webp() },
  { title: 'a lossless WebP', format: 'webp', make: () => small().webp({ lossless: true }) },
  { title: 'an AVIF', format: 'avif', make: () => small().avif({ effort: 0 }) },
  { title: 'a GIF', format: 'gif', make: () => small().gif() },
  { title: 'a TIFF with JPEG inside', format: 'tiff', make: () => small().tiff() },
  { title: 'a TIFF with LZW', format: 'tiff', make: () => small().tiff({ compression: 'lzw' }) },
  { title: 'a TIFF without compression', format: 'tiff', make: () => small().tiff({ compression: 'none' }) },
];

async function timed<T>(run: () => Promise<T>): Promise<{ value: T; milliseconds: number }> {
  const start = performance.now();
  const value = await run();
  return { value, milliseconds: performance.now() - start };
}

/** Mean absolute difference in grey levels. */
function difference(a: Uint8Array, b: Uint8Array): number {
  assert.equal(a.length, b.length);
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += Math.abs(a[i]! - b[i]!);
  return sum / a.length;
}

function assertForm(image: DecodedImage, input: ImageInput, original: [width: number, height: number]): void {
  const [width, height] = input.resampling === 'antialiased' ? [input.width, input.height] : original;
  assert.deepEqual([image.width, image.height], [width, height]);
  assert.equal(image.pixels.length, 3 * width * height);
  assert.deepEqual([image.originalWidth, image.originalHeight], original);
}

// First in this file: later tests raise the process's peak memory, and this one watches it.
describe('an image that claims more pixels than its kind may have is refused before it is decoded', () => {
  const bombs: { title: string; make: () => Buffer | Promise<Buffer> }[] = [
    { title: 'a PNG', make: () => pngClaiming(SIDE, SIDE) },
    { title: 'a baseline JPEG', make: async () => jpegClaiming(await small().jpeg().toBuffer(), SIDE, SIDE) },
    {
      title: 'a progressive JPEG',
      make: async () => jpegClaiming(await small().jpeg({ progressive: true }).toBuffer(), SIDE, SIDE),
    },
    { title: 'a GIF', make: () => gifClaiming(SIDE, SIDE) },
    { title: 'a TIFF', make: () => tiffClaiming(SIDE, SIDE) },
    { title: 'a WebP, which cannot claim more than 16383 x 16383', make: () => webpClaiming(16383, 16383) },
    {
      title: 'an AVIF',
      make: async () => avifClaiming(await small().avif({ effort: 0 }).toBuffer(), SIDE, SIDE),
    },
    { title: 'just over the limit, 11314 x 11314', make: () => pngClaiming(11_314, 11_314) },
  ];
  before(async () => {
    await decodeImage(await small().jpeg().toBuffer(), SMALL_INPUT);
  });

  for (const { title, make } of bombs) {
    for (const rule of RULES) {
      it(`${title}, ${rule.resampling}`, async (t) => {
        const bytes = await make();
        const peak = process.resourceUsage().maxRSS;
        const { milliseconds } = await timed(() => rejectsWith(decodeImage(bytes, rule), 'ImageTooLarge'));
        const grownBy = (process.resourceUsage().maxRSS - peak) / 1024;
        t.diagnostic(`${milliseconds.toFixed(1)} ms, peak memory + ${grownBy.toFixed(1)} MB`);
        assert.ok(milliseconds < GUARD_MS, `${milliseconds} ms`);
        // The smallest of them takes 380 MB when it is decoded.
        assert.ok(grownBy < 100, `peak memory grew by ${grownBy} MB`);
      });
    }
  }
});

describe('a photograph is decoded from', () => {
  for (const { title, format, make } of ENCODED) {
    it(title, async () => {
      const bytes = await make().toBuffer();
      const reference = await small().removeAlpha().raw().toBuffer();
      for (const rule of RULES) {
        const image = await decodeImage(bytes, rule);
        assertForm(image, rule, [WIDTH, HEIGHT]);
        assert.equal(image.format, format);
        // The picture itself, not only its frame: a palette or a coarse quantiser stays within this.
        if (rule === IM2TXT_INPUT) assert.ok(difference(image.pixels, reference) < 6);
      }
    });
  }

  it('a medium-format camera, 102 megapixels', async () => {
    const bytes = await plain(11_648, 8736).jpeg({ quality: 50 }).toBuffer();
    assertForm(await decodeImage(bytes, SMALL_INPUT), SMALL_INPUT, [11_648, 8736]);
  });

  it('a telephone with 200 megapixels, without the memory for them', async () => {
    const bytes = await plain(16_320, 12_240).jpeg({ quality: 50 }).toBuffer();
    const peak = process.resourceUsage().maxRSS;
    assertForm(await decodeImage(bytes, SMALL_INPUT), SMALL_INPUT, [16_320, 12_240]);
    const grownBy = (process.resourceUsage().maxRSS - peak) / 1024;
    assert.ok(grownBy < 100, `peak memory grew by ${grownBy} MB`);
  });
});

describe('a limit that somebody sets', () => {
  it('holds for every kind of file, and is named with the size', async () => {
    for (const { title, make } of ENCODED) {
      const bytes = await make().toBuffer();
      for (const rule of RULES) {
        const error = await rejectsWith(
          decodeImage(bytes, rule, { maxPixels: WIDTH * HEIGHT - 1 }),
          'ImageTooLarge',
        );
        assert.match(error.message, /160 x 120 = 19200 pixels.* 19199 .*--max-pixels/, title);
        assertForm(await decodeImage(bytes, rule, { maxPixels: WIDTH * HEIGHT }), rule, [WIDTH, HEIGHT]);
      }
    }
  });

  it('may be above that of a kind', async () => {
    const bytes = await plain(11_400, 11_400).png({ palette: true, compressionLevel: 1 }).toBuffer();
    await rejectsWith(decodeImage(bytes, SMALL_INPUT), 'ImageTooLarge');
    const image = await decodeImage(bytes, SMALL_INPUT, { maxPixels: 130_000_000 });
    assertForm(image, SMALL_INPUT, [11_400, 11_400]);
  });
});

describe('pixels become 8-bit RGB whatever the file holds', () => {
  const grey = (image: Sharp) => image.greyscale().toColourspace('b-w');
  const cases: { title: string; make: () => Sharp; size?: [number, number]; holds: object }[] = [
    { title: 'a greyscale JPEG', make: () => grey(small()).jpeg(), holds: { space: 'b-w', channels: 1 } },
    { title: 'a greyscale PNG', make: () => grey(small()).png(), holds: { space: 'b-w', channels: 1 } },
    {
      title: 'a greyscale PNG with alpha',
      make: () => grey(small()).ensureAlpha(0.5).png(),
      holds: { space: 'b-w', channels: 2 },
    },
    {
      title: 'a palette PNG',
      make: () => small().png({ palette: true, colours: 16 }),
      holds: { isPalette: true },
    },
    {
      title: 'a 16-bit PNG',
      make: () => small().toColourspace('rgb16').png(),
      holds: { space: 'rgb16', depth: 'ushort' },
    },
    {
      title: 'a 16-bit greyscale PNG',
      make: () => grey(small()).toColourspace('grey16').png(),
      holds: { depth: 'ushort', channels: 1 },
    },
    {
      title: 'a CMYK JPEG',
      make: () => small().toColourspace('cmyk').jpeg(),
      holds: { space: 'cmyk', channels: 4 },
    },
    { title: 'a PNG with alpha', make: () => small().ensureAlpha(0.5).png(), holds: { channels: 4 } },
    { title: 'a WebP with alpha', make: () => small().ensureAlpha(0.5).webp(), holds: { hasAlpha: true } },
    { title: 'one pixel', make: () => plain(1, 1).png(), size: [1, 1], holds: { width: 1 } },
    { title: 'one pixel as JPEG', make: () => plain(1, 1).jpeg(), size: [1, 1], holds: { width: 1 } },
    { title: 'one column', make: () => plain(1, 5000).png(), size: [1, 5000], holds: { height: 5000 } },
    { title: 'one row', make: () => plain(5000, 1).png(), size: [5000, 1], holds: { width: 5000 } },
    { title: 'one row as JPEG', make: () => plain(5000, 1).jpeg(), size: [5000, 1], holds: { width: 5000 } },
  ];
  for (const { title, make, size = [WIDTH, HEIGHT], holds } of cases) {
    it(title, async () => {
      const bytes = await make().toBuffer();
      const found = await sharp(bytes).metadata();
      for (const [key, value] of Object.entries(holds)) assert.equal(Reflect.get(found, key), value, key);
      for (const rule of RULES) assertForm(await decodeImage(bytes, rule), rule, size as [number, number]);
    });
  }

  it('and the colours of a CMYK photograph are still its own', async () => {
    const bytes = await small().toColourspace('cmyk').jpeg({ quality: 100 }).toBuffer();
    const reference = await small().raw().toBuffer();
    const { pixels } = await decodeImage(bytes, IM2TXT_INPUT);
    // The round trip through the printer's gamut costs about 5; an inverted picture is 100 away.
    assert.ok(difference(pixels, reference) < 20);
  });

  it('and 16 bits lose only their lower half', async () => {
    const bytes = await small().toColourspace('rgb16').png().toBuffer();
    const reference = await small().raw().toBuffer();
    assert.ok(difference((await decodeImage(bytes, IM2TXT_INPUT)).pixels, reference) < SAME_PICTURE);
  });

  it('and grey stands in all three channels', async () => {
    const bytes = await small().greyscale().toColourspace('b-w').png().toBuffer();
    const reference = await small().greyscale().toColourspace('b-w').raw().toBuffer();
    const { pixels } = await decodeImage(bytes, IM2TXT_INPUT);
    for (const channel of [0, 1, 2]) {
      const plane = pixels.filter((_, i) => i % 3 === channel);
      assert.ok(difference(plane, reference) < SAME_PICTURE, `channel ${channel}`);
    }
  });

  it('and alpha is dropped, not blended', async () => {
    const bytes = await small().ensureAlpha(0.2).png().toBuffer();
    const reference = await small().raw().toBuffer();
    assert.ok(difference((await decodeImage(bytes, IM2TXT_INPUT)).pixels, reference) < SAME_PICTURE);
  });

  it('and of an animated GIF the first frame is read', async () => {
    const frame = (r: number, b: number) =>
      sharp({ create: { width: 20, height: 10, channels: 3, background: { r, g: 0, b } } })
        .png()
        .toBuffer();
    const frames = [await frame(255, 0), await frame(0, 255)];
    const bytes = await sharp(frames, { join: { animated: true } })
      .gif()
      .toBuffer();
    assert.equal((await sharp(bytes).metadata()).pages, 2);
    const image = await decodeImage(bytes, IM2TXT_INPUT);
    assertForm(image, IM2TXT_INPUT, [20, 10]);
    assert.deepEqual([...image.pixels.subarray(0, 3)], [255, 0, 0]);
  });
});

describe('the eight EXIF orientations of one picture', () => {
  const ORIENTATIONS = [1, 2, 3, 4, 5, 6, 7, 8];

  async function uprightPicture(width: number, height: number): Promise<StoredPicture> {
    const pixels = await sharp(photo).resize(width, height, { fit: 'fill' }).raw().toBuffer();
    return { pixels, width, height };
  }

  function fileOf(picture: StoredPicture, orientation: number): Sharp {
    const { pixels, width, height } = storedUnder(orientation, picture);
    return sharp(pixels, { raw: { width, height, channels: 3 } }).withMetadata({ orientation });
  }

  const asPng = (image: Sharp) => image.png().toBuffer();
  const asJpeg = (image: Sharp) => image.jpeg({ quality: 100, chromaSubsampling: '4:4:4' }).toBuffer();

  for (const rule of RULES) {
    it(`show the same pixels and size, ${rule.resampling}`, async (t) => {
      // Both sides above the network's: libvips enlarges half a pixel off the centre, so mirrored pictures then differ.
      const upright = await uprightPicture(300, 240);
      const reference = await decodeImage(await asPng(fileOf(upright, 1)), rule);
      if (rule === IM2TXT_INPUT) assert.deepEqual(reference.pixels, upright.pixels);
      for (const orientation of ORIENTATIONS) {
        const file = fileOf(upright, orientation);
        const png = await asPng(file.clone());
        assert.equal((await sharp(png).metadata()).orientation, orientation);
        const ofPng = await decodeImage(png, rule);
        const ofJpeg = await decodeImage(await asJpeg(file.clone()), rule);
        const [p, j] = [ofPng, ofJpeg].map((image) => difference(image.pixels, reference.pixels));
        t.diagnostic(`${orientation}: PNG ${p!.toFixed(3)}, JPEG ${j!.toFixed(3)} grey levels`);
        for (const image of [ofPng, ofJpeg]) assertForm(image, rule, [300, 240]);
        assert.ok(p! < SAME_PICTURE, `PNG, orientation ${orientation}: ${p}`);
        assert.ok(j! < SAME_PICTURE_JPEG, `JPEG, orientation ${orientation}: ${j}`);
      }
    });
  }

  it('get the same caption', async () => {
    const captioner = await loadCaptioner(DEFAULT_BUNDLE, { threads: 1 });
    // Of the network's own size, so that no resampling can round differently.
    const { width, height } = captioner.bundle.manifest.image;
    const upright = await uprightPicture(width, height);
    const files = await Promise.all(ORIENTATIONS.map((o) => asPng(fileOf(upright, o))));
    const results = [];
    for (const file of files) results.push(await captioner.caption(file));
    for (const { captions } of results) assert.deepEqual(captions, results[0]!.captions);
    // The same pixels without the tag are another picture, so the tag was read.
    const untagged = await sharp(files[2]!).png().toBuffer();
    assert.notDeepEqual((await captioner.caption(untagged)).captions, results[0]!.captions);
  });
});

describe('bytes that are no readable image are refused', () => {
  const svg =
    '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>';
  const randomBytes = () => {
    const random = xorshift(7);
    return Buffer.from(Array.from({ length: 5000 }, () => random.below(256)));
  };
  const cases: { title: string; bytes: Buffer }[] = [
    { title: 'nothing', bytes: Buffer.alloc(0) },
    { title: 'one byte', bytes: Buffer.from([0xff]) },
    { title: 'random bytes', bytes: randomBytes() },
    { title: 'text', bytes: Buffer.from('This is a letter that somebody named photo.jpg.\n') },
    { title: 'zeros', bytes: Buffer.alloc(1 << 20) },
    { title: 'an SVG', bytes: Buffer.from(svg) },
    { title: 'an SVG with an XML prologue', bytes: Buffer.from(`<?xml version="1.0"?>\n${svg}`) },
    { title: 'a HEIC', bytes: ftyp('heic', 'mif1', 'heic') },
    {
      title: 'a PDF',
      bytes: Buffer.from('%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer\n%%EOF\n'),
    },
    { title: 'a BMP', bytes: bmp() },
    { title: 'a JPEG start and random bytes', bytes: Buffer.concat([photo.subarray(0, 20), randomBytes()]) },
  ];
  for (const { title, bytes } of cases) {
    it(title, async () => {
      for (const rule of RULES) {
        const { milliseconds } = await timed(() => rejectsWith(decodeImage(bytes, rule), 'UnsupportedImage'));
        assert.ok(milliseconds < GUARD_MS, `${milliseconds} ms`);
      }
    });
  }

  it('formats that libvips reads but nobody asked for', async () => {
    const raw = Buffer.concat([Buffer.from('P6 2 2 255\n'), Buffer.alloc(12)]); // a right PPM
    await rejectsWith(decodeImage(raw, SMALL_INPUT), 'UnsupportedImage');
  });
});

describe('a file cut off at any eighth of its length is refused', () => {
  for (const { title, make } of ENCODED) {
    it(title, async () => {
      const bytes = await make().toBuffer();
      for (let eighth = 1; eighth < 8; eighth++) {
        const cut = bytes.subarray(0, Math.floor((bytes.length * eighth) / 8));
        for (const rule of RULES) {
          const { milliseconds } = await timed(() => rejectsWith(decodeImage(cut, rule), 'UnsupportedImage'));
          assert.ok(milliseconds < GUARD_MS, `${milliseconds} ms at ${eighth}/8`);
        }
      }
    });
  }
});

describe('three hundred mutated files', () => {
  const kinds: { title: string; make: () => Sharp; mend?: (bytes: Buffer, i: number) => Buffer }[] = [
    { title: 'JPEG', make: () => small().jpeg() },
    // Most with right checksums, or libpng looks no further.
    { title: 'PNG', make: () => small().png(), mend: (bytes, i) => (i % 4 === 0 ? bytes : mendPng(bytes)) },
    { title: 'WebP', make: () => small().webp() },
  ];
  kinds.forEach(({ title, make, mend = (bytes) => bytes }, kind) => {
    it(`a hundred of ${title} are decoded or refused with a typed error, each in time`, async (t) => {
      const random = xorshift(1000 + kind);
      const original = await make().toBuffer();
      const outcomes: Record<string, number> = {};
      let slowest = 0;
      for (let i = 0; i < 100; i++) {
        const bytes = mend(mutate(original, random), i);
        const { value, milliseconds } = await timed(() => outcomeOf(bytes, RULES[i % 2]!));
        outcomes[value] = (outcomes[value] ?? 0) + 1;
        slowest = Math.max(slowest, milliseconds);
        assert.ok(['decoded', 'UnsupportedImage', 'ImageTooLarge'].includes(value), `file ${i}: ${value}`);
        assert.ok(milliseconds < 5 * GUARD_MS, `file ${i}: ${milliseconds} ms`);
      }
      t.diagnostic(`${JSON.stringify(outcomes)}, slowest ${slowest.toFixed(1)} ms`);
      // Or the mutations were no injuries.
      assert.ok((outcomes.UnsupportedImage ?? 0) >= 20, JSON.stringify(outcomes));
    });
  });

  async function outcomeOf(bytes: Uint8Array, rule: ImageInput): Promise<string> {
    try {
      const image = await decodeImage(bytes, rule);
      assertForm(image, rule, [image.originalWidth, image.originalHeight]);
      return 'decoded';
    } catch (error) {
      return error instanceof CaptionError ? error.code : String(error);
    }
  }
});
