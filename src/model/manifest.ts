/** What a bundle says of itself: the one schema, for readers and writers. */
import * as z from 'zod';
import { confidenceSchema } from '../caption/confidence/confidence.ts';
import { captionOptionsSchema } from '../caption/options.ts';
import { PILLOW_FILTERS } from '../caption/resampling/pillow.ts';

/** What covers the manifest itself: one line, as `sha256sum manifest.json` prints it. */
export const CHECKSUM_FILE = 'manifest.json.sha256';
/** Of Show and Tell, and of captioners with word pieces. */
export const FORMAT_VERSIONS = [1, 2] as const;
/** Of a bundle's name, characters. */
export const MAX_NAME_LENGTH = 100;
/** Florence-2 has two. */
const MAX_START_IDS = 8;
/** Four for each layer; the largest decoders of captioners have 48. */
const MAX_TENSORS = 256;

const positive = z.int().positive();
const id = z.int().nonnegative();
const width = positive.max(65536);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 lower-case hexadecimal digits');

const fileSchema = z.strictObject({
  /** A plain name inside the bundle's directory. */
  path: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'expected a plain file name'),
  bytes: positive,
  sha256,
});

/** Sides far above any published encoder; bounds what a hostile manifest can make us allocate. */
const side = positive.max(4096);

const bytesOfColours = {
  dtype: z.literal('uint8'),
  range: z.tuple([z.literal(0), z.literal(255)]),
};
const tf1Bilinear = {
  resampling: z.literal('tf1-bilinear'),
  width: side,
  height: side,
  aspect: z.literal('squash'),
  resizedTo: side,
};

const imageSchema = z.discriminatedUnion('resampling', [
  z.strictObject({
    resampling: z.literal('antialiased'),
    width: side,
    height: side,
    ...bytesOfColours,
    aspect: z.literal('squash'),
  }),
  z.discriminatedUnion('dtype', [
    z.strictObject({ ...tf1Bilinear, ...bytesOfColours }),
    z.strictObject({
      ...tf1Bilinear,
      dtype: z.literal('float32'),
      range: z.tuple([z.literal(-1), z.literal(1)]),
    }),
  ]),
  z.strictObject({
    resampling: z.literal('pillow'),
    filter: z.enum(PILLOW_FILTERS),
    resize: z
      .union([z.strictObject({ width: side, height: side }), z.strictObject({ shortestEdge: side })])
      .nullable(),
    width: side,
    height: side,
    ...bytesOfColours,
    aspect: z.enum(['squash', 'crop']),
  }),
]);

/** Measured on a validation split, in percent as papers print them. */
const metricsSchema = z
  .strictObject({
    split: z.string(),
    images: positive,
    bleu1: z.number(),
    bleu2: z.number(),
    bleu3: z.number(),
    bleu4: z.number(),
    rougeL: z.number(),
    ciderD: z.number(),
  })
  .meta({ id: 'Metrics' });

const provenanceSchema = z
  .strictObject({
    what: z.string(),
    source: z.string(),
    license: z.string(),
    sha256: sha256.optional(),
  })
  .meta({ id: 'Provenance' });

/** Of the weights; half precision is of exports alone. */
const precisionSchema = z.enum(['fp32', 'fp16', 'int8']);

/** What every bundle says, whatever its networks are. */
const common = {
  /** That the bundle is not whole without its checksum. Bundles that versions up to 1.0.0 wrote do not say so. */
  checksum: z.literal(CHECKSUM_FILE).optional(),
  name: z.string().min(1).max(MAX_NAME_LENGTH),
  description: z.string(),
  image: imageSchema,
  embeddingWidth: width,
  /** Cells of the encoder's last feature map. */
  regions: width,
  decoding: captionOptionsSchema,
  /** Of one validation split, or of several kinds of photograph by their names. */
  metrics: z.union([metricsSchema, z.record(z.string(), metricsSchema)]).optional(),
  confidence: confidenceSchema.optional(),
  license: z.string(),
  provenance: z.array(provenanceSchema),
};

