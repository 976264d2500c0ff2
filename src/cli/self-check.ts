/** What a new bundle says about a photograph that comes with the program, for a person to judge. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { CaptionResult } from '../caption/captioner.ts';
import { loadCaptioner } from '../model/load.ts';

const PHOTOGRAPH = 'samples/coffee.jpg';
/** The first run sizes buffers; the median of these is what a warm caption takes. */
const WARM_RUNS = 5;

export interface SelfCheck {
  photograph: string;
  captions: CaptionResult['captions'];
  /** Milliseconds of a warm caption, median. */
  milliseconds: number;
}

/** @throws ModelUnusable when the bundle does not run */
export async function selfCheck(directory: string): Promise<SelfCheck> {
  const image = await readFile(fileURLToPath(new URL(`../../${PHOTOGRAPH}`, import.meta.url)));
  const { caption } = await loadCaptioner(directory);
  const { captions } = await caption(image);
  const times: number[] = [];
  for (let i = 0; i < WARM_RUNS; i++) times.push((await caption(image)).timings.total);
  const milliseconds = times.sort((a, b) => a - b)[WARM_RUNS >> 1]!;
  return { photograph: PHOTOGRAPH, captions, milliseconds };
}
