/** sharp as the core's image decoder. */
import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads';
import type { Metadata, ResizeOptions, Sharp, SharpOptions } from 'sharp';
import { type ImageInput, MAX_DECODE_SECONDS } from '../caption/image-input.ts';
import type { DecodedImage } from '../caption/ports.ts';
import { CaptionError, DeadlineExceeded, ImageTooLarge, UnsupportedImage } from '../errors.ts';
import { withEndMarker } from './formats/jpeg-end.ts';
import { levelsOf } from './formats/levels.ts';
import { pixelLimit } from './formats/pixel-limit.ts';
import { isSrgbProfile } from './formats/srgb-profile.ts';
import { unread, unreadKind } from './formats/unread-kind.ts';
import { decodeNeed } from './memory/need.ts';
import { isOutOfMemory, outOfMemory } from './memory/out-of-memory.ts';
import { sharp } from './native/native-parts.ts';
import { inTurns } from './waiting/turns.ts';

/** A JPEG of 100 megapixels has about 40 MB; 16-bit TIFFs of that size have 600 MB and are refused. */
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
 * limit is off because its error looks like others: `checkSize` holds ours, before any pixel is decoded.
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
  sharp().block({ operation: ['VipsForeignLoad'] });
  sharp().unblock({ operation: ALLOWED_LOADERS });
  setEnvironmentData(LIMITED, true);
}

/** An image file, and the longest time that decoding it may take. */
interface Source {
  bytes: Uint8Array;
  seconds: number;
}

/** A pipeline over an image file: only the loaders allowed, EXIF orientation applied. */
function openImage({ bytes, seconds }: Source, options?: SharpOptions): Sharp {
  limitLoaders();
  return sharp()(bytes, { ...READ, ...options }).timeout({ seconds });
}

/** How an image is read. */
export interface ReadOptions {
  /** Largest image, pixels. @default by its kind, see `formats/pixel-limit.ts` */
  maxPixels?: number | undefined;
  /** Longest time to decode, whole seconds. @default 20 */
  maxSeconds?: number | undefined;
  /** Waits for the memory that decoding takes, in bytes. @default there is enough */
  takeMemory?: ((need: number) => Promise<() => void>) | undefined;
}

/** uint8 RGB HWC. */
interface Rgb {
  pixels: Uint8Array;
  width: number;
  height: number;
}

interface Picture extends Rgb {
  metadata: Metadata;
  /** As `DecodedImage` has it. */
  release?: () => void;
}

/**
 * Decodes the first frame of a JPEG, PNG, WebP, AVIF, GIF or TIFF: EXIF orientation applied, converted to sRGB, alpha
 * dropped.
 *
 * @returns uint8 RGB HWC; for an `antialiased` input already squashed to its size (Lanczos, shrink-on-load)
 * @throws UnsupportedImage, ImageTooLarge; Overloaded where memory ran out; DeadlineExceeded for what takes too long;
 * what `takeMemory` throws
 */
export async function decodeImage(
  bytes: Uint8Array,
  input: ImageInput,
  options?: ReadOptions,
): Promise<DecodedImage> {
  const squash: ResizeOptions | null =
    input.resampling === 'antialiased'
      ? { width: input.width, height: input.height, fit: 'fill', kernel: 'lanczos3' }
      : null;
  const { metadata, ...rgb } = await readPicture(bytes, squash, options);
  return {
    ...rgb,
    originalWidth: metadata.autoOrient.width,
    originalHeight: metadata.autoOrient.height,
    format: metadata.format === 'heif' ? 'avif' : metadata.format,
  };
}

/**
 * @param resize `null` for all pixels
 * @throws as `decodeImage`
 */
export async function readPicture(
  bytes: Uint8Array,
  resize: ResizeOptions | null,
  { maxPixels, maxSeconds: seconds = MAX_DECODE_SECONDS, takeMemory }: ReadOptions = {},
): Promise<Picture> {
  if (bytes.length === 0) throw new UnsupportedImage('the image is empty (0 bytes)');
  if (bytes.length > MAX_IMAGE_BYTES) {
    throw new ImageTooLarge(`the image has ${bytes.length} bytes, more than ${MAX_IMAGE_BYTES}`);
  }
  // One pipeline for header and pixels: each holds 13 kB of JavaScript until the next full garbage collection.
  const source = { bytes, seconds };
  const image = openImage(source);
  const metadata = await readHeader(image, bytes);
  const scaled = isScaled(metadata);
  const limit = maxPixels ?? pixelLimit(metadata, { shrunk: resize !== null, scaled });
  checkSize(metadata, limit);
  const giveBack = await takeMemory?.(decodeNeed(metadata, bytes, { resize, scaled }));
  try {
    const rgb = scaled
      ? await readScaled(source, metadata, resize)
      : await readLevels(image, source, metadata, resize);
    if (resize !== null) giveBack?.();
    return { ...rgb, metadata, ...(resize === null && { release: () => free(rgb, giveBack) }) };
  } catch (error) {
    giveBack?.();
    throw error;
  }
}

