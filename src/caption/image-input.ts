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
