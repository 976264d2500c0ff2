/** The file of `--resume`: one JSON line an image, which later runs read to skip what is done, and append to. */
import {
  appendFileSync,
  closeSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readSync,
  realpathSync,
} from 'node:fs';
import { dirname, isAbsolute, relative, resolve } from 'node:path';
import * as z from 'zod';
import { type ErrorReport, InvalidRequest, OutputFailed } from '../../errors.ts';
import { type Lock, takeLock } from '../../files/lock.ts';
import { type Line, linesOf } from './resume-lines.ts';

/** What a line was made with: a caption by another model or with other options is not the one wanted. */
export interface Recipe {
  model: { name: string; hash: string };
  /** All options, defaults filled in. */
  options: object;
  /** Whether a line that points to an image that looks the same counts as done. */
  duplicatesCount: boolean;
}

const lineSchema = z.object({
  image: z.string(),
  /** Of relative names, the directory that they start at, as seen from that of the file; lines of version 1.0 lack it. */
  relativeTo: z.string().optional(),
  sha256: z.string().optional(),
  model: z.object({ hash: z.string() }).optional(),
  options: z.unknown().optional(),
  captions: z.array(z.unknown()).optional(),
  duplicateOf: z.string().optional(),
  error: z.object({ code: z.string() }).optional(),
});

type ResultLine = z.output<typeof lineSchema>;

/** How every line begins, to tell a line that was cut off from a file that holds something else. */
const BEGINNING = '{"image":';

export interface ResultsFile {
  /**
   * What is known of this content under this name: `done`; the line of the same content under another name; or
   * nothing, `null`. Asked once, it counts as done for the rest of the run.
   */
  find(image: string, sha256: string): 'done' | object | null;
  /** @throws OutputFailed when the file cannot be written */
  append(image: string, sha256: string, line: object): void;
  /**
   * Failures are tried again by each run, and recorded once.
   * @throws OutputFailed when the file cannot be written
   */
  appendFailure(
    image: string,
    sha256: string | undefined,
    error: Pick<ErrorReport, 'code' | 'message'>,
  ): void;
  /** @throws OutputFailed when the file cannot be written */
  close(): void;
}

/**
 * Opens or creates the file, for this process alone. A last line that was cut off when a run was killed is dropped.
 * @throws InvalidRequest when it cannot be opened, another run writes it, or it holds anything else than results; OutputFailed
 */
export function openResults(path: string, recipe: Recipe): ResultsFile {
  const file = open(path);
  let lock: Lock | undefined;
  const close = () => {
    try {
      fsyncSync(file);
    } catch (cause) {
      throw new OutputFailed(`--resume: ${path}`, cause);
    } finally {
      closeSync(file);
      lock?.release();
    }
  };
  try {
    lock = takeLock(realpathSync(path));
    const known = readKnown(path, file, recipe);
    return { ...createResultsFile(path, file, recipe, known), close };
  } catch (error) {
    close();
    throw error;
  }
}

interface Known {
  /** Name and content. */
  done: Set<string>;
  /** Name, content and code. */
  failed: Set<string>;
  /** Where the captions of a content stand in the file. */
  places: Map<string, { offset: number; length: number }>;
}

function createResultsFile(
  path: string,
  file: number,
  recipe: Recipe,
  known: Known,
): Omit<ResultsFile, 'close'> {
  const { done, failed, places } = known;
  const { model, options } = recipe;
  const here = relative(directoryOf(path), process.cwd()) || '.';
  const write = (image: string, line: object) => {
    const named = { image, ...(!isAbsolute(image) && { relativeTo: here }) };
    const { size } = fstatSync(file);
    try {
      // At once and whole, so that no signal comes between.
      appendFileSync(file, `${JSON.stringify({ ...named, ...line })}\n`);
    } catch (cause) {
      cutAt(file, size);
      throw new OutputFailed(`--resume: ${path}`, cause);
    }
  };
  return {
    find(image, sha256) {
      const key = keyOf(image, sha256);
      if (done.has(key)) return 'done';
      done.add(key);
      const place = places.get(sha256);
      return place === undefined ? null : lineAt(file, place);
    },
    append: (image, sha256, line) => write(image, { sha256, model, options, ...line }),
    appendFailure(image, sha256, { code, message }) {
      const key = keyOf(image, sha256, code);
      if (failed.has(key)) return;
      failed.add(key);
      write(image, { ...(sha256 !== undefined && { sha256 }), error: { code, message } });
    },
  };
}

