import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { crc32, deflateSync } from 'node:zlib';
import sharp, { type Sharp } from 'sharp';
import { describeImage, wordsInOriginal } from '../../src/alt/describe-image.ts';
import { UnsupportedImage } from '../../src/errors.ts';
import { mutate } from '../support/mutate.ts';
import { xorshift } from '../support/random.ts';
import { COFFEE, readSamples } from '../support/samples.ts';
import { assertOnlyXmpDiffers, readXmp } from './described.ts';
import { dataSet, imageDescription, JPEG, PNG, type Tag, tiff, WEBP, webpWith } from './words/files.ts';

const TEXT = 'A cup of coffee, "hot" & <black>.';
const THEIRS = `<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" dc:format="theirs"/></rdf:RDF></x:xmpmeta>`;

const small = await sharp(readFileSync(COFFEE)).resize(90, 60).png().toBuffer();
const photograph = () =>
  sharp(small)
    .withExif({
      IFD0: { Copyright: 'Ann', Artist: 'theirs' },
      IFD3: { GPSLatitude: '51/1 30/1 0/1' },
    })
    .withIccProfile('p3');

const ENCODERS: Record<string, (image: Sharp) => Sharp> = {
  JPEG: (image) => image.jpeg(),
  'progressive JPEG': (image) => image.jpeg({ progressive: true }),
  PNG: (image) => image.png(),
  'PNG with a palette': (image) => image.png({ palette: true }),
  'lossy WebP': (image) => image.webp(),
  'lossless WebP': (image) => image.webp({ lossless: true }),
  'WebP with transparency': (image) => image.ensureAlpha(0.5).webp({ lossless: true }),
  'TIFF, LZW': (image) => image.tiff({ compression: 'lzw' }),
  'TIFF, JPEG': (image) => image.tiff({ compression: 'jpeg' }),
  'TIFF, tiles and smaller copies': (image) =>
    image.tiff({ tile: true, tileWidth: 16, tileHeight: 16, pyramid: true }),
};

/** Equal bytes at the start and at the end; they may overlap. */
function common(before: Buffer, after: Buffer): { start: number; end: number } {
  const length = Math.min(before.length, after.length);
  let start = 0;
  while (start < length && before[start] === after[start]) start++;
  let end = 0;
  while (end < length && before[before.length - 1 - end] === after[after.length - 1 - end]) end++;
  return { start, end };
}

const described = (bytes: Uint8Array, overwrite = false) => {
  const result = describeImage(bytes, TEXT, overwrite).bytes;
  assert.ok(result);
  return result;
};

async function assertDescribed(bytes: Buffer): Promise<void> {
  for (const field of ['dc:description', 'Iptc4xmpCore:AltTextAccessibility']) {
    assert.deepEqual(await readXmp(bytes, field), { 'x-default': TEXT });
  }
}

for (const [format, encode] of Object.entries(ENCODERS)) {
  describe(format, () => {
    for (const [what, image] of [
      ['without metadata', () => sharp(small)],
      ['with EXIF and ICC', photograph],
      ['with EXIF, ICC and XMP', () => photograph().withXmp(THEIRS)],
    ] as const) {
      it(`${what} gets the text, and nothing else changes`, async () => {
        const before = await encode(image()).toBuffer();
        const copy = Buffer.from(before);
        const after = described(before);
        assert.ok(before.equals(copy));
        await assertOnlyXmpDiffers(before, after);
        await assertDescribed(after);
        if (what.endsWith('XMP')) assert.match((await sharp(after).metadata()).xmp!.toString(), /theirs/);
      });
    }

    it('is left alone the second time, and rewritten on request to the same length', async () => {
      const once = described(await encode(photograph()).toBuffer());
      assert.deepEqual(describeImage(once, 'Another text.', false), {
        bytes: null,
        written: [],
        kept: ['dc:description', 'Iptc4xmpCore:AltTextAccessibility'],
      });
      const other = describeImage(once, 'Another text.', true).bytes!;
      await assertOnlyXmpDiffers(once, other);
      const again = described(other, true);
      await assertDescribed(again);
    });
  });
}

