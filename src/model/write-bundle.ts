/** Writes a bundle whole or not at all: beside its place, hashed, then renamed. */
import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { access, chmod, mkdir, mkdtemp, open, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { InvalidRequest } from '../errors.ts';
import {
  CHECKSUM_FILE,
  checksumLine,
  MANIFEST_FILE,
  type Manifest,
  manifestSchema,
  readBundle,
} from './bundle.ts';

const NAMES = {
  encoder: 'encoder.onnx',
  decoder: 'decoder.onnx',
  vocabulary: 'word_counts.txt',
  evidence: 'evidence.bin',
} as const;

/** Each file as the parts it is written from: no file of a large network is ever whole in memory. */
export type BundleFiles = Record<Exclude<keyof typeof NAMES, 'evidence'>, Iterable<Uint8Array>> & {
  evidence?: Iterable<Uint8Array> | undefined;
};

/** A bundle being written; it gets its name with `publish`. */
export interface Draft {
  /** Where its files stand until then: a bundle that can be loaded. */
  directory: string;
  publish(): Promise<void>;
  discard(): Promise<void>;
}

/**
 * Refuses a place that is taken, before any work is done.
 * @throws InvalidRequest
 */
export async function checkFree(out: string): Promise<void> {
  const taken = await access(out).then(
    () => true,
    () => false,
  );
  if (taken) throw new InvalidRequest(`${out} exists already: remove it or choose another --out`);
}

/**
 * Writes all files of a bundle into a directory beside `out`. If the process is interrupted, the directory is removed.
 * @param manifest all of it but the files
 */
export async function draftBundle(
  out: string,
  files: BundleFiles,
  manifest: Omit<Manifest, 'files' | 'formatVersion'>,
): Promise<Draft> {
  await mkdir(dirname(resolve(out)), { recursive: true });
  const directory = await mkdtemp(`${resolve(out)}.partial-`);
  const remove = () => rmSync(directory, { recursive: true, force: true });
  process.on('exit', remove);
  const discard = async () => {
    process.off('exit', remove);
    await rm(directory, { recursive: true, force: true });
  };
  try {
    const entries: Record<string, Manifest['files']['encoder']> = {};
    for (const [role, path] of Object.entries(NAMES)) {
      const parts = files[role as keyof typeof NAMES];
      if (parts === undefined) continue;
      entries[role] = { path, ...(await writeParts(join(directory, path), parts)) };
    }
    for (const [name, text] of manifestFiles({ formatVersion: 1, ...manifest, files: entries })) {
      await writeFile(join(directory, name), text);
    }
  } catch (error) {
    await discard();
    throw error;
  }
  const publish = async () => {
    // mkdtemp makes directories for its user alone.
    await chmod(directory, 0o755);
    await rename(directory, resolve(out));
    process.off('exit', remove);
  };
  return { directory, publish, discard };
}

async function writeParts(
  file: string,
  parts: Iterable<Uint8Array>,
): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash('sha256');
  let bytes = 0;
  const handle = await open(file, 'wx');
  try {
    for (const part of parts) {
      hash.update(part);
      bytes += part.length;
      await handle.writeFile(part);
    }
  } finally {
    await handle.close();
  }
  return { bytes, sha256: hash.digest('hex') };
}

/**
 * Puts what was measured into a bundle's manifest, which changes the bundle's hash.
 * @throws ModelUnusable
 */
export async function saveMeasured(
  directory: string,
  measured: Pick<Manifest, 'metrics' | 'confidence'>,
): Promise<void> {
  const { manifest } = await readBundle(directory);
  const files = manifestFiles({ ...manifest, ...measured });
  const partial = (name: string) => join(directory, `${name}.partial-${process.pid}`);
  for (const [name, text] of files) await writeFile(partial(name), text);
  // What dies between the two leaves a bundle that is refused, and the refusal says how it is mended.
  for (const [name] of files) await rename(partial(name), join(directory, name));
}

/** A manifest and the checksum that covers it, by their names. */
function manifestFiles(content: object): [name: string, text: string][] {
  const manifest = manifestSchema.parse({ ...content, checksum: CHECKSUM_FILE });
  const text = `${JSON.stringify(manifest, null, 2)}\n`;
  const hash = createHash('sha256').update(text).digest('hex');
  return [
    [MANIFEST_FILE, text],
    [CHECKSUM_FILE, checksumLine(hash)],
  ];
}
