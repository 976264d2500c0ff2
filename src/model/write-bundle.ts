/** Writes a bundle whole or not at all: beside its place, hashed, then renamed. */
import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { access, chmod, mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { InvalidRequest } from '../errors.ts';
import { takeLock } from '../files/lock.ts';
import { clearParts, partIn } from '../files/part.ts';
import { codeOf, notWritten } from '../files/system-error.ts';
import { putFile, syncDirectory, writeSynced } from '../files/write-file.ts';
import { checksumLine, MANIFEST_FILE, readBundle } from './bundle.ts';
import {
  type BundleFile,
  type CaptionerManifest,
  CHECKSUM_FILE,
  type Manifest,
  manifestSchema,
  type ShowAndTellManifest,
} from './manifest.ts';

const NAMES = {
  encoder: 'encoder.onnx',
  decoder: 'decoder.onnx',
  vocabulary: 'word_counts.txt',
  tokenizer: 'tokenizer.json',
  evidence: 'evidence.bin',
} as const;

/** What `rename` says where something is. */
const TAKEN: ReadonlySet<unknown> = new Set(['ENOTEMPTY', 'EEXIST', 'ENOTDIR']);

/** For people, no part of the bundle. */
const CARD = 'README.md';

/** Each file as the parts it is written from: no file of a large network is ever whole in memory. */
export type BundleFiles = Record<'encoder' | 'decoder', Iterable<Uint8Array>> &
  Partial<Record<keyof typeof NAMES | 'card', Iterable<Uint8Array> | undefined>>;

/** All of a manifest but its files. */
export type DraftManifest = Omit<ShowAndTellManifest, 'files'> | Omit<CaptionerManifest, 'files'>;

/** A bundle being written; it gets its name with `publish`. */
export interface Draft {
  /** Where its files stand until then: a bundle that can be loaded. */
  directory: string;
  publish(): Promise<void>;
  discard(): Promise<void>;
}

/**
 * Refuses a place that is taken, or that another process makes a bundle at, before any work is done. It is kept until this
 * process ends.
 * @throws InvalidRequest, OutputFailed
 */
export async function claimPlace(out: string): Promise<void> {
  const taken = await access(out).then(
    () => true,
    () => false,
  );
  if (taken) throw placeTaken(out);
  try {
    await mkdir(dirname(resolve(out)), { recursive: true });
  } catch (cause) {
    throw notWritten(out, cause);
  }
  takeLock(resolve(out));
}

function placeTaken(out: string): InvalidRequest {
  return new InvalidRequest(`${out} exists already: remove it or choose another --out`);
}

/**
 * Writes all files of a bundle into a directory beside `out`. If the process is interrupted, the directory is removed; if it is
 * killed, by the next one that writes there.
 */
export async function draftBundle(out: string, files: BundleFiles, manifest: DraftManifest): Promise<Draft> {
  const parent = dirname(resolve(out));
  const directory = partIn(parent);
  const remove = () => rmSync(directory, { recursive: true, force: true });
  process.on('exit', remove);
  const discard = async () => {
    process.off('exit', remove);
    await rm(directory, { recursive: true, force: true });
  };
  try {
    await mkdir(parent, { recursive: true });
    await clearParts(parent);
    await mkdir(directory, { mode: 0o700 });
    const entries: Record<string, BundleFile> = {};
    for (const [role, path] of Object.entries(NAMES)) {
      const parts = files[role as keyof typeof NAMES];
      if (parts === undefined) continue;
      entries[role] = { path, ...(await writeParts(join(directory, path), parts)) };
    }
    if (files.card !== undefined) await writeParts(join(directory, CARD), files.card);
    for (const [name, text] of manifestFiles(manifest.formatVersion, { ...manifest, files: entries })) {
      await putFile(join(directory, name), text);
    }
  } catch (error) {
    // Why it was not written is said, not why nothing could be removed.
    await discard().catch(() => undefined);
    throw notWritten(out, error);
  }
  const publish = async () => {
    try {
      await chmod(directory, 0o755);
      await syncDirectory(directory);
      await rename(directory, resolve(out));
      await syncDirectory(parent);
    } catch (error) {
      if (TAKEN.has(codeOf(error))) throw placeTaken(out);
      throw notWritten(out, error);
    }
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
  const counted = function* () {
    for (const part of parts) {
      hash.update(part);
      bytes += part.length;
      yield part;
    }
  };
  await writeSynced(file, counted());
  return { bytes, sha256: hash.digest('hex') };
}

/**
 * Puts what was measured into a bundle's manifest, which changes the bundle's hash.
 * @throws ModelUnusable, OutputFailed
 */
export async function saveMeasured(
  directory: string,
  measured: Pick<Manifest, 'metrics' | 'confidence'>,
): Promise<void> {
  const { manifest } = await readBundle(directory);
  // What dies between the two leaves a bundle that is refused, and the refusal says how it is mended.
  for (const [name, text] of manifestFiles(manifest.formatVersion, { ...manifest, ...measured })) {
    await putFile(join(directory, name), text);
  }
}

/** A manifest and the checksum that covers it, by their names. */
function manifestFiles(format: Manifest['formatVersion'], content: object): [name: string, text: string][] {
  const manifest = manifestSchema(format).parse({ ...content, checksum: CHECKSUM_FILE });
  const text = `${JSON.stringify(manifest, null, 2)}\n`;
  const hash = createHash('sha256').update(text).digest('hex');
  return [
    [MANIFEST_FILE, text],
    [CHECKSUM_FILE, checksumLine(hash)],
  ];
}
