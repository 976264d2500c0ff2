/** sharp as the core's image decoder. */
import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads';
import sharp, { type Metadata, type Sharp, type SharpOptions } from 'sharp';
import { type ImageInput, MAX_DECODE_SECONDS, MAX_IMAGE_PIXELS } from '../caption/image-input.ts';
import type { DecodedImage } from '../caption/ports.ts';
import { ImageTooLarge, UnsupportedImage } from '../errors.ts';

/** A JPEG of 50 megapixels has about 20 MB; 16-bit TIFFs of that size, which are rare, have 300 MB and are refused. */
export const MAX_IMAGE_BYTES = 256 << 20;

/** libvips loaders from memory for what people photograph and publish; SVG, PDF, EXR, … stay blocked. */
const ALLOWED_LOADERS = [
  'VipsForeignLoadJpegBuffer',
  'VipsForeignLoadPngBuffer',
  'VipsForeignLoadWebpBuffer',
  'VipsForeignLoadHeifBuffer',
  'VipsForeignLoadNsgifBuffer',
  'VipsForeignLoadTiffBuffer',
];

/**
 * `error` refuses truncated and damaged files but lets the harmless warnings of many cameras pass. sharp's own pixel
 * limit is off because its error looks like others: `readHeader` checks ours, before any pixel is decoded.
 */
const READ: SharpOptions = {
  autoOrient: true,
  failOn: 'error',
  sequentialRead: true,
  limitInputPixels: false,
};

/** In the data that a thread hands to those which it starts. */
const LIMITED = 'show-and-tell: image loaders are limited';

/**
 * Lets only the loaders above read. libvips keeps the list for the whole process: who starts threads calls this before,
 * because between `block` and `unblock` no other thread can read any image.
 */
export function limitLoaders(): void {
  if (getEnvironmentData(LIMITED) !== undefined) return;
  setEnvironmentData(LIMITED, true);
  // Every image is seen once: a cache of operations would only hold memory.
  sharp.cache(false);
  sharp.block({ operation: ['VipsForeignLoad'] });
  sharp.unblock({ operation: ALLOWED_LOADERS });
}

/** A pipeline over an image file: only the loaders allowed, EXIF orientation applied. */
export function openImage(bytes: Uint8Array): Sharp {
  limitLoaders();
  return sharp(bytes, READ).timeout({ seconds: MAX_DECODE_SECONDS });
}

/**
 * Decodes the first frame of a JPEG, PNG, WebP, AVIF, GIF or TIFF: EXIF orientation applied, converted to sRGB, alpha
 * dropped.
 *
 * @returns uint8 RGB HWC; for an `antialiased` input already squashed to its size (Lanczos, shrink-on-load)
 * @throws UnsupportedImage, ImageTooLarge
 */
export async function decodeImage(bytes: Uint8Array, input: ImageInput): Promise<DecodedImage> {
  if (bytes.length === 0) throw new UnsupportedImage('the image is empty (0 bytes)');
  if (bytes.length > MAX_IMAGE_BYTES) {
    throw new ImageTooLarge(`the image has ${bytes.length} bytes, more than ${MAX_IMAGE_BYTES}`);
  }
  // One pipeline for header and pixels: each holds 13 kB of JavaScript until the next full garbage collection.
  const image = openImage(bytes);
  const metadata = await readHeader(image);
  const { data, info } = await readPixels(image, input);
  if (info.channels !== 3) {
    throw new UnsupportedImage(`the image decodes to ${info.channels} channels, not to RGB`);
  }
  return {
    pixels: data,
    width: info.width,
    height: info.height,
    originalWidth: metadata.autoOrient.width,
    originalHeight: metadata.autoOrient.height,
    format: metadata.mediaType?.replace(/^image\//, '') ?? metadata.format,
  };
}

/** Reads no pixels, so the size is known before memory is taken. */
async function readHeader(image: Sharp): Promise<Metadata> {
  const metadata = await image.metadata().catch((cause: unknown) => {
    throw new UnsupportedImage(`not a JPEG, PNG, WebP, AVIF, GIF or TIFF image: ${firstLine(cause)}`, {
      cause,
    });
  });
  const pixels = metadata.width * metadata.height;
  if (pixels > MAX_IMAGE_PIXELS) {
    throw new ImageTooLarge(
      `the image is ${metadata.width} x ${metadata.height} = ${pixels} pixels, more than ${MAX_IMAGE_PIXELS}`,
    );
  }
  return metadata;
}

function readPixels(image: Sharp, input: ImageInput) {
  if (input.resampling === 'antialiased') {
    image.resize(input.width, input.height, { fit: 'fill', kernel: 'lanczos3' });
  }
  return image
    .toColourspace('srgb')
    .removeAlpha()
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true })
    .catch((cause: unknown) => {
      throw new UnsupportedImage(`the image is damaged: ${firstLine(cause)}`, { cause });
    });
}

function firstLine(cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause);
  return message.split('\n', 1)[0]!.trim();
}
