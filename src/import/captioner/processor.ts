/** `preprocessor_config.json` of transformers: what its image processors do to a photograph before the network reads it. */
import * as z from 'zod';
import type { PillowInput } from '../../caption/image-input.ts';
import { PILLOW_FILTERS } from '../../caption/resampling/pillow.ts';
import { describeProblems, problemsIn, SourceError } from '../../errors.ts';
import type { PixelNormalization } from './pixels-graph.ts';
import { PROCESSOR_KINDS, type ProcessorKind } from './processor-kinds.ts';

export interface Processor {
  image: PillowInput;
  /** What is left to the graph. */
  normalize: PixelNormalization;
}

/** As a bundle's schema has it. */
const side = z.int().positive().max(4096);
const sides = z.strictObject({ height: side, width: side });
/** A pair is height and width. */
const bothSides = [side, z.tuple([side, side]), sides] as const;
const perChannel = z.union([z.number(), z.tuple([z.number(), z.number(), z.number()])]).nullish();
/** Missing is the processor's own choice, null is no. */
const flag = z.boolean().nullable().optional();

const processorSchema = z.looseObject({
  do_resize: flag,
  /** The processors that are read here do not look at `longest_edge`. */
  size: z
    .union([...bothSides, z.strictObject({ shortest_edge: side, longest_edge: side.nullish() })])
    .nullish(),
  resample: z
    .int()
    .min(0)
    .max(PILLOW_FILTERS.length - 1)
    .optional(),
  do_center_crop: flag,
  crop_size: z.union(bothSides).nullish(),
  crop_pct: z.number().positive().nullish(),
  do_rescale: flag,
  rescale_factor: z.number().optional(),
  do_normalize: flag,
  image_mean: perChannel,
  image_std: perChannel,
  do_flip_channel_order: flag,
});
type ProcessorFile = z.output<typeof processorSchema>;

/** Keys that change nothing here: who wrote the file and for whom, how many tokens the network makes of an image. */
const WITHOUT_EFFECT = new Set([
  // All colours are RGB before they get here.
  'do_convert_rgb',
  'image_processor_type',
  'feature_extractor_type',
  'processor_class',
  'auto_map',
  '_valid_processor_keys',
  'image_seq_length',
  'default_to_square',
  'device',
]);
/** Keys with what they may say without changing anything. */
const ONLY: Readonly<Record<string, unknown>> = { data_format: 'channels_first' };

/**
 * @param file its name, for errors
 * @param text JSON
 * @throws SourceError `SourceDamaged` where it is no JSON, `SourceUnsupported` where it says what is not done here
 */
export function readProcessor(file: string, text: string): Processor {
  const json = parse(file, text);
  const [name, kind] = kindOf(file, json);
  const parsed = processorSchema.safeParse(json);
  if (!parsed.success) {
    const actual = describeProblems(problemsIn(parsed.error));
    throw unsupported(file, `settings of a ${name} that are known`, actual);
  }
  const settings = parsed.data;
  refuseUnknown(file, name, kind, settings);
  return { image: imageInput(file, name, kind, settings), normalize: normalization(kind, settings) };
}

function parse(file: string, text: string): Record<string, unknown> {
  const expected = 'the JSON object of an image processor of transformers';
  const json = ((): unknown => {
    try {
      return JSON.parse(text);
    } catch (cause) {
      const actual = cause instanceof Error ? cause.message : String(cause);
      throw new SourceError('SourceDamaged', { file, expected, actual }, { cause });
    }
  })();
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw unsupported(file, expected, JSON.stringify(json).slice(0, 40));
  }
  return json as Record<string, unknown>;
}

/** In `auto_map`: that a program in the repository is the processor. */
const OWN_CODE = ['AutoImageProcessor', 'AutoFeatureExtractor'];

/** Files of older versions name a feature extractor. A `Fast` one computes the same by other means. */
function kindOf(file: string, json: Record<string, unknown>): [string, ProcessorKind] {
  const expected = `image_processor_type to be one of ${Object.keys(PROCESSOR_KINDS).join(', ')}`;
  const ownCode = OWN_CODE.find((key) => Object.hasOwn(Object(json.auto_map), key));
  if (ownCode) throw unsupported(file, expected, `a processor with code of its own (auto_map: ${ownCode})`);
  const named = json.image_processor_type ?? json.feature_extractor_type;
  if (typeof named !== 'string') throw unsupported(file, expected, 'neither it nor feature_extractor_type');
  const name = named.replace(/Fast$/, '').replace(/FeatureExtractor$/, 'ImageProcessor');
  const kind = Object.hasOwn(PROCESSOR_KINDS, name) ? PROCESSOR_KINDS[name] : undefined;
  if (kind === undefined) throw unsupported(file, expected, JSON.stringify(named));
  return [name, kind];
}

