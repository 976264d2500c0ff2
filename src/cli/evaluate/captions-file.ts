/** What people wrote of the images of a data set, in the forms in which such sets are given away. */
import { readFile } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import * as z from 'zod';
import { InvalidRequest } from '../../errors.ts';

/** Of a data set that is scored, in the order of preference, where nobody says which. */
const USUAL_SPLITS = ['dev', 'val'];

/** Of one caption; the longest of COCO has some 250. Splitting a text into words may take the square of its length. */
const MAX_CAPTION_CHARACTERS = 10_000;
const caption = z.string().max(MAX_CAPTION_CHARACTERS);

export interface WrittenCaptions {
  split: string;
  /** Name or path of each image, with one caption or more. */
  images: [string, string[]][];
}

/** By split, by image. */
type Splits = Map<string, Map<string, string[]>>;

/** {"dev": {"photo.jpg": ["a dog runs .", "..."]}} */
const ownSchema = z.record(z.string(), z.record(z.string(), z.array(caption).min(1)));

/** Chen et al., "Microsoft COCO Captions", 2015; https://cocodataset.org/#format-data, part 5. */
const cocoSchema = z.object({
  images: z.array(z.object({ id: z.union([z.number(), z.string()]), file_name: z.string() })),
  annotations: z.array(z.object({ image_id: z.union([z.number(), z.string()]), caption })),
});

/** `dataset_coco.json`, `dataset_flickr8k.json` and `dataset_flickr30k.json` of Karpathy and Fei-Fei, 2015. */
const karpathySchema = z.object({
  images: z.array(
    z.object({
      filename: z.string(),
      filepath: z.string().optional(),
      split: z.string(),
      sentences: z.array(z.object({ raw: caption })).min(1),
    }),
  ),
});

/**
 * Reads one split of a file in any of the three forms.
 * @param split by default that which is called dev, or val; a file of COCO's has one split, named after the file
 * @throws InvalidRequest
 */
export async function readCaptions(file: string, split: string | undefined): Promise<WrittenCaptions> {
  const splits = splitsOf(file, await readJson(file));
  const name =
    split ?? USUAL_SPLITS.find((usual) => splits.has(usual)) ?? onlyOne(splits) ?? USUAL_SPLITS[0]!;
  const images = splits.get(name);
  if (images === undefined) {
    throw new InvalidRequest(
      `${file}: no split "${name}"; it has ${[...splits.keys()].join(', ') || 'none'} (choose with --split)`,
    );
  }
  return { split: name, images: [...images] };
}

/** A file of COCO's holds one split whatever its name; the choice between several is the user's. */
function onlyOne(splits: Splits): string | undefined {
  return splits.size === 1 ? [...splits.keys()][0] : undefined;
}

async function readJson(file: string): Promise<unknown> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new InvalidRequest(`${file}: no readable captions file`, { cause });
  });
  try {
    // Editors of Windows begin files with a byte order mark, which JSON has not (RFC 8259, section 8.1).
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new InvalidRequest(`${file}: not JSON: ${message}`, { cause });
  }
}

function splitsOf(file: string, json: unknown): Splits {
  if (!isObject(json) || !Array.isArray(json.images)) {
    const own = parse(file, '{"split": {"image": ["caption", …]}}', ownSchema, json);
    return new Map(Object.entries(own).map(([split, images]) => [split, new Map(Object.entries(images))]));
  }
  if (!Array.isArray(json.annotations)) {
    return karpathySplits(parse(file, 'Karpathy’s dataset_*.json', karpathySchema, json));
  }
  return cocoSplits(file, parse(file, 'caption annotations of COCO', cocoSchema, json));
}

function isObject(json: unknown): json is Record<string, unknown> {
  return typeof json === 'object' && json !== null;
}

function parse<T>(file: string, form: string, schema: z.ZodType<T>, json: unknown): T {
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const { path, message } = parsed.error.issues[0]!;
  throw new InvalidRequest(`${file}: expected ${form}; ${path.join('.')}: ${message}`);
}

function karpathySplits({ images }: z.output<typeof karpathySchema>): Splits {
  const splits: Splits = new Map();
  for (const { filename, filepath, split, sentences } of images) {
    if (!splits.has(split)) splits.set(split, new Map());
    const name = filepath ? `${filepath}/${filename}` : filename;
    splits.get(split)!.set(
      name,
      sentences.map(({ raw }) => raw),
    );
  }
  return splits;
}

function cocoSplits(file: string, { images, annotations }: z.output<typeof cocoSchema>): Splits {
  const names = new Map(images.map(({ id, file_name }) => [id, file_name]));
  const captions = new Map<string, string[]>();
  for (const { image_id, caption } of annotations) {
    const name = names.get(image_id);
    if (name === undefined) {
      throw new InvalidRequest(
        `${file}: an annotation is of image ${image_id}, which "images" does not list`,
      );
    }
    if (!captions.has(name)) captions.set(name, []);
    captions.get(name)!.push(caption);
  }
  return new Map([[basename(file, extname(file)), captions]]);
}
