/** What an evaluation captions: photographs with what people wrote, by kind, and images that are no photographs. */
import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import { InvalidRequest } from '../../errors.ts';
import type { ImageSet } from './image-set.ts';

const USUAL_SPLIT = 'dev';

export interface SetFlags {
  images?: string;
  captions?: string;
  split?: string;
  set?: SetSource[];
  notPhotographs?: string;
}

export interface SetSource {
  name: string;
  /** Directory or zip archive. */
  images: string;
  /** JSON file. */
  captions: string;
  split: string;
}

/** One image to caption. */
export interface EvaluatedImage {
  /** `null`: no photograph. */
  set: string | null;
  image: string;
  /** What people wrote; empty of what is no photograph. */
  references: string[];
  images: ImageSet;
}

/**
 * `NAME=IMAGES,CAPTIONS[,SPLIT]` of `--set`.
 * @throws InvalidRequest
 */
export function parseSet(text: string, before: SetSource[] = []): SetSource[] {
  const [, name, images, captions, split = USUAL_SPLIT] =
    /^([\w-]+)=([^,]+),([^,]+)(?:,([^,]+))?$/.exec(text) ?? [];
  if (name === undefined || images === undefined || captions === undefined) {
    throw new InvalidRequest(`--set ${text}: expected NAME=IMAGES,CAPTIONS or NAME=IMAGES,CAPTIONS,SPLIT`);
  }
  if (before.some((set) => set.name === name)) throw new InvalidRequest(`--set: two sets are named ${name}`);
  return [...before, { name, images, captions, split }];
}

/**
 * The labelled sets of a command line: those of `--set`, or the one of `--images` and `--captions`, named by its split.
 * @throws InvalidRequest
 */
export function setsOf({ images, captions, split, set }: SetFlags): SetSource[] {
  if (set !== undefined) {
    if (images === undefined && captions === undefined && split === undefined) return set;
    throw new InvalidRequest(
      '--set: cannot be mixed with --images, --captions and --split; give another --set',
    );
  }
  if (images === undefined || captions === undefined) {
    throw new InvalidRequest('--images and --captions (or --set) must say what to caption');
  }
  const name = split ?? USUAL_SPLIT;
  return [{ name, images, captions, split: name }];
}

/**
 * Opens everything that the flags name; whoever calls closes the sets.
 * @throws InvalidRequest
 */
export async function openSets(
  sources: readonly SetSource[],
  notPhotographs: string | undefined,
): Promise<{ items: EvaluatedImage[]; close(): void }> {
  const { openImageSet } = await import('./image-set.ts');
  const opened: ImageSet[] = [];
  const open = async (path: string) => {
    const images = await openImageSet(path);
    opened.push(images);
    return images;
  };
  const items: EvaluatedImage[] = [];
  for (const { name, images: path, captions, split } of sources) {
    const written = await readCaptions(captions, split);
    const images = await open(path);
    items.push(...written.map(([image, references]) => ({ set: name, image, references, images })));
  }
  if (notPhotographs !== undefined) {
    const images = await open(notPhotographs);
    const names = await images.names();
    const { LEAST_OF_EACH_KIND } = await import('../../evaluate/confidence-fit.ts');
    if (names.length < LEAST_OF_EACH_KIND) {
      throw new InvalidRequest(
        `--not-photographs ${notPhotographs}: ${names.length} images are too few to fit on; give ${LEAST_OF_EACH_KIND} or more`,
      );
    }
    items.push(...names.map((image) => ({ set: null, image, references: [], images })));
  }
  const close = () => {
    for (const images of opened) images.close();
  };
  return { items, close };
}

const captionsSchema = z.record(z.string(), z.record(z.string(), z.array(z.string()).min(1)));

async function readCaptions(file: string, split: string): Promise<[string, string[]][]> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new InvalidRequest(`${file}: no readable captions file`, { cause });
  });
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new InvalidRequest(`${file}: not JSON: ${cause instanceof Error ? cause.message : cause}`, {
      cause,
    });
  }
  const parsed = captionsSchema.safeParse(json);
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!;
    throw new InvalidRequest(
      `${file}: expected {"split": {"image": ["caption", …]}}; ${path.join('.')}: ${message}`,
    );
  }
  const captions = parsed.data[split];
  if (captions === undefined) {
    throw new InvalidRequest(`${file}: no split "${split}"; it has ${Object.keys(parsed.data).join(', ')}`);
  }
  return Object.entries(captions);
}