/** At once: till the next garbage collection all pixels of a large image would stay beside those of the next one. */
function free({ pixels }: Rgb, giveBack: (() => void) | undefined): void {
  (pixels.buffer as ArrayBuffer).transfer(0);
  giveBack?.();
}

async function readLevels(
  image: Sharp,
  source: Source,
  metadata: Metadata,
  resize: ResizeOptions | null,
): Promise<Rgb> {
  const rgb = await readPixels(asSrgb(image, metadata), resize).catch((cause: unknown) =>
    readAgain(source, metadata, resize, cause),
  );
  const gain = await gainOf(metadata, rgb);
  return gain > 1 ? readBrighter(source, resize, gain) : rgb;
}

/** Reads no pixels, so the size is known before memory is taken. */
async function readHeader(image: Sharp, bytes: Uint8Array): Promise<Metadata> {
  const metadata = await image.metadata().catch((cause: unknown) => {
    // Loaders take memory for all pixels before they know whether those are wanted.
    if (isOutOfMemory(cause)) throw outOfMemory(cause);
    const reason = firstLine(cause);
    // sharp's own text where a loader knows the file and cannot read its header.
    const what = /corrupt header/.test(reason)
      ? 'the image is damaged'
      : 'not a JPEG, PNG, WebP, AVIF, GIF or TIFF image';
    throw new UnsupportedImage(unreadKind(bytes) ?? `${what}: ${reason}`, { cause });
  });
  // HEIF is a container: of its codecs AV1 alone is here.
  const kind = metadata.format === 'heif' ? unreadKind(bytes) : null;
  if (kind !== null) throw new UnsupportedImage(kind);
  return metadata;
}

function checkSize({ width, height }: Metadata, limit: number): void {
  const pixels = width * height;
  if (pixels <= limit) return;
  throw new ImageTooLarge(
    `the image is ${width} x ${height} = ${pixels} pixels, more than the ${limit} allowed for its kind; make it smaller, or raise maxPixels (--max-pixels)`,
  );
}

/** Without a conversion that would cost more than all else and change nothing (`formats/srgb-profile.ts`). */
function asSrgb(image: Sharp, { icc, space, depth }: Metadata): Sharp {
  const isSrgb = icc !== undefined && space === 'srgb' && depth === 'uchar' && isSrgbProfile(icc);
  // sharp converts from no profile that it is to keep, and has nowhere to keep it beside raw pixels.
  return isSrgb ? image.keepIccProfile() : image;
}

async function readPixels(image: Sharp, resize: ResizeOptions | null): Promise<Rgb> {
  if (resize !== null) image.resize(resize);
  const { data, info } = await image
    .toColourspace('srgb')
    .removeAlpha()
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  if (info.channels !== 3) {
    throw new UnsupportedImage(`the image decodes to ${info.channels} channels, not to RGB`);
  }
  return { pixels: data, width: info.width, height: info.height };
}

/** @throws as `decodeImage`, unless only the end marker of a JPEG was missing */
async function readAgain(
  source: Source,
  metadata: Metadata,
  resize: ResizeOptions | null,
  cause: unknown,
): Promise<Rgb> {
  if (cause instanceof CaptionError) throw cause;
  const { seconds } = source;
  const failure = failureOfMachine(source, cause);
  if (failure !== null) throw failure;
  const mended = await withEndMarker(source.bytes, (bytes) => decodeLastRows({ bytes, seconds }));
  if (mended === null) throw refusalOf(source, cause);
  const image = asSrgb(openImage({ bytes: mended, seconds }), metadata);
  return readPixels(image, resize).catch((again: unknown) => {
    throw refusalOf(source, again);
  });
}

function refusalOf(source: Source, cause: unknown): CaptionError {
  const failure = failureOfMachine(source, cause);
  if (failure !== null) return failure;
  return new UnsupportedImage(unreadKind(source.bytes) ?? `the image is damaged: ${firstLine(cause)}`, {
    cause,
  });
}

