/** What the soak sends, and what one captioner without any server says of it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CaptionError } from '../../src/errors.ts';
import { PROBLEMS } from '../../src/http/failures.ts';
import { DEFAULT_BUNDLE, loadCaptioner } from '../../src/model/load.ts';
import { gifClaiming, pngClaiming, tiffClaiming, webpClaiming } from '../support/crafted-images.ts';
import type { Random } from '../support/random.ts';
import { ROOT, readSamples } from '../support/samples.ts';

export interface SoakImage {
  bytes: Uint8Array;
  /** What the request says that it is. */
  type: string;
  /** Of the answer. */
  status: number;
  /** As JSON; `null` where there are none. */
  captions: string | null;
  /** Of the problem document, where the answer is one. */
  code: string | null;
}

export interface SoakImages {
  good: SoakImage[];
  bad: SoakImage[];
  /** 2 kB, for who sends it byte by byte. */
  small: SoakImage;
}

const SMALL = join(ROOT, 'test/fixtures/golden/images/chelsea-small-64x48.jpg');
/** Damaged copies of each photograph. */
const CUT = 2;
const SCRATCHED = 3;

export async function makeImages(random: Random): Promise<SoakImages> {
  const captioner = await loadCaptioner(DEFAULT_BUNDLE, { threads: 1 });
  const known = async (bytes: Uint8Array, type = 'image/jpeg'): Promise<SoakImage> => {
    try {
      const { captions } = await captioner.caption(bytes);
      return { bytes, type, status: 200, captions: JSON.stringify(captions), code: null };
    } catch (error) {
      if (!(error instanceof CaptionError)) throw error;
      return { bytes, type, status: PROBLEMS[error.code].status, captions: null, code: error.code };
    }
  };
  const photographs = readSamples().map(({ bytes }) => bytes);
  const damaged = photographs.flatMap((bytes) => [
    ...Array.from({ length: CUT }, () => bytes.subarray(0, random.below(bytes.length))),
    ...Array.from({ length: SCRATCHED }, () => scratched(bytes, random)),
  ]);
  const hostile = [
    pngClaiming(60_000, 60_000),
    gifClaiming(30_000, 30_000),
    webpClaiming(16_383, 16_383),
    tiffClaiming(50_000, 50_000),
    pngClaiming(900, 900),
    Buffer.from('no image at all'),
    Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'),
  ];
  const images = {
    good: await inTurn(photographs, (bytes) => known(bytes)),
    // Mislabelled as well, which changes nothing: what an image is, its bytes say.
    bad: await inTurn([...damaged, ...hostile], (bytes) =>
      known(bytes, random.below(2) ? 'image/png' : 'image/jpeg'),
    ),
    small: await known(readFileSync(SMALL)),
  };
  await captioner.close();
  return images;
}

async function inTurn<T, U>(items: readonly T[], work: (item: T) => Promise<U>): Promise<U[]> {
  const done: U[] = [];
  for (const item of items) done.push(await work(item));
  return done;
}

/** A few bytes behind the head of the file are others. */
function scratched(bytes: Uint8Array, random: Random): Buffer {
  const copy = Buffer.from(bytes);
  for (let i = 0; i < 8; i++) copy[100 + random.below(copy.length - 100)] = random.below(256);
  return copy;
}
