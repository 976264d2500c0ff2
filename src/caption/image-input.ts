/** What a network reads, and by which rule a photograph becomes that. */

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
export interface Tf1BilinearInput {
  resampling: 'tf1-bilinear';
  width: number;
  height: number;
  dtype: 'float32';
  range: [-1, 1];
  aspect: 'squash';
  /** Side of the square that the photograph is squashed to before the centre is cropped; 346 in im2txt. */
  resizedTo: number;
}

/** What every im2txt network reads (configuration.py and image_processing.py of im2txt). */
export const IM2TXT_INPUT: Tf1BilinearInput = {
  resampling: 'tf1-bilinear',
  width: 299,
  height: 299,
  dtype: 'float32',
  range: [-1, 1],
  aspect: 'squash',
  resizedTo: 346,
};

export type ImageInput = AntialiasedInput | Tf1BilinearInput;

/** Kinds of image files that are read, as content types name them, with the endings that their names have. */
export const IMAGE_KINDS = {
  jpeg: ['jpg', 'jpeg'],
  png: ['png'],
  webp: ['webp'],
  avif: ['avif'],
  gif: ['gif'],
  tiff: ['tif', 'tiff'],
} as const;
export type ImageKind = keyof typeof IMAGE_KINDS;

/** Content types of the kinds: `image/jpeg` and so on. */
export const IMAGE_TYPES = Object.keys(IMAGE_KINDS).map((kind) => `image/${kind as ImageKind}` as const);

/**
 * 50 megapixels are above every phone's and most cameras' default; as RGB they take 150 MB, which still fits a small
 * function.
 */
export const MAX_IMAGE_PIXELS = 50_000_000;
/** Decoding 50 megapixels takes well under 2 s; past this a file is built to waste time. */
export const MAX_DECODE_SECONDS = 20;

/** The kind that a file's ending, without its dot and in lower case, promises; `null` for no image. */
export function kindOfEnding(ending: string): ImageKind | null {
  const kinds = Object.entries(IMAGE_KINDS) as [ImageKind, readonly string[]][];
  return kinds.find(([, endings]) => endings.includes(ending))?.[0] ?? null;
}
