/** The files of an export on this machine, by the names that exporters give them. */
import { closeSync, openSync, readSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { ModelUnusable, SourceError } from '../../errors.ts';
import type { OnnxModel } from '../../onnx/graph.ts';
import { decodeModel, type ExternalData } from '../../onnx/read.ts';
import { PRECISIONS, type Precision, SUFFIXES } from '../export-names.ts';

const DECODERS = ['decoder_model_merged', 'decoder_model'];

export interface ExportFiles {
  directory: string;
  /** Path of a graph from `directory`; null where there is none. */
  path(name: string): string | null;
}

/**
 * The graphs of one precision, at the top or in `onnx/`.
 * @throws SourceError SourceUnreadable, SourceUnsupported where none of that precision is there
 */
export async function findExport(
  directory: string,
  wanted: Precision | undefined,
  encoder: string,
): Promise<ExportFiles> {
  const paths = await graphPaths(directory);
  const precisions = wanted === undefined ? PRECISIONS : [wanted];
  for (const suffix of precisions.flatMap((precision) => SUFFIXES[precision])) {
    const path = (name: string) => paths.find((found) => isNamed(found, name + suffix)) ?? null;
    if (path(encoder) && DECODERS.some(path)) return { directory, path };
  }
  const endings = precisions.flatMap((precision) => SUFFIXES[precision]);
  const names = (name: string) => endings.map((suffix) => `${name}${suffix}.onnx`).join(' or ');
  throw new SourceError('SourceUnsupported', {
    file: directory,
    expected: `${names(encoder)} and ${names(DECODERS[0]!)} (or ${DECODERS[1]}), at the top or in onnx/`,
    actual: paths.length === 0 ? 'no ONNX files' : paths.join(', '),
    ...remedyFor(paths, wanted),
  });
}

/** As `optimum-cli export onnx --monolith` names it: encoder and decoder in one, which would see the image anew for each word. */
const MONOLITH = 'model.onnx';

function remedyFor(paths: readonly string[], wanted: Precision | undefined): { remedy?: string } {
  if (paths.some((path) => basename(path) === MONOLITH)) return { remedy: 'Export it without --monolith.' };
  return wanted === undefined ? {} : { remedy: 'Ask for a precision that is there, or for none.' };
}

const isNamed = (path: string, name: string) => path === `${name}.onnx` || path === `onnx/${name}.onnx`;

async function graphPaths(directory: string): Promise<string[]> {
  const top = await readdir(directory).catch((cause: unknown) => {
    throw unreadable(directory, cause);
  });
  const inOnnx = await readdir(join(directory, 'onnx')).catch((): string[] => []);
  const all = [...inOnnx.map((name) => `onnx/${name}`), ...top];
  return all.filter((path) => path.endsWith('.onnx'));
}

/**
 * A graph whose weights stay where they are until they are written.
 * @throws SourceError
 */
export async function openGraph(file: string): Promise<OnnxModel> {
  const bytes = await readFile(file).catch((cause: unknown) => {
    throw unreadable(file, cause);
  });
  try {
    return decodeModel(file, bytes, (data) => readerOf(file, data));
  } catch (error) {
    if (!(error instanceof ModelUnusable)) throw error;
    const { expected, actual } = error.problem;
    throw new SourceError('SourceUnsupported', { file, expected, actual }, { cause: error });
  }
}

/** Bytes of a file beside the graph, read anew each time: they are wanted once or twice. */
function readerOf(graph: string, { location, offset, length }: ExternalData): () => Uint8Array {
  const folder = dirname(resolve(graph));
  const file = resolve(folder, location);
  const inside = relative(folder, file);
  if (inside === '' || inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside)) {
    throw new SourceError('SourceUnsupported', {
      file: graph,
      expected: 'weights beside the graph',
      actual: `some in ${location}`,
    });
  }
  return () => {
    const bytes = Buffer.allocUnsafe(length);
    let done = 0;
    let handle: number | undefined;
    try {
      handle = openSync(file, 'r');
      while (done < length) {
        const read = readSync(handle, bytes, done, Math.min(length - done, 2 ** 30), offset + done);
        if (read === 0) break;
        done += read;
      }
    } catch (cause) {
      throw unreadable(file, cause);
    } finally {
      if (handle !== undefined) closeSync(handle);
    }
    if (done === length) return bytes;
    throw new SourceError('SourceDamaged', {
      file,
      expected: `${length} bytes from byte ${offset}`,
      actual: `${done}`,
    });
  };
}

export function unreadable(file: string, cause: unknown): SourceError {
  const actual = cause instanceof Error ? cause.message : String(cause);
  return new SourceError('SourceUnreadable', { file, expected: 'a readable file', actual }, { cause });
}

/** @throws SourceError */
export async function readJson(file: string): Promise<unknown> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw unreadable(file, cause);
  });
  try {
    return JSON.parse(text);
  } catch (cause) {
    const actual = cause instanceof Error ? cause.message : String(cause);
    throw new SourceError('SourceDamaged', { file, expected: 'JSON', actual }, { cause });
  }
}