/** @returns `null` where it was the image that failed: the machine may do better another time */
function failureOfMachine({ seconds }: Source, cause: unknown): CaptionError | null {
  // sharp's own text, after which libvips says how far it came.
  if (firstLine(cause).startsWith('timeout')) {
    return new DeadlineExceeded(
      `decoding the image took longer than ${seconds} s and was given up; try again when the machine is less busy`,
      { cause },
    );
  }
  return isOutOfMemory(cause) ? outOfMemory(cause) : null;
}

/** Rows of the tallest unit of JPEG (32, ITU-T T.81, A.2.3), and of what libvips reads at once. */
const LAST_ROWS = 64;

async function decodeLastRows(source: Source): Promise<Uint8Array> {
  const image = openImage(source, { failOn: 'warning', autoOrient: false });
  const { width, height } = await image.metadata();
  const rows = Math.min(height, LAST_ROWS);
  return image
    .extract({ left: 0, top: height - rows, width, height: rows })
    .raw()
    .toBuffer()
    .catch((cause: unknown) => {
      throw failureOfMachine(source, cause) ?? cause;
    });
}

/** Colour spaces of libvips that are grey or RGB; it converts Lab from any samples. */
const SCALED_SPACES = ['b-w', 'grey16', 'srgb', 'rgb', 'rgb16', 'scrgb'];

/** Whether nothing says which sample is white: that holds for all but unsigned integers of 8 and 16 bits. */
function isScaled({ depth, space }: Metadata): boolean {
  if (depth === 'uchar' || depth === 'ushort') return false;
  // Its conversion to RGB goes by the levels of 8 or 16 bits, and would be all white.
  if (space === 'cmyk') throw new UnsupportedImage(unread(`a CMYK image with samples of type ${depth}`));
  return SCALED_SPACES.includes(space);
}

async function readScaled(source: Source, metadata: Metadata, resize: ResizeOptions | null): Promise<Rgb> {
  const { space, depth } = metadata;
  if (depth === 'float' && space === 'grey16') {
    // sharp makes whole numbers of them before anybody can scale them.
    throw new UnsupportedImage(unread('a grey TIFF image with 16-bit floating-point samples'));
  }
  const image = openImage(source, { ignoreIcc: true }).pipelineColourspace(space).toColourspace(space);
  // Spaces of 16 bits have no negative samples for sharp: it would cut them off.
  if (depth === 'short' && /16$/.test(space)) image.linear(1, 1 << 15);
  const { data, info } = await image
    .removeAlpha()
    .raw({ depth: 'float' })
    .toBuffer({ resolveWithObject: true })
    .catch((cause: unknown) => {
      throw refusalOf(source, cause);
    });
  const { width, height, channels } = info;
  if (channels !== 1 && channels !== 3) {
    throw new UnsupportedImage(`the image decodes to ${channels} channels, not to grey or RGB`);
  }
  const samples = new Float32Array(data.buffer, data.byteOffset, width * height * channels);
  const pixels = await levelsOf(samples, channels, space === 'scrgb');
  if (resize === null) return { pixels: new Uint8Array(pixels.buffer), width, height };
  return readPixels(sharp()(pixels, { raw: { width, height, channels: 3 } }), resize);
}

/** Levels of 8 bits at which 8-, 10-, 12- and 14-bit samples in 16 bits end, resampling having overshot by a quarter. */
const DEPTHS = [8, 10, 12, 14].map((bits) => ({ gain: 2 ** (16 - bits), end: 1.25 * 2 ** (bits - 8) }));

/** 1 where the samples use all bits; those of scientific cameras that use only the lowest ones would look black. */
async function gainOf({ depth, space }: Metadata, { pixels }: Rgb): Promise<number> {
  if (depth !== 'ushort' || !/16$/.test(space)) return 1;
  let brightest = 0;
  await inTurns(pixels.length, (from, to) => {
    for (let i = from; i < to; i++) brightest = Math.max(brightest, pixels[i]!);
    return brightest < DEPTHS.at(-1)!.end;
  });
  return DEPTHS.find(({ end }) => brightest < end)?.gain ?? 1;
}

async function readBrighter(source: Source, resize: ResizeOptions | null, gain: number): Promise<Rgb> {
  return readPixels(openImage(source).linear(gain, 0), resize).catch((cause: unknown) => {
    throw refusalOf(source, cause);
  });
}

function firstLine(cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause);
  return message.split('\n', 1)[0]!.trim();
}