/** Show and Tell: a word list, an LSTM. */
const showAndTellSchema = z.strictObject({
  formatVersion: z.literal(1),
  ...common,
  files: z.strictObject({
    encoder: fileSchema,
    decoder: fileSchema,
    vocabulary: fileSchema,
    /** Which words an image speaks for (`caption/confidence/evidence.ts`); what imports makes has none. */
    evidence: fileSchema.optional(),
  }),
  /** `size` counts the unknown word; `logits` is the softmax width, larger than `size` in im2txt. */
  vocabulary: z.strictObject({ size: positive, logits: positive, startId: id, endId: id, unknownId: id }),
  stateWidth: width,
  precision: z.enum(['fp32', 'int8']),
});

/** One tensor of the decoder, by its dimensions: `rows` and `length` grow, `images` are as many as there are. */
const tensorSchema = <D extends string>(free: readonly [D, ...D[]]) =>
  z.strictObject({
    dtype: z.enum(['float32', 'int64']),
    shape: z
      .array(z.union([width, z.enum(free)]))
      .min(1)
      .max(8),
  });

/** Captioners with attention between encoder and decoder, and word pieces. */
const captionerSchema = () =>
  z.strictObject({
    formatVersion: z.literal(2),
    ...common,
    files: z.strictObject({ encoder: fileSchema, decoder: fileSchema, tokenizer: fileSchema }),
    /** Of encoder and decoder, as the exports call them: `vit + gpt2`. */
    architecture: z.string().max(200),
    tokens: z.strictObject({
      /** Softmax width. */
      logits: positive.max(1 << 24),
      /** What every caption begins with. */
      startIds: z.array(id).min(1).max(MAX_START_IDS),
      endId: id,
      /** Longest caption in ids, start and end counted: the decoder has positions for so many. @default no limit */
      longest: positive.optional(),
      /** Whether texts lose the blanks before their stops (`clean_up_tokenization_spaces`). @default false */
      closesUp: z.boolean().optional(),
    }),
    /** What the decoder keeps of each hypothesis; a `length` is 0 at the start. */
    state: z.array(tensorSchema(['rows', 'length'])).max(MAX_TENSORS),
    /** What the decoder reads of each image. */
    memory: z.array(tensorSchema(['images'])).max(MAX_TENSORS),
    search: z.strictObject({
      earlyStopping: z.union([z.boolean(), z.literal('never')]),
      /** Whether the last id is the end in any case (`forced_eos_token_id`). @default false */
      forcesEnd: z.boolean().optional(),
    }),
    precision: precisionSchema,
  });

/** What of a manifest is told to those who use a deployment. */
export const publicFields = {
  name: common.name,
  description: common.description,
  license: common.license,
  precision: precisionSchema,
  metrics: common.metrics,
  provenance: common.provenance,
};

/** The schema of a format; the second one is made when it is asked for, since the default bundle starts without it. */
export function manifestSchema(formatVersion: Manifest['formatVersion']): z.ZodType<Manifest> {
  return formatVersion === 1 ? showAndTellSchema : captionerSchema();
}

export type ShowAndTellManifest = z.output<typeof showAndTellSchema>;
export type CaptionerManifest = z.output<ReturnType<typeof captionerSchema>>;
export type Manifest = ShowAndTellManifest | CaptionerManifest;
/** One file of a bundle. */
export type BundleFile = z.output<typeof fileSchema>;

/** Whether its captioner can say which part of an image a word came from. */
export function explainsWords({ formatVersion }: Pick<Manifest, 'formatVersion'>): boolean {
  return formatVersion === 1;
}

/** Manifests of before version 1.0.0 say `licence`, and `captions` for how many are wanted; they load all the same. */
export function withTodaysNames(json: unknown): unknown {
  const manifest = renamed(json, 'licence', 'license');
  if (!isObject(manifest)) return manifest;
  const { provenance, decoding } = manifest;
  return {
    ...manifest,
    ...('decoding' in manifest && { decoding: renamed(decoding, 'captions', 'count') }),
    ...(Array.isArray(provenance) && { provenance: provenance.map((p) => renamed(p, 'licence', 'license')) }),
  };
}

/** One that has both names keeps both, and is refused for the former one. */
function renamed(value: unknown, former: string, today: string): unknown {
  if (!isObject(value) || !(former in value) || today in value) return value;
  const { [former]: kept, ...others } = value;
  return { ...others, [today]: kept };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
