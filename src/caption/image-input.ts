/** What a network reads, and by which rule a photograph becomes that. */
import type { PillowFilter } from './resampling/pillow.ts';

/** The decoder itself shrinks the image to the network's size, antialiased; the graph normalises. */
export interface AntialiasedInput {
  resampling: 'antialiased';
  width: number;
  height: number;
  dtype: 'uint8';
  range: [0, 255];
  /** The whole photograph, its aspect ratio not kept. */
  aspect: 'squash';
}

/** TensorFlow 1's `resize_bilinear`, as im2txt was trained with: see `resampleTf1`. */
interface Tf1Bilinear {
  resampling: 'tf1-bilinear';
  width: number;
  height: number;
  aspect: 'squash';
  /** Side of the square that the photograph is squashed to before the centre is cropped; 346 in im2txt. */
  resizedTo: number;
}

/** The encoder's graph resamples: it reads what `readPixels` makes of a photograph. */
export interface InGraphInput extends Tf1Bilinear {
  dtype: 'uint8';
  range: [0, 255];
}

/** Of bundles up to version 1.0.0: the graph reads what was resampled before. */
interface ResampledInput extends Tf1Bilinear {
  dtype: 'float32';
  range: [-1, 1];
}

export type Tf1BilinearInput = InGraphInput | ResampledInput;

/** Whether it is the encoder's graph that resamples. */
export function resamplesInGraph(input: ImageInput): input is InGraphInput {
  return input.resampling === 'tf1-bilinear' && input.dtype === 'uint8';
}

/** What every im2txt network reads (configuration.py and image_processing.py of im2txt). */
export const IM2TXT_INPUT: InGraphInput = {
  resampling: 'tf1-bilinear',
  width: 299,
  height: 299,
  dtype: 'uint8',
  range: [0, 255],
  aspect: 'squash',
  resizedTo: 346,
};

/** As Pillow resizes for the image processors of transformers; the graph normalises. */
export interface PillowInput {
  resampling: 'pillow';
  filter: PillowFilter;
  /**
   * What all of the photograph is resized to before the crop, pixels; `shortestEdge` keeps its aspect ratio. `null`: it keeps
   * its size.
   */
  resize: { width: number; height: number } | { shortestEdge: number } | null;
  /** What is left of the centre, pixels; black around it where the photograph is smaller. */
  width: number;
  height: number;
  dtype: 'uint8';
  range: [0, 255];
  /** `crop` where the photograph keeps its aspect ratio and loses what is too long. */
  aspect: 'squash' | 'crop';
}

export type ImageInput = AntialiasedInput | Tf1BilinearInput | PillowInput;

/** Kinds of image files that are read, as content types name them, with the endings that their names have. */
export const IMAGE_KINDS = {
  // What Windows and some sites save JPEG as; MPO is JPEG with more pictures behind the first (CIPA DC-007).
  jpeg: ['jpg', 'jpeg', 'jpe', 'jfif', 'jif', 'mpo'],
  png: ['png', 'apng'],
  webp: ['webp'],
  avif: ['avif'],
  gif: ['gif'],
  tiff: ['tif', 'tiff'],
} as const;
export type ImageKind = keyof typeof IMAGE_KINDS;

/** Endings of pictures that cannot be read, of telephones, successors of JPEG and Windows: whoever captions a folder must hear of them. */
const UNREAD_ENDINGS = new Set('heic heif hif heics heifs jxl jp2 j2k jpx bmp dib'.split(' '));

/** What cameras call their originals (ExifTool's list of raw formats). */
const RAW_ENDINGS = new Set(
  `3fr ari arw cr2 cr3 crw dcr dng erf fff gpr iiq k25 kdc mef mos mrw nef nrw orf pef raf raw rw2 rwl sr2 srf srw x3f`.split(
    ' ',
  ),
);

/** Content types of the kinds: `image/jpeg` and so on. */
export const IMAGE_TYPES = Object.keys(IMAGE_KINDS).map((kind) => `image/${kind as ImageKind}` as const);

/** Whether a file's ending, without its dot and in lower case, is that of a picture, read or not. */
export function isPictureEnding(ending: string): boolean {
  return kindOfEnding(ending) !== null || UNREAD_ENDINGS.has(ending) || isRawEnding(ending);
}

/** Whether a file's ending, without its dot and in lower case, is that of a camera's original. */
export function isRawEnding(ending: string): boolean {
  return RAW_ENDINGS.has(ending);
}

/**
 * Largest files that shrink while they are read, in pixels: the 200 megapixels of some phones, and long panoramas. They take
 * memory for what is left, and a second.
 */
export const MAX_SHRUNK_PIXELS = 256_000_000;
/**
 * Of files that are decoded whole before they shrink, or that the bundle wants whole: the largest cameras have 102
 * megapixels, and take 3 to 9 bytes for each.
 */
export const MAX_WHOLE_PIXELS = 128_000_000;
/** AVIF takes 18 bytes a pixel, samples that have to be scaled up to 15. */
export const MAX_COSTLY_PIXELS = 50_000_000;
/** Decoding the largest images allowed takes 2 to 9 s; past this a file is built to waste time. */
export const MAX_DECODE_SECONDS = 20;

/** The kind that a file's ending, without its dot and in lower case, promises; `null` for no image. */
export function kindOfEnding(ending: string): ImageKind | null {
  const kinds = Object.entries(IMAGE_KINDS) as [ImageKind, readonly string[]][];
  return kinds.find(([, endings]) => endings.includes(ending))?.[0] ?? null;
}
