/** The encoder's convolutions: slim's inception_v3_base to Mixed_7c, as im2txt builds it. */

export interface ConvolutionScope {
  /** Below `InceptionV3/`; the variables are `InceptionV3/SCOPE/weights` and so on. */
  scope: string;
  /** Kernel rows and columns. Names lie: `Mixed_6a/Branch_0/Conv2d_1a_1x1` is 3x3. */
  height: number;
  width: number;
  /** What it reads: `image`, another scope or a block of `BLOCKS`; pools in between keep the channels. */
  input: string;
}

const row = (scope: string, height: number, width: number, input: string): ConvolutionScope => ({
  scope,
  height,
  width,
  input,
});

export const CONVOLUTIONS: readonly ConvolutionScope[] = [
  row('Conv2d_1a_3x3', 3, 3, 'image'),
  row('Conv2d_2a_3x3', 3, 3, 'Conv2d_1a_3x3'),
  row('Conv2d_2b_3x3', 3, 3, 'Conv2d_2a_3x3'),
  row('Conv2d_3b_1x1', 1, 1, 'Conv2d_2b_3x3'),
  row('Conv2d_4a_3x3', 3, 3, 'Conv2d_3b_1x1'),
  row('Mixed_5b/Branch_0/Conv2d_0a_1x1', 1, 1, 'Conv2d_4a_3x3'),
  row('Mixed_5b/Branch_1/Conv2d_0a_1x1', 1, 1, 'Conv2d_4a_3x3'),
  row('Mixed_5b/Branch_1/Conv2d_0b_5x5', 5, 5, 'Mixed_5b/Branch_1/Conv2d_0a_1x1'),
  row('Mixed_5b/Branch_2/Conv2d_0a_1x1', 1, 1, 'Conv2d_4a_3x3'),
  row('Mixed_5b/Branch_2/Conv2d_0b_3x3', 3, 3, 'Mixed_5b/Branch_2/Conv2d_0a_1x1'),
  row('Mixed_5b/Branch_2/Conv2d_0c_3x3', 3, 3, 'Mixed_5b/Branch_2/Conv2d_0b_3x3'),
  row('Mixed_5b/Branch_3/Conv2d_0b_1x1', 1, 1, 'Conv2d_4a_3x3'),
  row('Mixed_5c/Branch_0/Conv2d_0a_1x1', 1, 1, 'Mixed_5b'),
  row('Mixed_5c/Branch_1/Conv2d_0b_1x1', 1, 1, 'Mixed_5b'),
  row('Mixed_5c/Branch_1/Conv_1_0c_5x5', 5, 5, 'Mixed_5c/Branch_1/Conv2d_0b_1x1'),
  row('Mixed_5c/Branch_2/Conv2d_0a_1x1', 1, 1, 'Mixed_5b'),
  row('Mixed_5c/Branch_2/Conv2d_0b_3x3', 3, 3, 'Mixed_5c/Branch_2/Conv2d_0a_1x1'),
  row('Mixed_5c/Branch_2/Conv2d_0c_3x3', 3, 3, 'Mixed_5c/Branch_2/Conv2d_0b_3x3'),
  row('Mixed_5c/Branch_3/Conv2d_0b_1x1', 1, 1, 'Mixed_5b'),
  row('Mixed_5d/Branch_0/Conv2d_0a_1x1', 1, 1, 'Mixed_5c'),
  row('Mixed_5d/Branch_1/Conv2d_0a_1x1', 1, 1, 'Mixed_5c'),
  row('Mixed_5d/Branch_1/Conv2d_0b_5x5', 5, 5, 'Mixed_5d/Branch_1/Conv2d_0a_1x1'),
  row('Mixed_5d/Branch_2/Conv2d_0a_1x1', 1, 1, 'Mixed_5c'),
  row('Mixed_5d/Branch_2/Conv2d_0b_3x3', 3, 3, 'Mixed_5d/Branch_2/Conv2d_0a_1x1'),
  row('Mixed_5d/Branch_2/Conv2d_0c_3x3', 3, 3, 'Mixed_5d/Branch_2/Conv2d_0b_3x3'),
  row('Mixed_5d/Branch_3/Conv2d_0b_1x1', 1, 1, 'Mixed_5c'),
  row('Mixed_6a/Branch_0/Conv2d_1a_1x1', 3, 3, 'Mixed_5d'),
  row('Mixed_6a/Branch_1/Conv2d_0a_1x1', 1, 1, 'Mixed_5d'),
  row('Mixed_6a/Branch_1/Conv2d_0b_3x3', 3, 3, 'Mixed_6a/Branch_1/Conv2d_0a_1x1'),
  row('Mixed_6a/Branch_1/Conv2d_1a_1x1', 3, 3, 'Mixed_6a/Branch_1/Conv2d_0b_3x3'),
  row('Mixed_6b/Branch_0/Conv2d_0a_1x1', 1, 1, 'Mixed_6a'),
  row('Mixed_6b/Branch_1/Conv2d_0a_1x1', 1, 1, 'Mixed_6a'),
  row('Mixed_6b/Branch_1/Conv2d_0b_1x7', 1, 7, 'Mixed_6b/Branch_1/Conv2d_0a_1x1'),
  row('Mixed_6b/Branch_1/Conv2d_0c_7x1', 7, 1, 'Mixed_6b/Branch_1/Conv2d_0b_1x7'),
  row('Mixed_6b/Branch_2/Conv2d_0a_1x1', 1, 1, 'Mixed_6a'),
  row('Mixed_6b/Branch_2/Conv2d_0b_7x1', 7, 1, 'Mixed_6b/Branch_2/Conv2d_0a_1x1'),
  row('Mixed_6b/Branch_2/Conv2d_0c_1x7', 1, 7, 'Mixed_6b/Branch_2/Conv2d_0b_7x1'),
  row('Mixed_6b/Branch_2/Conv2d_0d_7x1', 7, 1, 'Mixed_6b/Branch_2/Conv2d_0c_1x7'),
  row('Mixed_6b/Branch_2/Conv2d_0e_1x7', 1, 7, 'Mixed_6b/Branch_2/Conv2d_0d_7x1'),
  row('Mixed_6b/Branch_3/Conv2d_0b_1x1', 1, 1, 'Mixed_6a'),
  row('Mixed_6c/Branch_0/Conv2d_0a_1x1', 1, 1, 'Mixed_6b'),
  row('Mixed_6c/Branch_1/Conv2d_0a_1x1', 1, 1, 'Mixed_6b'),
  row('Mixed_6c/Branch_1/Conv2d_0b_1x7', 1, 7, 'Mixed_6c/Branch_1/Conv2d_0a_1x1'),
  row('Mixed_6c/Branch_1/Conv2d_0c_7x1', 7, 1, 'Mixed_6c/Branch_1/Conv2d_0b_1x7'),
  row('Mixed_6c/Branch_2/Conv2d_0a_1x1', 1, 1, 'Mixed_6b'),
  row('Mixed_6c/Branch_2/Conv2d_0b_7x1', 7, 1, 'Mixed_6c/Branch_2/Conv2d_0a_1x1'),
  row('Mixed_6c/Branch_2/Conv2d_0c_1x7', 1, 7, 'Mixed_6c/Branch_2/Conv2d_0b_7x1'),
  row('Mixed_6c/Branch_2/Conv2d_0d_7x1', 7, 1, 'Mixed_6c/Branch_2/Conv2d_0c_1x7'),
  row('Mixed_6c/Branch_2/Conv2d_0e_1x7', 1, 7, 'Mixed_6c/Branch_2/Conv2d_0d_7x1'),
  row('Mixed_6c/Branch_3/Conv2d_0b_1x1', 1, 1, 'Mixed_6b'),
  row('Mixed_6d/Branch_0/Conv2d_0a_1x1', 1, 1, 'Mixed_6c'),
  row('Mixed_6d/Branch_1/Conv2d_0a_1x1', 1, 1, 'Mixed_6c'),
  row('Mixed_6d/Branch_1/Conv2d_0b_1x7', 1, 7, 'Mixed_6d/Branch_1/Conv2d_0a_1x1'),
  row('Mixed_6d/Branch_1/Conv2d_0c_7x1', 7, 1, 'Mixed_6d/Branch_1/Conv2d_0b_1x7'),
  row('Mixed_6d/Branch_2/Conv2d_0a_1x1', 1, 1, 'Mixed_6c'),
  row('Mixed_6d/Branch_2/Conv2d_0b_7x1', 7, 1, 'Mixed_6d/Branch_2/Conv2d_0a_1x1'),
  row('Mixed_6d/Branch_2/Conv2d_0c_1x7', 1, 7, 'Mixed_6d/Branch_2/Conv2d_0b_7x1'),
  row('Mixed_6d/Branch_2/Conv2d_0d_7x1', 7, 1, 'Mixed_6d/Branch_2/Conv2d_0c_1x7'),
  row('Mixed_6d/Branch_2/Conv2d_0e_1x7', 1, 7, 'Mixed_6d/Branch_2/Conv2d_0d_7x1'),
  row('Mixed_6d/Branch_3/Conv2d_0b_1x1', 1, 1, 'Mixed_6c'),
  row('Mixed_6e/Branch_0/Conv2d_0a_1x1', 1, 1, 'Mixed_6d'),
  row('Mixed_6e/Branch_1/Conv2d_0a_1x1', 1, 1, 'Mixed_6d'),
  row('Mixed_6e/Branch_1/Conv2d_0b_1x7', 1, 7, 'Mixed_6e/Branch_1/Conv2d_0a_1x1'),
  row('Mixed_6e/Branch_1/Conv2d_0c_7x1', 7, 1, 'Mixed_6e/Branch_1/Conv2d_0b_1x7'),
  row('Mixed_6e/Branch_2/Conv2d_0a_1x1', 1, 1, 'Mixed_6d'),
  row('Mixed_6e/Branch_2/Conv2d_0b_7x1', 7, 1, 'Mixed_6e/Branch_2/Conv2d_0a_1x1'),
  row('Mixed_6e/Branch_2/Conv2d_0c_1x7', 1, 7, 'Mixed_6e/Branch_2/Conv2d_0b_7x1'),
  row('Mixed_6e/Branch_2/Conv2d_0d_7x1', 7, 1, 'Mixed_6e/Branch_2/Conv2d_0c_1x7'),
  row('Mixed_6e/Branch_2/Conv2d_0e_1x7', 1, 7, 'Mixed_6e/Branch_2/Conv2d_0d_7x1'),
  row('Mixed_6e/Branch_3/Conv2d_0b_1x1', 1, 1, 'Mixed_6d'),
  row('Mixed_7a/Branch_0/Conv2d_0a_1x1', 1, 1, 'Mixed_6e'),
  row('Mixed_7a/Branch_0/Conv2d_1a_3x3', 3, 3, 'Mixed_7a/Branch_0/Conv2d_0a_1x1'),
  row('Mixed_7a/Branch_1/Conv2d_0a_1x1', 1, 1, 'Mixed_6e'),
  row('Mixed_7a/Branch_1/Conv2d_0b_1x7', 1, 7, 'Mixed_7a/Branch_1/Conv2d_0a_1x1'),
  row('Mixed_7a/Branch_1/Conv2d_0c_7x1', 7, 1, 'Mixed_7a/Branch_1/Conv2d_0b_1x7'),
  row('Mixed_7a/Branch_1/Conv2d_1a_3x3', 3, 3, 'Mixed_7a/Branch_1/Conv2d_0c_7x1'),
  row('Mixed_7b/Branch_0/Conv2d_0a_1x1', 1, 1, 'Mixed_7a'),
  row('Mixed_7b/Branch_1/Conv2d_0a_1x1', 1, 1, 'Mixed_7a'),
  row('Mixed_7b/Branch_1/Conv2d_0b_1x3', 1, 3, 'Mixed_7b/Branch_1/Conv2d_0a_1x1'),
  row('Mixed_7b/Branch_1/Conv2d_0b_3x1', 3, 1, 'Mixed_7b/Branch_1/Conv2d_0a_1x1'),
  row('Mixed_7b/Branch_2/Conv2d_0a_1x1', 1, 1, 'Mixed_7a'),
  row('Mixed_7b/Branch_2/Conv2d_0b_3x3', 3, 3, 'Mixed_7b/Branch_2/Conv2d_0a_1x1'),
  row('Mixed_7b/Branch_2/Conv2d_0c_1x3', 1, 3, 'Mixed_7b/Branch_2/Conv2d_0b_3x3'),
  row('Mixed_7b/Branch_2/Conv2d_0d_3x1', 3, 1, 'Mixed_7b/Branch_2/Conv2d_0b_3x3'),
  row('Mixed_7b/Branch_3/Conv2d_0b_1x1', 1, 1, 'Mixed_7a'),
  row('Mixed_7c/Branch_0/Conv2d_0a_1x1', 1, 1, 'Mixed_7b'),
  row('Mixed_7c/Branch_1/Conv2d_0a_1x1', 1, 1, 'Mixed_7b'),
  row('Mixed_7c/Branch_1/Conv2d_0b_1x3', 1, 3, 'Mixed_7c/Branch_1/Conv2d_0a_1x1'),
  row('Mixed_7c/Branch_1/Conv2d_0c_3x1', 3, 1, 'Mixed_7c/Branch_1/Conv2d_0a_1x1'),
  row('Mixed_7c/Branch_2/Conv2d_0a_1x1', 1, 1, 'Mixed_7b'),
  row('Mixed_7c/Branch_2/Conv2d_0b_3x3', 3, 3, 'Mixed_7c/Branch_2/Conv2d_0a_1x1'),
  row('Mixed_7c/Branch_2/Conv2d_0c_1x3', 1, 3, 'Mixed_7c/Branch_2/Conv2d_0b_3x3'),
  row('Mixed_7c/Branch_2/Conv2d_0d_3x1', 3, 1, 'Mixed_7c/Branch_2/Conv2d_0b_3x3'),
  row('Mixed_7c/Branch_3/Conv2d_0b_1x1', 1, 1, 'Mixed_7b'),
];

