/** The image processors of transformers that are read, and what each takes for granted where the file says nothing. */
type Rgb = readonly [number, number, number];
const HALF: Rgb = [0.5, 0.5, 0.5];
const CLIP_MEAN: Rgb = [0.48145466, 0.4578275, 0.40821073];
const CLIP_STD: Rgb = [0.26862954, 0.26130258, 0.27577711];

export interface ProcessorKind {
  /**
   * What `size` may say: `sides` height and width, one number being both; `any` the shortest edge as well, which one number is;
   * `edge` the shortest edge, and how much of it is cropped follows from `crop_pct`.
   */
  size: 'sides' | 'any' | 'edge';
  /** Where the file has no `size`: one number. */
  defaultSize: number;
  /** `null`: the processor knows no `crop_size`. */
  defaultCrop: number | null;
  resample: number;
  /** `null`: the processor knows neither. */
  normalization: { mean: Rgb; std: Rgb } | null;
  /** The processor knows `do_flip_channel_order`, and flips unless the file says otherwise. */
  flips: boolean;
}

const VIT: ProcessorKind = {
  size: 'sides',
  defaultSize: 224,
  defaultCrop: null,
  resample: 2,
  normalization: { mean: HALF, std: HALF },
  flips: false,
};
const DEIT: ProcessorKind = { ...VIT, defaultSize: 256, defaultCrop: 224, resample: 3 };

const CLIP: ProcessorKind = {
  ...DEIT,
  size: 'any',
  defaultSize: 224,
  normalization: { mean: CLIP_MEAN, std: CLIP_STD },
};

/** Those of Swin are `ViTImageProcessor`, those of GIT and Florence-2 `CLIPImageProcessor`, that of DINOv2 `BitImageProcessor`. */
export const PROCESSOR_KINDS: Readonly<Record<string, ProcessorKind>> = {
  ViTImageProcessor: VIT,
  DeiTImageProcessor: DEIT,
  BeitImageProcessor: DEIT,
  BlipImageProcessor: {
    ...VIT,
    defaultSize: 384,
    resample: 3,
    normalization: { mean: CLIP_MEAN, std: CLIP_STD },
  },
  CLIPImageProcessor: CLIP,
  BitImageProcessor: CLIP,
  SiglipImageProcessor: { ...VIT, resample: 3 },
  ConvNextImageProcessor: { ...VIT, size: 'edge', defaultSize: 384 },
  MobileViTImageProcessor: { ...VIT, size: 'any', defaultCrop: 256, normalization: null, flips: true },
};
