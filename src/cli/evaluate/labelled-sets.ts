/** What an evaluation captions: photographs with what people wrote, by kind, and images that are no photographs. */
import { InvalidRequest } from '../../errors.ts';
import type { ImageSet } from './image-set.ts';

/** Of the one set of `--images` and `--captions`. */
const ONLY_SET = 'dev';

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
  /** Undefined: the file's usual one. */
  split: string | undefined;
}

/** One image to caption. */
export interface EvaluatedImage {
  /** `null`: no photograph. */
  set: string | null;
  /** As the captions file names it. */
  image: string;
  /** In `images`. */
  path: string;
  /** What people wrote; empty of what is no photograph. */
  references: string[];
  images: ImageSet;
}

/**
 * `NAME=IMAGES,CAPTIONS[,SPLIT]` of `--set`.
 * @throws InvalidRequest
 */
export function parseSet(text: string, before: SetSource[] = []): SetSource[] {
  const form = /^([\w-]+)=([^,]+),([^,]+)(?:,([^,]+))?$/.exec(text);
  if (form === null) {
    throw new InvalidRequest(`--set ${text}: expected NAME=IMAGES,CAPTIONS or NAME=IMAGES,CAPTIONS,SPLIT`);
  }
  const [name, images, captions] = [form[1]!, form[2]!, form[3]!];
  if (before.some((set) => set.name === name)) throw new InvalidRequest(`--set: two sets are named ${name}`);
  return [...before, { name, images, captions, split: form[4] }];
}

/**
 * The labelled sets of a command line: those of `--set`, or the one of `--images` and `--captions`.
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
  return [{ name: split ?? ONLY_SET, images, captions, split }];
}

/** What is captioned, and what it is scored against. */
export interface OpenedSets {
  items: EvaluatedImage[];
  /** The labelled ones. */
  sets: { name: string; split: string }[];
  close(): void;
}

/**
 * Opens everything that the flags name; whoever calls closes the sets.
 * @throws InvalidRequest
 */
export async function openSets(
  sources: readonly SetSource[],
  notPhotographs: string | undefined,
): Promise<OpenedSets> {
  const { openImageSet } = await import('./image-set.ts');
  const { readCaptions } = await import('./captions-file.ts');
  const { findImages } = await import('./find-image.ts');
  const opened: ImageSet[] = [];
  const open = async (path: string) => {
    const images = await openImageSet(path);
    opened.push(images);
    return images;
  };
  const items: EvaluatedImage[] = [];
  const sets: OpenedSets['sets'] = [];
  for (const source of sources) {
    const { split, images: written } = await readCaptions(source.captions, source.split);
    const { name: set } = source;
    const images = await open(source.images);
    const names = written.map(([name]) => name);
    const paths = findImages(source.images, names, await images.paths());
    for (const [image, references] of written) {
      items.push({ set, image, path: paths.get(image) ?? image, references, images });
    }
    sets.push({ name: set, split });
  }
  if (notPhotographs !== undefined) {
    const images = await open(notPhotographs);
    const names = await images.paths();
    const { LEAST_OF_EACH_KIND } = await import('../../evaluate/confidence-fit.ts');
    if (names.length < LEAST_OF_EACH_KIND) {
      throw new InvalidRequest(
        `--not-photographs ${notPhotographs}: ${names.length} images are too few to fit on; give ${LEAST_OF_EACH_KIND} or more`,
      );
    }
    items.push(...names.map((image) => ({ set: null, image, path: image, references: [], images })));
  }
  const close = () => {
    for (const images of opened) images.close();
  };
  return { items, sets, close };
}
