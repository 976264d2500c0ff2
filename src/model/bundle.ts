/** A bundle: one directory that is one model. */
import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import * as z from 'zod';
import { parseEvidence, type WordEvidence } from '../caption/confidence/evidence.ts';
import type { PlannedModel } from '../caption/plan.ts';
import type { Vocabulary } from '../caption/vocabulary/vocabulary.ts';
import { wholeWords } from '../caption/vocabulary/whole-words.ts';
import { parseVocabulary, VocabularyError, type WordList } from '../caption/vocabulary/word-list.ts';
import { describeProblems, ModelUnusable, problemsIn } from '../errors.ts';
import {
  type BundleFile,
  type CaptionerManifest,
  CHECKSUM_FILE,
  explainsWords,
  FORMAT_VERSIONS,
  type Manifest,
  manifestSchema,
  type ShowAndTellManifest,
  withTodaysNames,
} from './manifest.ts';
import { sha256Of } from './sha256.ts';

export const MANIFEST_FILE = 'manifest.json';
/** The manifest of the default bundle has 3 kB; a thousand times that is no manifest. */
const MAX_MANIFEST_BYTES = 4 << 20;
/** im2txt's list has 122 kB; 64 MB are a million words of any length. */
const MAX_VOCABULARY_BYTES = 64 << 20;
/** Longer than any line of `sha256sum` that names the manifest. */
const MAX_CHECKSUM_BYTES = 4 << 10;
/** The default bundle's has 2 MB for 4,095 words; a hundred thousand words of the same width have 52 MB. */
const MAX_EVIDENCE_BYTES = 64 << 20;

export interface Bundle {
  directory: string;
  manifest: Manifest;
  /** SHA-256 of the manifest, which holds the hashes of the other files: names the model exactly. */
  hash: string;
  vocabulary: Vocabulary;
}

/** What the options of a request are checked against. */
export function plannedModel({
  manifest,
  vocabulary,
}: Pick<Bundle, 'manifest' | 'vocabulary'>): PlannedModel {
  return {
    defaults: manifest.decoding,
    vocabulary,
    calibrated: manifest.confidence !== undefined,
    explains: explainsWords(manifest),
    longest: manifest.formatVersion === 2 ? manifest.tokens.longest : undefined,
  };
}

const RESTORE =
  'Restore the bundle from where it came (git checkout, or import it again) or name another one with --model.';
const RESTORE_MANIFEST = `${RESTORE} If you changed the manifest on purpose, write its checksum anew, in the bundle's directory: sha256sum ${MANIFEST_FILE} > ${CHECKSUM_FILE}`;

/**
 * Reads and checks everything but the word evidence and the two graphs: `readEvidence` and `verifiedPath` check those
 * when they are loaded.
 * @throws ModelUnusable
 */
export async function readBundle(directory: string): Promise<Bundle> {
  const { manifest, hash } = await readManifest(directory);
  const vocabulary = await readVocabulary(directory, manifest);
  return { directory, manifest, hash, vocabulary };
}

/**
 * Reads and checks every byte of a bundle, without opening it: for what copies bundles.
 * @throws ModelUnusable
 */
export async function checkBundle(directory: string): Promise<void> {
  const bundle = await readBundle(directory);
  await readEvidence(bundle);
  await verifiedPath(bundle, 'encoder');
  await verifiedPath(bundle, 'decoder');
}

async function readManifest(directory: string): Promise<Pick<Bundle, 'manifest' | 'hash'>> {
  const file = join(directory, MANIFEST_FILE);
  const [bytes, checksum] = await Promise.all([
    readSmall(file, MAX_MANIFEST_BYTES),
    readChecksum(join(directory, CHECKSUM_FILE)),
  ]);
  const hash = createHash('sha256').update(bytes).digest('hex');
  // Before anything is read in it: what it says is worth nothing if it is not what was written.
  if (checksum !== null && checksum !== hash) {
    const expected = `SHA-256 ${checksum}, which ${CHECKSUM_FILE} says`;
    throw unusable(file, expected, `SHA-256 ${hash}`, RESTORE_MANIFEST);
  }
  const manifest = parseManifest(file, bytes);
  if (checksum === null && manifest.checksum !== undefined) {
    throw unusable(join(directory, manifest.checksum), 'a readable file', 'none', RESTORE_MANIFEST);
  }
  return { manifest, hash };
}

