import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import sharp, { type Sharp } from 'sharp';
import { IM2TXT_INPUT } from '../../../src/caption/image-input.ts';
import { isSrgbProfile } from '../../../src/model/formats/srgb-profile.ts';
import { decodeImage } from '../../../src/model/image.ts';
import { mutate } from '../../support/mutate.ts';
import { xorshift } from '../../support/random.ts';
import { SAMPLES } from '../../support/samples.ts';
import { curv, para, profileOf, SRGB_COLORANTS, xyz } from './icc.ts';
import { SMALL_INPUT } from './small-input.ts';

const toLight = (sample: number) => (sample <= 0.04045 ? sample / 12.92 : ((sample + 0.055) / 1.055) ** 2.4);
const TABLE = curv(Array.from({ length: 1024 }, (_, i) => toLight(i / 1023)));
const FORMULA = [2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045];
const sameFor3 = (curve: Buffer) => ({ rTRC: curve, gTRC: curve, bTRC: curve });
const SRGB = { ...SRGB_COLORANTS, ...sameFor3(TABLE) };

async function embedded(image: Sharp): Promise<Buffer> {
  const { icc } = await sharp(await image.jpeg().toBuffer()).metadata();
  assert.ok(icc);
  return icc;
}
const onePixel = () => sharp({ create: { width: 1, height: 1, channels: 3, background: '#fff' } });
/** The profile of 1998, of IEC 61966-2.1. */
const commonProfile = async () => (await sharp(join(SAMPLES, 'temple.jpg')).metadata()).icc!;

describe('a profile says sRGB', () => {
  const same: Record<string, () => Buffer | Promise<Buffer>> = {
    'which many files have': commonProfile,
    "which is libvips's own": () => embedded(onePixel().withIccProfile('srgb')),
    'with tables': () => profileOf(SRGB),
    'with formulas': () => profileOf({ ...SRGB_COLORANTS, ...sameFor3(para(3, FORMULA)) }),
    'with formulas of seven parameters': () =>
      profileOf({ ...SRGB_COLORANTS, ...sameFor3(para(4, [...FORMULA, 0, 0])) }),
  };
  for (const [title, make] of Object.entries(same)) {
    it(title, async () => assert.equal(isSrgbProfile(await make()), true));
  }

  const { rXYZ, gXYZ, bXYZ } = SRGB_COLORANTS;
  const other: Record<string, () => Buffer | Promise<Buffer>> = {
    'not of Display P3': () => embedded(onePixel().withIccProfile('p3')),
    'not with two colours exchanged': () => profileOf({ ...SRGB, rXYZ: bXYZ, bXYZ: rXYZ }),
    'not with another green': () => profileOf({ ...SRGB, gXYZ: xyz(0.3856, 0.7164, 0.0971) }),
    'not with a power of 2.2': () => profileOf({ ...SRGB, ...sameFor3(para(0, [2.2])) }),
    'not with a power of 2.2 in a table': () =>
      profileOf({ ...SRGB, bTRC: curv(Array.from({ length: 1024 }, (_, i) => (i / 1023) ** 2.2)) }),
    'not with light as it is': () => profileOf({ ...SRGB, gTRC: curv([]) }),
    'not with a table of one entry': () => profileOf({ ...SRGB, gTRC: curv([1]) }),
    'not with an unknown kind of formula': () => profileOf({ ...SRGB, ...sameFor3(para(7, FORMULA)) }),
    'not with a curve that is none': () => profileOf({ ...SRGB, gTRC: gXYZ }),
    'not beside a table of colours': () => profileOf({ ...SRGB, A2B0: curv([0, 1]) }),
    'not of a printer': () => profileOf(SRGB, 'prtrRGB XYZ '),
    'not of grey': () => profileOf(SRGB, 'mntrGRAY'),
    'not without a colour': () => profileOf({ rXYZ, gXYZ, ...sameFor3(TABLE) }),
    'not without a curve': () => profileOf({ ...SRGB_COLORANTS, rTRC: TABLE, gTRC: TABLE }),
    'not of no bytes': () => Buffer.alloc(0),
  };
  for (const [title, make] of Object.entries(other)) {
    it(title, async () => assert.equal(isSrgbProfile(await make()), false));
  }

  it('not when it is cut off anywhere', async () => {
    const profile = await commonProfile();
    for (let length = 0; length < profile.length; length++) {
      assert.equal(isSrgbProfile(profile.subarray(0, length)), false, `${length} bytes`);
    }
  });

  it('or not, whatever its bytes are', () => {
    const random = xorshift(18);
    for (const profile of [profileOf(SRGB), profileOf({ ...SRGB, ...sameFor3(para(3, FORMULA)) })]) {
      for (let i = 0; i < 2000; i++) assert.equal(typeof isSrgbProfile(mutate(profile, random)), 'boolean');
    }
  });
});