describe('every byte', () => {
  it('of a JPEG or PNG stays, one piece is put in', async () => {
    for (const format of ['jpeg', 'png'] as const) {
      const before = await photograph().toFormat(format).toBuffer();
      const { start, end } = common(before, described(before));
      assert.ok(start + end >= before.length, format);
    }
    for (const { bytes, name } of readSamples()) {
      const { start, end } = common(bytes, described(bytes));
      assert.ok(start + end >= bytes.length, name);
    }
  });

  it('of a TIFF stays in its place, but for the one offset', async () => {
    for (const order of ['little', 'big']) {
      const bytes = await sharp(small).tiff({ compression: 'none' }).toBuffer();
      const before = order === 'little' ? bytes : bigEndian(bytes);
      const after = described(before);
      assert.ok(before.subarray(8).equals(after.subarray(8, before.length)));
      assert.ok(before.subarray(0, 4).equals(after.subarray(0, 4)));
      await assertOnlyXmpDiffers(before, after);
    }
  });

  it('of a WebP stays, but for the size and the header that XMP needs', async () => {
    const before = await photograph().webp().toBuffer();
    const after = described(before);
    assert.equal(after.readUInt32LE(4), after.length - 8);
    assert.equal(after[20], before[20]! | 4); // flags of VP8X
    assert.ok(before.subarray(21).equals(after.subarray(21, before.length)));
  });
});

describe('a JPEG with all that cameras leave in it', () => {
  const segment = (marker: number, content: Buffer) => {
    const head = Buffer.from([0xff, marker, 0, 0]);
    head.writeUInt16BE(content.length + 2, 2);
    return Buffer.concat([head, content]);
  };
  const iptc = Buffer.concat([
    Buffer.from('Photoshop 3.0\0' + '8BIM\x04\x04\0\0\0\0\0\x09', 'latin1'), // image resource 0x0404, 9 bytes
    Buffer.from('\x1c\x02\x50\0\x04name\0', 'latin1'), // 2:80 by-line, then padding to an even size
  ]);
  const withExtras = async (...extra: Buffer[]) => {
    const jpeg = await photograph().jpeg().toBuffer();
    return Buffer.concat([
      jpeg.subarray(0, 2),
      segment(0xe0, Buffer.from('JFIF\0\x01\x01\0\0\x01\0\x01\0\0', 'latin1')),
      Buffer.from([0xff, 0xff]), // fill bytes
      ...extra,
      jpeg.subarray(2),
      Buffer.from('the film of a motion photo'),
    ]);
  };

  it('keeps comment, IPTC, unknown segments and what follows the picture', async () => {
    const before = await withExtras(
      segment(0xed, iptc),
      segment(0xfe, Buffer.from('CREATOR: gd-jpeg v1.0')),
      segment(0xeb, Buffer.from('gain map')),
    );
    const after = described(before);
    await assertOnlyXmpDiffers(before, after);
    const { start, end } = common(before, after);
    assert.ok(start + end >= before.length);
    assert.ok(after.toString('latin1').endsWith('motion photo'));
  });

  it('is refused where offsets would no longer be right', async () => {
    const theirs = segment(0xe1, Buffer.from(`http://ns.adobe.com/xap/1.0/\0${THEIRS}`));
    const index = segment(0xe2, Buffer.from('MPF\0II*\0'));
    const behind = await withExtras(index, theirs);
    assert.throws(() => describeImage(behind, TEXT, false), UnsupportedImage);
    assert.ok(described(await withExtras(theirs, index)));
  });

  it('has its packet filled to the last byte that a segment may have, and a larger one refused', async () => {
    const limit = 65_502;
    const filled = async (length: number) =>
      withExtras(
        segment(
          0xe1,
          Buffer.from(`http://ns.adobe.com/xap/1.0/\0${THEIRS.replace('theirs', 'x'.repeat(length))}`),
        ),
      );
    const packetOf = (bytes: Buffer) =>
      bytes.subarray(bytes.indexOf('<?xpacket'), bytes.indexOf('end="w"?>') + 9);
    const rest = packetOf(described(await filled(50_000))).length - 50_000 - 2100;
    for (const spare of [0, 1, 99, 1000, 2100, 2101]) {
      const before = await filled(limit - rest - spare);
      const after = described(before);
      await assertOnlyXmpDiffers(before, after);
      await assertDescribed(after);
      assert.equal(packetOf(after).length, limit - Math.max(0, spare - 2100), `${spare} spare`);
    }
    const tooLarge = await filled(limit - rest + 1);
    assert.throws(
      () => describeImage(tooLarge, TEXT, false),
      (error) => error instanceof UnsupportedImage && /65503 bytes.* 65502/.test(error.message),
    );
  });
});

