/** From the path a user gave to the one file (or prefix) with the weights, and the word list beside it. */
import type { Dirent } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { SourceError } from '../../errors.ts';
import { unreadable } from '../bytes/source-file.ts';
import { type FileKind, fileKind, KINDS_READ, unsupportedFile } from './file-kind.ts';
import { nearestNames } from './nearest-names.ts';

/** Where weights are. */
export interface FoundSource {
  kind: 'frozen-graph' | 'checkpoint-v1' | 'checkpoint-v2';
  /** The graph, the V1 checkpoint or the V2 index. */
  file: string;
  /** The word list, if one was seen. */
  vocabulary: string | null;
}

/** An archive or a compressed file, to be unpacked first. */
export interface FoundArchive {
  kind: 'archive';
  file: string;
  packing: 'tar' | 'tar.gz' | 'gzip' | 'zip';
  /** One that lies beside the archive. */
  vocabulary: string | null;
}

/** Archives of model repositories nest one or two deep. */
const MAX_DEPTH = 4;
/** Each file is opened to see what it is; a larger folder is not one of a model. */
const MAX_FILES = 2000;
/** TensorFlow writes some 100 bytes a checkpoint. */
const MAX_STATE_BYTES = 1 << 20;
const STATE_FILE = 'checkpoint';
const VOCABULARIES = ['word_counts.txt', 'word_counts.txt.gz'];
const DATA_FILE = /\.data-\d{5}-of-\d{5}$/;

/** @throws SourceUnreadable, SourceDamaged, SourceUnsupported */
export async function findSource(path: string): Promise<FoundSource | FoundArchive> {
  const found = await stat(path).catch(() => null);
  if (found?.isDirectory()) return findInDirectory(path);
  // A prefix, or a part of the data for which the index is meant.
  const prefix = found ? (DATA_FILE.test(path) ? path.replace(DATA_FILE, '') : null) : path;
  const file = prefix === null ? path : `${prefix}.index`;
  if (prefix !== null && !(await isFile(file))) throw await nothingThere(path, file);
  const kind = await fileKind(file);
  const vocabulary = await vocabularyIn(dirname(file));
  if (kind === 'tar' || kind === 'tar.gz' || kind === 'gzip' || kind === 'zip') {
    return { kind: 'archive', file, packing: kind, vocabulary };
  }
  const weights = weightsKind(kind);
  if (weights) return { kind: weights, file, vocabulary };
  throw await unsupportedFile(file, kind);
}

function weightsKind(kind: FileKind): FoundSource['kind'] | null {
  if (kind === 'checkpoint-v2-index') return 'checkpoint-v2';
  return kind === 'frozen-graph' || kind === 'checkpoint-v1' ? kind : null;
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null))?.isFile() ?? false;
}

async function nothingThere(path: string, index: string): Promise<SourceError> {
  const names: string[] = await readdir(dirname(path)).catch(() => []);
  const nearest = nearestNames(basename(path), names).join(', ');
  return new SourceError('SourceUnreadable', {
    file: path,
    expected: `${path} or ${index}`,
    actual: nearest === '' ? 'neither' : `neither; the nearest names there: ${nearest}`,
  });
}

/**
 * The only file with weights in a directory, or the one that its `checkpoint` file names.
 * @throws SourceUnsupported naming the candidates when there are none or several
 */
export async function findInDirectory(directory: string): Promise<FoundSource> {
  const files = await filesIn(directory);
  const candidates: FoundSource[] = [];
  const damaged: unknown[] = [];
  for (const file of files) {
    if (DATA_FILE.test(file) || basename(file) === STATE_FILE) continue;
    try {
      const kind = weightsKind(await fileKind(file));
      if (kind) candidates.push({ kind, file, vocabulary: null });
    } catch (error) {
      if (!(error instanceof SourceError)) throw error;
      damaged.push(error);
    }
  }
  const chosen = candidates.length > 1 ? await namedByState(files, candidates) : candidates[0];
  if (chosen) return { ...chosen, vocabulary: nearestVocabulary(files, chosen.file) };
  // The only thing that looked like a checkpoint is damaged: says so rather than "nothing found".
  if (candidates.length === 0 && damaged.length > 0) throw damaged[0];
  throw new SourceError('SourceUnsupported', {
    file: directory,
    expected: `one of: ${KINDS_READ}`,
    actual:
      candidates.length === 0
        ? `none in ${files.length} files`
        : `${candidates.length}: ${listed(candidates)}`,
    ...(candidates.length === 0 ? {} : { remedy: 'Name one of them.' }),
  });
}

function listed(candidates: FoundSource[]): string {
  const names = candidates.slice(0, 10).map(({ file }) => file);
  return candidates.length > names.length ? `${names.join(', ')} ...` : names.join(', ');
}

/** All regular files, this directory's before those of its folders. Links are not followed. */
async function filesIn(directory: string): Promise<string[]> {
  const files: string[] = [];
  const queue = [{ path: directory, depth: 0 }];
  for (const { path, depth } of queue) {
    const entries: Dirent[] = await readdir(path, { withFileTypes: true }).catch((cause: unknown) => {
      throw unreadable(path, cause);
    });
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const inside = join(path, entry.name);
      if (entry.isDirectory() && depth < MAX_DEPTH) queue.push({ path: inside, depth: depth + 1 });
      if (entry.isFile()) files.push(inside);
      if (files.length > MAX_FILES || queue.length > MAX_FILES) {
        throw new SourceError('SourceUnsupported', {
          file: directory,
          expected: `a folder of a model, at most ${MAX_FILES} files`,
          actual: 'more',
          remedy: 'Name the file itself.',
        });
      }
    }
  }
  return files;
}

/**
 * TensorFlow keeps a text file `checkpoint` with `model_checkpoint_path: "PREFIX"`. Of the path only the last part
 * counts: it was written on another machine, and a hostile one would lead elsewhere.
 */
async function namedByState(files: string[], candidates: FoundSource[]): Promise<FoundSource | undefined> {
  const [state, ...others] = files.filter((file) => basename(file) === STATE_FILE);
  if (state === undefined || others.length > 0 || (await stat(state)).size > MAX_STATE_BYTES)
    return undefined;
  const written = /^model_checkpoint_path:\s*"([^"]+)"/m.exec(await readFile(state, 'utf8'))?.[1];
  if (written === undefined) return undefined;
  const prefix = join(dirname(state), written.split(/[\\/]/).at(-1)!);
  return candidates.find(({ file }) => file === prefix || file === `${prefix}.index`);
}

async function vocabularyIn(directory: string): Promise<string | null> {
  for (const name of VOCABULARIES) {
    const path = join(directory, name);
    if (await isFile(path)) return path;
  }
  return null;
}

/** The one in the weights' own folder, else the only one. */
function nearestVocabulary(files: string[], weights: string): string | null {
  const lists = files.filter((file) => VOCABULARIES.includes(basename(file)));
  const beside = lists.find((file) => dirname(file) === dirname(weights));
  return beside ?? (lists.length === 1 ? lists[0]! : null);
}
