/** What commands that make bundles tell a person. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readBundle } from '../../model/bundle.ts';
import type { Draft } from '../../model/write-bundle.ts';
import { printable } from '../../printable.ts';
import type { Agreement } from '../../quantize/agreement.ts';
import { captionLines } from '../shared/caption-lines.ts';
import { selfCheck } from './self-check.ts';

/** Shows what a new bundle says, then moves it to its place; a bundle that does not run is deleted. */
export async function publishChecked(draft: Draft): Promise<void> {
  try {
    const { photograph, captions, milliseconds } = await selfCheck(draft.directory);
    process.stdout.write(
      `It says of ${photograph}, in ${milliseconds.toFixed(0)} ms:\n${captionLines(captions)}`,
    );
    await draft.publish();
  } finally {
    await draft.discard();
  }
}

export function printAgreement({
  images,
  sameCaption,
  logProbabilityDifference,
  cosine,
  method,
}: Agreement): void {
  process.stdout.write(
    `INT8 beside fp32 on ${images} images: the same best caption on ${sameCaption}, ` +
      `its log-probability ${logProbabilityDifference.toFixed(3)} apart on average,\n` +
      `  embeddings at cosine ${cosine.toFixed(4)} (${method})\n`,
  );
}

/** Sizes and hashes of a published bundle. */
export async function printBundle(directory: string, milliseconds: number): Promise<void> {
  const { manifest, hash } = await readBundle(directory);
  const files = await Promise.all(
    Object.values(manifest.files).map(async (entry) => {
      if (entry === undefined) return '';
      const { path, sha256 } = entry;
      const { size } = await stat(join(directory, path));
      return `  ${printable(path).padEnd(16)} ${(size / 1e6).toFixed(1).padStart(6)} MB  sha256 ${sha256}\n`;
    }),
  );
  process.stdout.write(
    `${printable(`${directory}: ${manifest.name}`)}, ${manifest.precision}, hash ${hash}\n${files.join('')}` +
      `Done in ${(milliseconds / 1000).toFixed(1)} s\n`,
  );
}
