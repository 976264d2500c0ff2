/** What the source of an import is, by how it is written and what lies there; nothing is read yet. */
import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { InvalidRequest } from '../../errors.ts';
import { holdsExport } from '../../import/hub/export-folder.ts';
import { MANIFEST_FILE } from '../../model/bundle.ts';

export type SourceKind = 'address' | 'hub' | 'export' | 'weights';

export function isExport(kind: SourceKind): boolean {
  return kind === 'hub' || kind === 'export';
}

/** As the hub allows names. */
const HUB_ID = /^[A-Za-z0-9][\w.-]*\/[A-Za-z0-9][\w.-]*$/;

/** @throws InvalidRequest for a bundle */
export async function sourceKind(source: string): Promise<SourceKind> {
  if (/^https?:\/\//i.test(source)) return 'address';
  const found = await stat(source).catch(() => null);
  if (found?.isDirectory()) {
    if (existsSync(join(source, MANIFEST_FILE))) throw new InvalidRequest(isBundle(source));
    return (await holdsExport(source)) ? 'export' : 'weights';
  }
  // A checkpoint goes by its prefix, which is no file.
  const isPath = found !== null || (await stat(`${source}.index`).catch(() => null)) !== null;
  return !isPath && HUB_ID.test(source) ? 'hub' : 'weights';
}

const isBundle = (source: string) =>
  `${source} is a bundle already: caption with --model ${source}, or make it smaller with quantize`;

/** Either way of naming it, not both. @throws InvalidRequest */
export function theSource(positional: string | undefined, from: string | undefined): string {
  if (positional !== undefined && from !== undefined) {
    throw new InvalidRequest(`the source is named twice: ${positional} and --from ${from}`);
  }
  const source = positional ?? from;
  if (source !== undefined) return source;
  throw new InvalidRequest('name a source: a folder, a model of the hub (owner/name) or weights');
}