describe('a PNG', () => {
  const chunk = (type: string, data: Buffer) => {
    const content = Buffer.concat([Buffer.from(type, 'latin1'), data]);
    const frame = Buffer.alloc(8);
    frame.writeUInt32BE(data.length, 0);
    frame.writeUInt32BE(crc32(content), 4);
    return Buffer.concat([frame.subarray(0, 4), content, frame.subarray(4)]);
  };
  const afterHeader = (png: Buffer, extra: Buffer) =>
    Buffer.concat([png.subarray(0, 33), extra, png.subarray(33)]);

  it('keeps text, time and private chunks', async () => {
    const extra = [
      chunk('tEXt', Buffer.from('Software\0hello')),
      chunk('tIME', Buffer.from([7, 208, 1, 1, 1, 1, 1])),
      chunk('prVt', Buffer.from('private')),
    ];
    const before = afterHeader(await photograph().png().toBuffer(), Buffer.concat(extra));
    const after = described(before);
    await assertOnlyXmpDiffers(before, after);
    for (const part of extra) assert.ok(after.includes(part));
  });

  it('has its XMP found in every kind of text chunk', async () => {
    const form = (type: string, rest: string, text: Buffer) =>
      chunk(type, Buffer.concat([Buffer.from(`XML:com.adobe.xmp\0${rest}`, 'latin1'), text]));
    const plain = Buffer.from(THEIRS);
    for (const theirs of [
      form('iTXt', '\0\0en\0\0', plain),
      form('iTXt', '\x01\0\0\0', deflateSync(plain)),
      form('zTXt', '\0', deflateSync(plain)),
      form('tEXt', '', plain),
    ]) {
      const after = described(afterHeader(small, theirs));
      assert.ok(!after.includes(theirs));
      assert.match((await sharp(after).metadata()).xmp!.toString(), /theirs/);
      await assertDescribed(after);
    }
  });

  it('is refused when its compressed XMP is damaged or huge, or has a form that is not handled', () => {
    for (const broken of [
      chunk('iTXt', Buffer.from('XML:com.adobe.xmp\0\x01\0\0\0nothing deflated')),
      chunk('iTXt', Buffer.from('XML:com.adobe.xmp\0\0\0en')),
      chunk(
        'zTXt',
        Buffer.concat([Buffer.from('XML:com.adobe.xmp\0\0'), deflateSync(Buffer.alloc(17 << 20))]),
      ),
      chunk('zTXt', Buffer.from('Raw profile type xmp\0\0')),
    ]) {
      assert.throws(() => describeImage(afterHeader(small, broken), TEXT, false), UnsupportedImage);
    }
  });
});

describe('several pictures in one file', () => {
  it('all stay', async () => {
    const frames = await Promise.all(
      [0, 1, 2, 3, 4, 5].map((n) =>
        sharp(small)
          .modulate({ hue: n * 60 })
          .png()
          .toBuffer(),
      ),
    );
    const joined = () => sharp(frames, { join: { animated: true } });
    for (const before of [
      await joined().webp({ lossless: true }).toBuffer(),
      await joined().tiff().toBuffer(),
    ]) {
      assert.equal((await sharp(before, { pages: -1 }).metadata()).pages, 6);
      await assertOnlyXmpDiffers(before, described(before));
    }
  });
});

/** A byte that patterns without their flag stop at. */
const LINE = 0x0a;

describe('a file', () => {
  it('is known by its first bytes, whatever the numbers among them', () => {
    // A size, and an offset, with bytes that elsewhere end a line.
    const webp = webpWith(['prVt', Buffer.alloc(2)]);
    const odd = webpWith(['prVt', Buffer.alloc(2 + ((LINE - webp[4]! + 256) % 256))]);
    assert.equal(odd[4], LINE);
    const small = tiff('II', []);
    const shifted = Buffer.concat([small, Buffer.alloc(LINE + 256 - (small.length % 256))]);
    const far = described(shifted);
    assert.equal(far[4], LINE);
    for (const bytes of [JPEG, PNG, WEBP, odd, small, tiff('MM', []), far]) {
      assert.ok(described(bytes, true));
      const behind = Buffer.concat([Buffer.from('\n'), bytes]);
      assert.throws(
        () => describeImage(behind, TEXT, false),
        (error) => error instanceof UnsupportedImage && /JPEG, PNG, WebP and TIFF/.test(error.message),
      );
    }
  });

  it('may be a part of a larger buffer', () => {
    const pool = Buffer.concat([Buffer.from('before'), JPEG, Buffer.from('after')]);
    const part = new Uint8Array(pool.buffer, pool.byteOffset + 6, JPEG.length);
    assert.deepEqual(describeImage(part, TEXT, false), describeImage(JPEG, TEXT, false));
  });
});

