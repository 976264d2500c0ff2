/**
 * How much memory an image takes to decode, judged by its header; `npx node bench/decode.ts` measures what these numbers
 * follow. They are upper bounds for files that somebody made to cost much, too: very wide ones, transparent ones of 16
 * bits, colours at full resolution.
 */
import type { Metadata, ResizeOptions } from 'sharp';
import { isLossyWebp, tileRowsOf } from '../formats/layout.ts';

/** On everything: what was freed is with the allocator for a while when the next image begins. */
const MARGIN = 1.1;
/** The pipeline itself, however small the image, and a decoder's tables. */
const PIPELINE_BYTES = 4 << 20;
/**
 * Rows that libvips keeps in all its buffers together, on the way from the decoder to a small copy: 1,600 measured, 1,800
 * where transparency is multiplied in, however high the image is; of low images nearly two and a half times all rows.
 */
const ROWS = 1800;
const TIMES_ROWS_OF_LOW = 2.4;
/** Two rows of tiles, and more of the next. */
const ROWS_OF_TILES = 2.4;

/** Of a sample, by libvips's names. */
const SAMPLE_BYTES: Record<Metadata['depth'], number> = {
  uchar: 1,
  char: 1,
  ushort: 2,
  short: 2,
  uint: 4,
  int: 4,
  float: 4,
  double: 8,
  complex: 8,
  dpcomplex: 16,
};

/** Of a pixel of uint8 RGB. */
const RGB_BYTES = 3;
/** libjpeg's coefficients: where a file has several scans it keeps those of the whole image. */
const COEFFICIENT_BYTES = 2;
/** libnsgif's canvas, RGBA, and what it reads from. */
const GIF_BYTES = 4.7;
/** dav1d's frame, libheif's copies of it as planes and as RGB, and libvips's: of 8 bits, of 10 and 12. */
const AVIF_BYTES = 18;
const DEEP_AVIF_BYTES = 24;
/** libwebp's ARGB of a lossless image; of a lossy one it keeps transparency alone. */
const LOSSLESS_WEBP_BYTES = 4.2;
const LOSSY_WEBP_BYTES = 1.5;
/** libvips's frame, RGBA, as large as the image is loaded; a canvas beside it where there are more frames. */
const WEBP_FRAME_BYTES = 4.5;

export interface NeedOptions {
  /** `null` for all pixels. */
  resize: ResizeOptions | null;
  /** Whether samples are scaled to their range (`levels.ts`). */
  scaled: boolean;
}

/** @returns bytes, a little more than decoding takes at its peak, and those of the file, which is there all the while */
export function decodeNeed(metadata: Metadata, bytes: Uint8Array, { resize, scaled }: NeedOptions): number {
  const { format, width, height, depth, channels } = metadata;
  const pixels = width * height;
  const samples = channels * SAMPLE_BYTES[depth];
  const shrink = shrinkOnLoad(metadata, resize);
  const tiles = format === 'tiff' ? ROWS_OF_TILES * Math.min(height, tileRowsOf(bytes)) : 0;
  const rows = tiles + Math.min(ROWS, (TIMES_ROWS_OF_LOW * height) / shrink);
  const held =
    decoderBytes(metadata, bytes, { samples, shrink }) +
    (scaled ? scaledBytes(channels) : 0) +
    (resize === null ? wholeBytes(metadata, samples) : 0);
  return (
    bytes.length + Math.ceil(MARGIN * (PIPELINE_BYTES + rows * (width / shrink) * samples + held * pixels))
  );
}

/** By how much the decoder shrinks the image for sharp, which chooses these numbers. */
function shrinkOnLoad({ format, width, height }: Metadata, resize: ResizeOptions | null): number {
  if (resize === null) return 1;
  const shrink = Math.min(width / resize.width!, height / resize.height!);
  if (format === 'webp') return Math.max(1, shrink);
  if (format !== 'jpeg') return 1;
  return shrink >= 9 ? 8 : shrink >= 5 ? 4 : shrink >= 3 ? 2 : 1;
}

/** What the decoder keeps of the whole image, bytes a pixel. */
function decoderBytes(
  { format, isProgressive, channels, chromaSubsampling, depth, hasAlpha, pages = 1 }: Metadata,
  bytes: Uint8Array,
  { samples, shrink }: { samples: number; shrink: number },
): number {
  switch (format) {
    case 'jpeg':
      return isProgressive ? COEFFICIENT_BYTES * (chromaSubsampling === '4:2:0' ? 1.5 : channels) : 0;
    case 'png':
      return isProgressive ? samples : 0;
    case 'webp': {
      const lossy = hasAlpha ? LOSSY_WEBP_BYTES : 0;
      const frames = (WEBP_FRAME_BYTES * Math.min(pages, 2)) / shrink ** 2;
      return (isLossyWebp(bytes) ? lossy : LOSSLESS_WEBP_BYTES) + frames;
    }
    case 'gif':
      return GIF_BYTES;
    case 'heif':
      return depth === 'uchar' ? AVIF_BYTES : DEEP_AVIF_BYTES;
    default:
      return 0;
  }
}

/** All pixels at the end, bytes each. */
function wholeBytes({ format, orientation = 1, depth }: Metadata, samples: number): number {
  // libheif's copies are gone by then.
  const rgb = format === 'heif' ? 0 : RGB_BYTES;
  // To be turned they are all there before; dark ones of 16 bits are read a second time.
  return rgb + (orientation > 1 ? samples : 0) + (depth === 'ushort' ? RGB_BYTES : 0);
}

/** All samples as floating point, and as RGB, bytes a pixel. */
function scaledBytes(channels: number): number {
  return SAMPLE_BYTES.float * (channels < RGB_BYTES ? 1 : RGB_BYTES) + RGB_BYTES;
}