/** All 94, in the order of the network. */
export const CONVOLUTION_SCOPES: readonly string[] = CONVOLUTIONS.map(({ scope }) => scope);

/** What each block concatenates along the channels; a block's name stands for its max-pooled self. */
export const BLOCKS: Readonly<Record<string, readonly string[]>> = {
  Mixed_5b: [
    'Mixed_5b/Branch_0/Conv2d_0a_1x1',
    'Mixed_5b/Branch_1/Conv2d_0b_5x5',
    'Mixed_5b/Branch_2/Conv2d_0c_3x3',
    'Mixed_5b/Branch_3/Conv2d_0b_1x1',
  ],
  Mixed_5c: [
    'Mixed_5c/Branch_0/Conv2d_0a_1x1',
    'Mixed_5c/Branch_1/Conv_1_0c_5x5',
    'Mixed_5c/Branch_2/Conv2d_0c_3x3',
    'Mixed_5c/Branch_3/Conv2d_0b_1x1',
  ],
  Mixed_5d: [
    'Mixed_5d/Branch_0/Conv2d_0a_1x1',
    'Mixed_5d/Branch_1/Conv2d_0b_5x5',
    'Mixed_5d/Branch_2/Conv2d_0c_3x3',
    'Mixed_5d/Branch_3/Conv2d_0b_1x1',
  ],
  Mixed_6a: ['Mixed_6a/Branch_0/Conv2d_1a_1x1', 'Mixed_6a/Branch_1/Conv2d_1a_1x1', 'Mixed_5d'],
  Mixed_6b: [
    'Mixed_6b/Branch_0/Conv2d_0a_1x1',
    'Mixed_6b/Branch_1/Conv2d_0c_7x1',
    'Mixed_6b/Branch_2/Conv2d_0e_1x7',
    'Mixed_6b/Branch_3/Conv2d_0b_1x1',
  ],
  Mixed_6c: [
    'Mixed_6c/Branch_0/Conv2d_0a_1x1',
    'Mixed_6c/Branch_1/Conv2d_0c_7x1',
    'Mixed_6c/Branch_2/Conv2d_0e_1x7',
    'Mixed_6c/Branch_3/Conv2d_0b_1x1',
  ],
  Mixed_6d: [
    'Mixed_6d/Branch_0/Conv2d_0a_1x1',
    'Mixed_6d/Branch_1/Conv2d_0c_7x1',
    'Mixed_6d/Branch_2/Conv2d_0e_1x7',
    'Mixed_6d/Branch_3/Conv2d_0b_1x1',
  ],
  Mixed_6e: [
    'Mixed_6e/Branch_0/Conv2d_0a_1x1',
    'Mixed_6e/Branch_1/Conv2d_0c_7x1',
    'Mixed_6e/Branch_2/Conv2d_0e_1x7',
    'Mixed_6e/Branch_3/Conv2d_0b_1x1',
  ],
  Mixed_7a: ['Mixed_7a/Branch_0/Conv2d_1a_3x3', 'Mixed_7a/Branch_1/Conv2d_1a_3x3', 'Mixed_6e'],
  Mixed_7b: [
    'Mixed_7b/Branch_0/Conv2d_0a_1x1',
    'Mixed_7b/Branch_1/Conv2d_0b_1x3',
    'Mixed_7b/Branch_1/Conv2d_0b_3x1',
    'Mixed_7b/Branch_2/Conv2d_0c_1x3',
    'Mixed_7b/Branch_2/Conv2d_0d_3x1',
    'Mixed_7b/Branch_3/Conv2d_0b_1x1',
  ],
  Mixed_7c: [
    'Mixed_7c/Branch_0/Conv2d_0a_1x1',
    'Mixed_7c/Branch_1/Conv2d_0b_1x3',
    'Mixed_7c/Branch_1/Conv2d_0c_3x1',
    'Mixed_7c/Branch_2/Conv2d_0c_1x3',
    'Mixed_7c/Branch_2/Conv2d_0d_3x1',
    'Mixed_7c/Branch_3/Conv2d_0b_1x1',
  ],
};

/** The block whose pooled channels are the image features. */
export const FEATURES = 'Mixed_7c';

/** Channels of a colour image. */
const IMAGE_CHANNELS = 3;

/**
 * Channels that a convolution's kernel must take.
 * @param outputs channels that each scope gives, for all scopes before this one
 */
export function channelsOf(name: string, outputs: ReadonlyMap<string, number>): number {
  if (name === 'image') return IMAGE_CHANNELS;
  const block = BLOCKS[name];
  return block ? block.reduce((sum, part) => sum + channelsOf(part, outputs), 0) : outputs.get(name)!;
}
