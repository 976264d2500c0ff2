/** A captioner that Hugging Face's exporters wrote becomes a bundle. */
import { SourceError } from '../../errors.ts';
import type { Draft } from '../../model/write-bundle.ts';

/** Where an export came from. */
export interface CaptionerOrigin {
  /** `owner/name` on the hub. */
  id: string;
  /** Commit. */
  revision: string;
  /** SHA-256 of each file, by its path in the directory. */
  files: Record<string, string>;
  /** Ids of what the card says that it was made of. */
  baseModels: readonly string[];
}

export interface CaptionerSettings {
  directory: string;
  origin?: CaptionerOrigin;
  out: string;
  name: string;
  /** @default unknown */
  license?: string;
  /** Which of several files. @default what is there, fp32 before the others */
  precision?: 'fp32' | 'fp16' | 'q8';
  /** Of Florence-2. @default caption */
  task?: CaptionerTask;
}

export type CaptionerTask = 'caption' | 'detailed' | 'more-detailed';

/** @throws SourceError */
export async function importCaptioner({ directory }: CaptionerSettings): Promise<{ draft: Draft }> {
  throw new SourceError('SourceUnsupported', {
    file: directory,
    expected: 'weights of im2txt',
    actual: 'an export of Hugging Face, which this version does not read yet',
  });
}