/** @returns `null` where there is none, as in bundles of versions up to 1.0.0 */
async function readChecksum(file: string): Promise<string | null> {
  const bytes = await readSmall(file, MAX_CHECKSUM_BYTES).catch((error: ModelUnusable) => {
    if (isAbsent(error.cause)) return null;
    throw error;
  });
  if (bytes === null) return null;
  const line = bytes.toString('latin1');
  const hash = line.slice(0, 64);
  if (/^[0-9a-f]{64}$/.test(hash) && line === checksumLine(hash)) return hash;
  throw unusable(
    file,
    'the line that sha256sum writes',
    JSON.stringify(line.slice(0, 100)),
    RESTORE_MANIFEST,
  );
}

/** The content of the checksum file. */
export function checksumLine(hash: string): string {
  return `${hash}  ${MANIFEST_FILE}\n`;
}

/**
 * Path of one of the bundle's graphs, after its size and hash were found right.
 * @throws ModelUnusable
 */
export async function verifiedPath(bundle: Bundle, role: 'encoder' | 'decoder'): Promise<string> {
  const { path, bytes, sha256: expected } = bundle.manifest.files[role];
  const file = join(bundle.directory, path);
  const found = await stat(file).catch((cause: unknown) => {
    throw missing(file, cause);
  });
  if (found.size !== bytes) {
    throw unusable(file, `${bytes} bytes`, `${found.size} bytes`);
  }
  const actual = await sha256Of(file).catch((cause: unknown) => {
    throw missing(file, cause);
  });
  checkHash(file, expected, actual);
  return file;
}

function parseManifest(file: string, bytes: Buffer): Manifest {
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw unusable(file, 'JSON', cause instanceof Error ? cause.message : 'something else', RESTORE, cause);
  }
  const version = z.object({ formatVersion: z.unknown() }).safeParse(json).data?.formatVersion;
  const known = FORMAT_VERSIONS.find((one) => one === version);
  if (known === undefined) {
    const remedy =
      'Import or train the model again with this version of the program, or use the one that wrote it.';
    throw unusable(
      file,
      `formatVersion ${FORMAT_VERSIONS.join(' or ')}`,
      `formatVersion ${JSON.stringify(version)}`,
      remedy,
    );
  }
  const parsed = manifestSchema(known).safeParse(withTodaysNames(json));
  if (parsed.success) return parsed.data;
  throw unusable(file, 'a manifest of this format', describeProblems(problemsIn(parsed.error)));
}

/**
 * Bytes of a file that the manifest describes, found right.
 * @param limit bytes; below it a manifest may announce any size
 * @throws ModelUnusable
 */
export async function readVerified(
  directory: string,
  { path, bytes: size, sha256: expected }: BundleFile,
  limit = size,
): Promise<{ file: string; bytes: Buffer }> {
  const file = join(directory, path);
  const bytes = await readSmall(file, limit);
  if (bytes.length !== size) throw unusable(file, `${size} bytes`, `${bytes.length} bytes`);
  checkHash(file, expected, createHash('sha256').update(bytes).digest('hex'));
  return { file, bytes };
}

/**
 * What the bundle knows of which words an image speaks for.
 * @returns `null` where it has none
 * @throws ModelUnusable
 */
export async function readEvidence({
  directory,
  manifest,
  vocabulary,
}: Bundle): Promise<WordEvidence | null> {
  if (manifest.formatVersion !== 1 || manifest.files.evidence === undefined) return null;
  const { file, bytes } = await readVerified(directory, manifest.files.evidence, MAX_EVIDENCE_BYTES);
  const { size } = manifest.vocabulary;
  const words = Array.from({ length: size }, (_, id) => vocabulary.piece(id).word);
  const evidence = parseEvidence(bytes, words, manifest.embeddingWidth);
  if (evidence !== null) return evidence;
  const expected = `${size} rows of ${8 + manifest.embeddingWidth} bytes`;
  throw unusable(file, expected, `${bytes.length} bytes`);
}

