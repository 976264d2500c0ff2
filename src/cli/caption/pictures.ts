/** Pictures of how a caption came about: heat maps and beam trees, one set an image. */
import { mkdir } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import type { Command } from 'commander';
import type { CaptionCall } from '../../caption/describe.ts';
import { flagOf } from '../../caption/options.ts';
import type { CaptionResult } from '../../caption/result.ts';
import { InvalidRequest } from '../../errors.ts';
import { notWritten } from '../../files/system-error.ts';
import { putFile } from '../../files/write-file.ts';
import { heatMaps } from '../../pictures/heat-map.ts';
import { traceTree } from '../../pictures/trace-tree.ts';
import { helpOf } from '../shared/decoding-flags.ts';

export interface PictureFlags {
  json?: boolean;
  explain?: boolean;
  explainTo?: string;
  trace?: boolean;
  traceTo?: string;
}

export function addPictureFlags(command: Command): Command {
  return command
    .option(flagOf('explain'), `with --json: ${helpOf('explain')}`)
    .option('--explain-to <dir>', 'write the heat map of each word of the best caption as PNG')
    .option(flagOf('trace'), `with --json: ${helpOf('trace')}`)
    .option('--trace-to <dir>', 'write the tree of the search as SVG');
}

/**
 * What to ask the captioner for.
 * @throws InvalidRequest when numbers are asked for that text has no place for
 */
export function pictureCall({ json, explain, explainTo, trace, traceTo }: PictureFlags): CaptionCall {
  for (const [option, given] of Object.entries({ explain, trace })) {
    const flag = flagOf(option);
    if (given && !json) throw new InvalidRequest(`${flag} needs --json; ${flag}-to DIR writes pictures`);
  }
  return { explain: explain || explainTo !== undefined, trace: trace || traceTo !== undefined };
}

/**
 * Writes what was asked for: `DIR/0001-photo/01-dog.png` and so on, `DIR/0001-photo.svg`.
 * @param at the image's place in the run, from 0 on: names may come twice
 */
export async function writePictures(
  { image, at, bytes, result }: { image: string; at: number; bytes: Uint8Array; result: CaptionResult },
  { explainTo, traceTo }: PictureFlags,
): Promise<void> {
  const name = `${String(at + 1).padStart(4, '0')}-${plain(basename(image, extname(image)))}`;
  if (traceTo !== undefined) await write(traceTo, `${name}.svg`, traceTree(result.trace!));
  if (explainTo === undefined) return;
  const maps = await heatMaps(bytes, result.explanation!);
  for (const [i, { word }] of result.explanation!.words.entries()) {
    const number = String(i + 1).padStart(2, '0');
    await write(join(explainTo, name), `${number}-${plain(word)}.png`, maps[i]!);
  }
}

/** What any file system takes. */
function plain(text: string): string {
  return text.replace(/[^A-Za-z0-9_-]/g, '_').slice(0, 60) || '_';
}

async function write(directory: string, name: string, content: string | Uint8Array): Promise<void> {
  try {
    await mkdir(directory, { recursive: true });
  } catch (cause) {
    throw notWritten(directory, cause);
  }
  await putFile(join(directory, name), content);
}
