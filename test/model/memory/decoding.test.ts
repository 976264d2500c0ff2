/** When an image has the memory that it takes to decode, and when that is free again. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import sharp from 'sharp';
import { IM2TXT_INPUT, type ImageInput } from '../../../src/caption/image-input.ts';
import { decodeImage, MAX_IMAGE_BYTES } from '../../../src/model/image.ts';
import { DEFAULT_BUNDLE, loadCaptioner } from '../../../src/model/load.ts';
import { pngClaiming, tiff } from '../../support/crafted-images.ts';
import { rejectsWith } from '../../support/errors.ts';

const SMALL: ImageInput = {
  resampling: 'antialiased',
  width: 8,
  height: 8,
  dtype: 'uint8',
  range: [0, 255],
  aspect: 'squash',
};
const picture = sharp({
  create: { width: 64, height: 48, channels: 3, background: { r: 9, g: 99, b: 199 } },
});

/** Memory that says when it is taken and given back. */
function memory() {
  const seen: string[] = [];
  const takeMemory = async (need: number) => {
    seen.push(`taken ${need > 0}`);
    return () => {
      seen.push('given back');
    };
  };
  return { seen, takeMemory };
}

const MIB = 2 ** 20;

describe('the memory of an image', () => {
  it('is free when a small copy is made', async () => {
    const { seen, takeMemory } = memory();
    const image = await decodeImage(await picture.png().toBuffer(), SMALL, { takeMemory });
    assert.deepEqual(seen, ['taken true', 'given back']);
    assert.equal('release' in image, false);
    assert.equal(image.pixels.length, 8 * 8 * 3);
  });

  it('is held as long as all pixels are, and free at once when they are let go of', async () => {
    const { seen, takeMemory } = memory();
    const image = await decodeImage(await picture.png().toBuffer(), IM2TXT_INPUT, { takeMemory });
    assert.deepEqual(seen, ['taken true']);
    assert.equal(image.pixels.length, 64 * 48 * 3);
    image.release!();
    assert.deepEqual(seen, ['taken true', 'given back']);
    assert.equal(image.pixels.length, 0);
    const without = await decodeImage(await picture.png().toBuffer(), IM2TXT_INPUT);
    without.release!();
    assert.equal(without.pixels.length, 0);
  });

  it('is free where it could not be decoded, and never taken for what is refused before', async () => {
    for (const rule of [SMALL, IM2TXT_INPUT]) {
      const { seen, takeMemory } = memory();
      await rejectsWith(decodeImage(pngClaiming(1000, 1000), rule, { takeMemory }), 'UnsupportedImage');
      assert.deepEqual(seen, ['taken true', 'given back']);
      const refused = memory();
      const limits = { takeMemory: refused.takeMemory, maxPixels: 10 };
      await rejectsWith(decodeImage(pngClaiming(1000, 1000), rule, limits), 'ImageTooLarge');
      assert.deepEqual(refused.seen, []);
    }
  });

  it('that cannot be had ends the image with its reason', async () => {
    const reason = new Error('gone');
    const takeMemory = () => Promise.reject(reason);
    await assert.rejects(decodeImage(await picture.png().toBuffer(), SMALL, { takeMemory }), reason);
  });

  it('is as much as what it is decoded to', async () => {
    const needs: number[] = [];
    const takeMemory = async (need: number) => {
      needs.push(need);
      return () => undefined;
    };
    const plain = await sharp({ create: { width: 2000, height: 2000, channels: 3, background: '#123' } })
      .jpeg()
      .toBuffer();
    for (const rule of [SMALL, IM2TXT_INPUT]) await decodeImage(plain, rule, { takeMemory });
    const [small, whole] = needs as [number, number];
    assert.ok(small < 8 * MIB && whole > 16 * MIB, `${small} and ${whole}`);
    const pixels = new Uint8Array(Float32Array.from({ length: 500 * 500 }, (_, i) => i).buffer);
    const samples = { width: 500, height: 500, pixels, channels: 1 };
    for (const [format, bits] of [
      [3, 32],
      [1, 8],
    ] as const) {
      const bytes = tiff({ ...samples, pixels: pixels.subarray(0, (500 * 500 * bits) / 8), format, bits });
      await decodeImage(bytes, SMALL, { takeMemory });
    }
    // Seven bytes a pixel for samples that are scaled.
    assert.ok(needs[2]! - needs[3]! > 7 * 500 * 500, `${needs}`);
  });

  it('is asked for until the deadline of the call, in what a captioner was given', async () => {
    const asked: unknown[] = [];
    const { caption, close } = await loadCaptioner(DEFAULT_BUNDLE, {
      threads: 1,
      maxPixels: 64 * 48,
      takeMemory: async (need, limits) => {
        asked.push([need > 0, limits?.deadline]);
        return () => undefined;
      },
    });
    const deadline = Date.now() + 60_000;
    await caption(await picture.png().toBuffer(), undefined, { deadline });
    await rejectsWith(caption(pngClaiming(64, 49)), 'ImageTooLarge');
    assert.deepEqual(asked, [[true, deadline]]);
    await close();
  });

  it('of the file itself is no more than an image may have', async () => {
    const { message } = await rejectsWith(
      decodeImage(Buffer.alloc(MAX_IMAGE_BYTES + 1), SMALL),
      'ImageTooLarge',
    );
    assert.equal(message, 'the image has 268435457 bytes, more than 268435456');
    await rejectsWith(decodeImage(Buffer.alloc(MAX_IMAGE_BYTES), SMALL), 'UnsupportedImage');
  });

  it('what libraries said of a failure is kept', async () => {
    for (const bytes of [Buffer.from('no image'), pngClaiming(10, 1000)]) {
      const { cause } = await rejectsWith(decodeImage(bytes, SMALL), 'UnsupportedImage');
      assert.ok(cause instanceof Error);
    }
  });

  it('holds no image that was decoded before', async () => {
    await decodeImage(await picture.png().toBuffer(), SMALL);
    const { memory: held, files, items } = sharp.cache();
    assert.deepEqual([held.max, files.max, items.max], [0, 0, 0]);
  });
});