/** A key that is not known may say something that changes pixels, unless it says no. */
function refuseUnknown(file: string, name: string, kind: ProcessorKind, settings: ProcessorFile): void {
  const known: Record<string, boolean> = {
    ...Object.fromEntries(Object.keys(processorSchema.shape).map((key) => [key, true])),
    do_center_crop: kind.defaultCrop !== null,
    crop_pct: kind.size === 'edge',
    do_normalize: kind.normalization !== null,
    do_flip_channel_order: kind.flips,
  };
  for (const [key, value] of Object.entries(settings)) {
    if (known[key] || WITHOUT_EFFECT.has(key) || value === null || value === undefined || value === false)
      continue;
    if (Object.hasOwn(ONLY, key) && value === ONLY[key]) continue;
    const keys = Object.keys(known).filter((each) => known[each]);
    throw unsupported(
      file,
      `of a ${name} only what is known here (${keys.join(', ')})`,
      `${JSON.stringify(key)}: ${JSON.stringify(value).slice(0, 80)}`,
    );
  }
}

function imageInput(file: string, name: string, kind: ProcessorKind, settings: ProcessorFile): PillowInput {
  const { resize, crop } = kind.size === 'edge' ? byCropShare(settings, kind) : bySizes(settings, kind);
  if (resize === 'unknown') {
    const expected = `"size" of a ${name} to be ${kind.size === 'edge' ? 'a shortest_edge' : 'height and width'}`;
    throw unsupported(file, expected, JSON.stringify(settings.size));
  }
  const size = crop ?? (resize && 'width' in resize ? resize : null);
  if (size === null) {
    const actual = `${resize === null ? 'do_resize: false' : JSON.stringify(settings.size)} without do_center_crop`;
    throw unsupported(file, 'that all photographs get the same width and height', actual);
  }
  return {
    resampling: 'pillow',
    filter: PILLOW_FILTERS[settings.resample ?? kind.resample]!,
    resize,
    width: size.width,
    height: size.height,
    dtype: 'uint8',
    range: [0, 255],
    aspect: resize && 'width' in resize ? 'squash' : 'crop',
  };
}

interface Sides {
  width: number;
  height: number;
}
interface Sizes {
  resize: PillowInput['resize'] | 'unknown';
  /** `null`: nothing is cropped. */
  crop: Sides | null;
}

function bySizes(settings: ProcessorFile, kind: ProcessorKind): Sizes {
  const size = settings.size ?? kind.defaultSize;
  const cropped = kind.defaultCrop !== null && on(settings.do_center_crop, true);
  const crop = cropped ? sidesOf(settings.crop_size ?? kind.defaultCrop!) : null;
  if (!on(settings.do_resize, true)) return { resize: null, crop };
  if (kind.size === 'sides') return { resize: isEdge(size) ? 'unknown' : sidesOf(size), crop };
  if (isEdge(size)) return { resize: { shortestEdge: size.shortest_edge }, crop };
  return { resize: typeof size === 'number' ? { shortestEdge: size } : sidesOf(size), crop };
}

/** What ConvNeXt was measured with: below 384 a share of the photograph is cropped, from there on it is squashed. */
function byCropShare(settings: ProcessorFile, kind: ProcessorKind): Sizes {
  const size = settings.size ?? kind.defaultSize;
  if (!on(settings.do_resize, true)) return { resize: null, crop: null };
  if (typeof size !== 'number' && !isEdge(size)) return { resize: 'unknown', crop: null };
  const edge = typeof size === 'number' ? size : size.shortest_edge;
  const square = { width: edge, height: edge };
  if (edge >= 384) return { resize: square, crop: null };
  const share = settings.crop_pct ?? 224 / 256;
  return { resize: { shortestEdge: Math.trunc(edge / share) }, crop: square };
}

type Size = NonNullable<ProcessorFile['size']>;

function isEdge(size: Size): size is Extract<Size, { shortest_edge: number }> {
  return typeof size === 'object' && 'shortest_edge' in size;
}

function sidesOf(size: Exclude<Size, { shortest_edge: number }>): Sides {
  if (typeof size === 'number') return { width: size, height: size };
  return Array.isArray(size)
    ? { width: size[1], height: size[0] }
    : { width: size.width, height: size.height };
}

function normalization(
  { normalization: own, flips }: ProcessorKind,
  settings: ProcessorFile,
): PixelNormalization {
  const normalized = own !== null && on(settings.do_normalize, true);
  return {
    scale: on(settings.do_rescale, true) ? (settings.rescale_factor ?? 1 / 255) : 1,
    mean: normalized ? threeOf(settings.image_mean ?? own.mean) : [0, 0, 0],
    std: normalized ? threeOf(settings.image_std ?? own.std) : [1, 1, 1],
    channels: flips && on(settings.do_flip_channel_order, true) ? 'bgr' : 'rgb',
  };
}

function threeOf(values: number | readonly number[]): readonly number[] {
  return typeof values === 'number' ? [values, values, values] : values;
}

function on(value: boolean | null | undefined, missing: boolean): boolean {
  return value === undefined ? missing : value === true;
}

function unsupported(file: string, expected: string, actual: string): SourceError {
  return new SourceError('SourceUnsupported', { file, expected, actual });
}