describe('words in a camera’s original', () => {
  const xmp = (attribute: string): Tag => ({
    tag: 700,
    type: 1,
    value: Buffer.from(THEIRS.replace('dc:format', attribute)),
  });

  it('are those of its packet and those beside it, each by its field', () => {
    const caption: Tag = { tag: 33_723, type: 7, value: dataSet(2, 120, 'A dog') };
    for (const [tags, fields] of [
      [[], []],
      [[xmp('dc:description')], ['dc:description']],
      [[xmp('dc:format')], []],
      [[imageDescription('SONY DSC')], []],
      [
        [imageDescription('A dog'), caption, xmp('dc:description')],
        ['dc:description', 'EXIF:ImageDescription', 'IPTC:Caption-Abstract'],
      ],
    ] as const) {
      for (const order of ['II', 'MM'] as const) assert.deepEqual(wordsInOriginal(tiff(order, tags)), fields);
      const pool = Buffer.concat([Buffer.from('before'), tiff('II', tags), Buffer.from('after')]);
      assert.deepEqual(wordsInOriginal(new Uint8Array(pool.subarray(6))), fields);
    }
  });

  it('are none in files that do not begin as TIFF does', () => {
    const original = tiff('II', [imageDescription('A dog')]);
    for (const bytes of [original.subarray(0, 7), Buffer.concat([Buffer.from('x'), original]), JPEG])
      assert.deepEqual(wordsInOriginal(bytes), []);
    const offset = Buffer.concat([original.subarray(0, 4), Buffer.from([LINE, 0, 0, 0]), Buffer.alloc(20)]);
    assert.deepEqual(wordsInOriginal(offset), []);
  });
});

describe('what cannot be written', () => {
  it('is refused: other formats and no images', async () => {
    const refused = [
      await sharp(small).gif().toBuffer(),
      await sharp(small).avif({ effort: 0 }).toBuffer(),
      await sharp(small).tiff({ bigtiff: true }).toBuffer(),
      Buffer.from('text'),
      Buffer.alloc(0),
    ];
    for (const bytes of refused) assert.throws(() => describeImage(bytes, TEXT, false), UnsupportedImage);
  });

  it('is refused when it is cut off in its headers', async () => {
    for (const format of ['jpeg', 'png', 'webp', 'tiff'] as const) {
      const whole = await photograph().toFormat(format).toBuffer();
      for (let length = 0; length < 60; length++) {
        assert.throws(() => describeImage(whole.subarray(0, length), TEXT, false), UnsupportedImage);
      }
    }
  });

  it('is refused when damaged, or written without changing what sharp sees', async () => {
    const random = xorshift(7);
    let written = 0;
    let refused = 0;
    for (const format of ['jpeg', 'png', 'webp', 'tiff'] as const) {
      const whole = await photograph().withXmp(THEIRS).toFormat(format).toBuffer();
      for (let n = 0; n < 100; n++) {
        const broken = mutate(whole, random);
        const after = attempt(broken);
        if (after === null) refused++;
        else written++;
        const pixels = await sharp(broken)
          .raw()
          .toBuffer()
          .catch(() => null);
        if (after === null || pixels === null) continue;
        assert.ok(pixels.equals(await sharp(after).raw().toBuffer()), `${format} ${n}`);
      }
    }
    assert.ok(written > 20 && refused > 20, `${written} written, ${refused} refused`);
  });

  function attempt(bytes: Buffer): Buffer | null {
    try {
      return describeImage(bytes, TEXT, true).bytes;
    } catch (error) {
      assert.ok(error instanceof UnsupportedImage, String(error));
      return null;
    }
  }
});

/** A TIFF of one directory whose samples are bytes, with the other byte order. */
function bigEndian(little: Buffer): Buffer {
  const big = Buffer.from(little);
  big.write('MM\0*', 'latin1');
  const swap = (at: number, size: number) => big.subarray(at, at + size).reverse();
  const directory = little.readUInt32LE(4);
  const count = little.readUInt16LE(directory);
  swap(4, 4);
  swap(directory, 2);
  for (let i = 0; i < count; i++) {
    const at = directory + 2 + 12 * i;
    const type = little.readUInt16LE(at + 2);
    const size = { 1: 1, 2: 1, 3: 2, 4: 4, 5: 4, 7: 1 }[type]!;
    const values = little.readUInt32LE(at + 4) * (type === 5 ? 2 : 1);
    const inside = values * size <= 4;
    const from = inside ? at + 8 : little.readUInt32LE(at + 8);
    for (let k = 0; k < values; k++) swap(from + k * size, size);
    if (!inside) swap(at + 8, 4);
    swap(at, 2);
    swap(at + 2, 2);
    swap(at + 4, 4);
  }
  swap(directory + 2 + 12 * count, 4);
  return big;
}