async function readVocabulary(directory: string, manifest: Manifest): Promise<Vocabulary> {
  return manifest.formatVersion === 1 ? readWordList(directory, manifest) : readPieces(directory, manifest);
}

async function readWordList(directory: string, manifest: ShowAndTellManifest): Promise<Vocabulary> {
  const { file, bytes } = await readVerified(directory, manifest.files.vocabulary, MAX_VOCABULARY_BYTES);
  const list = parseWordList(file, bytes);
  const found = {
    size: list.words.length,
    startId: list.startId,
    endId: list.endId,
    unknownId: list.unknownId,
  };
  for (const key of ['size', 'startId', 'endId', 'unknownId'] as const) {
    if (found[key] !== manifest.vocabulary[key]) {
      throw unusable(file, `${key} ${manifest.vocabulary[key]}`, `${key} ${found[key]}`);
    }
  }
  return wholeWords(list, manifest.vocabulary.logits);
}

async function readPieces(directory: string, { files, tokens }: CaptionerManifest): Promise<Vocabulary> {
  const { file, bytes } = await readVerified(directory, files.tokenizer, MAX_VOCABULARY_BYTES);
  // With such a bundle alone: the default one starts without them.
  const { pieceVocabulary } = await import('../caption/vocabulary/pieces.ts');
  const { parseTokenizer } = await import('./tokenizer/parse-tokenizer.ts');
  const tokenizer = await parseTokenizer(bytes.toString('utf8'), {
    clean_up_tokenization_spaces: tokens.closesUp === true,
  }).catch((cause: unknown) => {
    if (cause instanceof Error && cause.name === 'TokenizerError')
      throw unusable(file, 'a tokenizer', cause.message, RESTORE, cause);
    throw cause;
  });
  return pieceVocabulary(tokenizer, tokens);
}

/**
 * A word list from its file's bytes, plain or gzip.
 * @throws ModelUnusable
 */
function parseWordList(file: string, bytes: Uint8Array): WordList {
  try {
    return parseVocabulary(wordListText(bytes));
  } catch (cause) {
    const remedy =
      cause instanceof VocabularyError
        ? 'Use the word list that belongs to these weights; lists are not interchangeable.'
        : RESTORE;
    throw unusable(
      file,
      'a word list',
      cause instanceof Error ? cause.message : String(cause),
      remedy,
      cause,
    );
  }
}

/** Text of a word list, plain or gzip (told by its first two bytes). */
export function wordListText(bytes: Uint8Array): string {
  const isGzip = bytes[0] === 0x1f && bytes[1] === 0x8b;
  const plain = isGzip ? gunzipSync(bytes, { maxOutputLength: MAX_VOCABULARY_BYTES }) : bytes;
  return new TextDecoder('utf-8').decode(plain);
}

async function readSmall(file: string, limit: number): Promise<Buffer> {
  try {
    const { size } = await stat(file);
    if (size > limit) throw unusable(file, `at most ${limit} bytes`, `${size} bytes`);
    return await readFile(file);
  } catch (cause) {
    throw cause instanceof ModelUnusable ? cause : missing(file, cause);
  }
}

function checkHash(file: string, expected: string, actual: string): void {
  if (expected !== actual) throw unusable(file, `SHA-256 ${expected}`, `SHA-256 ${actual}`);
}

function missing(file: string, cause: unknown): ModelUnusable {
  const code = cause instanceof Error && 'code' in cause ? cause.code : cause;
  return unusable(file, 'a readable file', isAbsent(cause) ? 'none' : String(code), RESTORE, cause);
}

function isAbsent(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
}

function unusable(file: string, expected: string, actual: string, remedy = RESTORE, cause?: unknown) {
  return new ModelUnusable({ file, expected, actual, remedy }, { cause });
}