describe('an image with a profile', () => {
  let directory: string;
  let common: string;
  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'profile-'));
    common = join(directory, 'common.icc');
    writeFileSync(common, await commonProfile());
  });
  after(() => rmSync(directory, { recursive: true }));

  /** All levels in the dark, where conversions move most, and fewer above; each with each of three colours. */
  const levels = Array.from({ length: 128 }, (_, i) => (i < 32 ? i : 255 - 2.3 * (127 - i)));
  const mixed = Uint8Array.from(
    levels.flatMap((r) => levels.flatMap((g) => levels.flatMap((b) => [r, g, b]))),
  );
  const allColours = () => sharp(mixed, { raw: { width: 2048, height: 1024, channels: 3 } });

  const kinds: Record<string, (image: Sharp) => Sharp> = {
    JPEG: (image) => image.jpeg({ quality: 100, chromaSubsampling: '4:4:4' }),
    WebP: (image) => image.webp({ effort: 0, lossless: true }),
    AVIF: (image) => image.avif({ effort: 0 }),
    TIFF: (image) => image.tiff({ compression: 'none' }),
  };
  for (const [kind, encode] of Object.entries(kinds)) {
    it(`that says sRGB has the samples that are stored, ${kind}`, async () => {
      const bytes = await encode(allColours().resize(600, 400).withIccProfile(common)).toBuffer();
      assert.ok((await sharp(bytes).metadata()).icc);
      const stored = sharp(bytes, { ignoreIcc: true });
      const small = await stored.clone().resize(224, 224, { fit: 'fill' }).raw().toBuffer();
      assert.ok(small.equals((await decodeImage(bytes, SMALL_INPUT)).pixels));
      const whole = await stored.raw().toBuffer();
      assert.ok(whole.equals((await decodeImage(bytes, IM2TXT_INPUT)).pixels));
    });
  }

  it('that says sRGB would be moved by one grey level at most, seldom', async (t) => {
    const bytes = await allColours().withIccProfile(common).tiff({ compression: 'none' }).toBuffer();
    const { pixels } = await decodeImage(bytes, IM2TXT_INPUT);
    const converted = await sharp(bytes).raw().toBuffer();
    let moved = 0;
    for (let i = 0; i < converted.length; i++) {
      const by = Math.abs(converted[i]! - pixels[i]!);
      if (by > 1) assert.fail(`sample ${i} by ${by}`);
      moved += by;
    }
    t.diagnostic(`${moved} of ${pixels.length} samples`);
    assert.ok(moved > 0 && moved < pixels.length / 20);
  });

  it('that says sRGB and lacks its end has the same samples', async () => {
    const bytes = await allColours().resize(600, 400).withIccProfile(common).jpeg().toBuffer();
    const cut = bytes.subarray(0, -2);
    for (const input of [SMALL_INPUT, IM2TXT_INPUT]) {
      const whole = Buffer.from((await decodeImage(bytes, input)).pixels);
      assert.ok(whole.equals((await decodeImage(cut, input)).pixels));
    }
  });

  it('of another space is converted', async () => {
    const photo = sharp(readFileSync(join(SAMPLES, 'coffee.jpg')));
    for (const encode of Object.values(kinds)) {
      const bytes = await encode(photo.clone().withIccProfile('p3')).toBuffer();
      const converted = await sharp(bytes).raw().toBuffer();
      const stored = await sharp(bytes, { ignoreIcc: true }).raw().toBuffer();
      const { pixels } = await decodeImage(bytes, IM2TXT_INPUT);
      assert.ok(converted.equals(pixels));
      assert.ok(!converted.equals(stored));
    }
  });
});