/** Best effort: the next run drops half a line as well. */
function cutAt(file: number, size: number): void {
  try {
    ftruncateSync(file, size);
  } catch {
    // The disk fails.
  }
}

/** The same file under the same name, however the path to it is spelled. */
function keyOf(image: string, sha256 = '', code = ''): string {
  return `${sha256} ${code} ${resolve(image)}`;
}

/** Of the results file, so that images are found when both have moved together. */
function directoryOf(path: string): string {
  return realpathSync(dirname(resolve(path)));
}

/** Without what is of the name that it stood under. */
function lineAt(file: number, { offset, length }: { offset: number; length: number }): object {
  const bytes = Buffer.alloc(length);
  readSync(file, bytes, 0, length, offset);
  const { image: _, relativeTo: __, ...line } = JSON.parse(textOf(bytes)) as ResultLine;
  return line;
}

const utf8 = new TextDecoder();

/** Without the byte order mark that editors of Windows put at the start. */
function textOf(bytes: Uint8Array): string {
  return utf8.decode(bytes);
}

function readKnown(path: string, file: number, recipe: Recipe): Known {
  const known: Known = { done: new Set(), failed: new Set(), places: new Map() };
  const options = JSON.stringify(recipe.options);
  const directory = directoryOf(path);
  let number = 0;
  for (const line of readLines(path, file)) {
    number++;
    const text = textOf(line.bytes);
    if (text.trim() === '') {
      // Blank lines are passed over; an open one would become the beginning of the next result.
      if (!line.ended) ftruncateSync(file, line.offset);
      continue;
    }
    const result = parse(text);
    if (result === null) {
      if (line.ended || !isBeginning(text)) throw unusable(path, `line ${number} is no result`);
      ftruncateSync(file, line.offset);
      return known;
    }
    if (!line.ended) appendFileSync(file, '\n');
    const { sha256, error, relativeTo } = result;
    const image = relativeTo === undefined ? result.image : resolve(directory, relativeTo, result.image);
    if (error !== undefined) known.failed.add(keyOf(image, sha256, error.code));
    if (sha256 === undefined || result.model?.hash !== recipe.model.hash) continue;
    if (JSON.stringify(result.options) !== options) continue;
    if (result.captions !== undefined) {
      known.done.add(keyOf(image, sha256));
      known.places.set(sha256, { offset: line.offset, length: line.bytes.length });
    } else if (result.duplicateOf !== undefined && recipe.duplicatesCount) {
      known.done.add(keyOf(image, sha256));
    }
  }
  return known;
}

function* readLines(path: string, file: number): Generator<Line> {
  try {
    yield* linesOf(file);
  } catch (cause) {
    if (cause instanceof RangeError) throw unusable(path, cause.message, cause);
    throw cause;
  }
}

function parse(text: string): ResultLine | null {
  try {
    return lineSchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

/** Of a result, as the last line is when a run was killed amid it. */
function isBeginning(text: string): boolean {
  return BEGINNING.startsWith(text.slice(0, BEGINNING.length));
}

function open(path: string): number {
  let file: number;
  try {
    file = openSync(path, 'a+');
  } catch (cause) {
    throw unusable(path, 'cannot be opened', cause);
  }
  if (fstatSync(file).isFile()) return file;
  closeSync(file);
  throw unusable(path, 'is not a regular file');
}

function unusable(path: string, what: string, cause?: unknown): InvalidRequest {
  const code = cause instanceof Error && 'code' in cause ? ` (${cause.code})` : '';
  return new InvalidRequest(`--resume: ${path}: ${what}${code}`, { cause });
}
