/** What the source of an import is, by how it is written and what lies there; nothing is read yet. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { InvalidRequest } from '../../errors.ts';

export type SourceKind = 'address' | 'hub' | 'export' | 'weights';

/** As the hub allows names. */
const HUB_ID = /^[A-Za-z0-9][\w.-]*\/[A-Za-z0-9][\w.-]*$/;
/** Weights of other frameworks that stand beside a config.json. */
const OTHER_WEIGHTS = /^(pytorch_model|model|flax_model).*\.(bin|safetensors|msgpack)$/;

export async function sourceKind(source: string): Promise<SourceKind> {
  if (/^https?:\/\//i.test(source)) return 'address';
  const found = await stat(source).catch(() => null);
  if (found?.isDirectory()) return (await holdsExport(source)) ? 'export' : 'weights';
  // A checkpoint goes by its prefix, which is no file.
  const isPath = found !== null || (await stat(`${source}.index`).catch(() => null)) !== null;
  return !isPath && HUB_ID.test(source) ? 'hub' : 'weights';
}

/** Whole or not: what is missing, the import says. */
async function holdsExport(directory: string): Promise<boolean> {
  const names: string[] = [];
  for (const folder of [directory, join(directory, 'onnx')]) {
    names.push(...(await readdir(folder).catch(() => [])));
  }
  const hasGraph = names.some((name) => name.endsWith('.onnx'));
  return hasGraph || (names.includes('config.json') && names.some((name) => OTHER_WEIGHTS.test(name)));
}

/** Either way of naming it, not both. @throws InvalidRequest */
export function theSource(positional: string | undefined, from: string | undefined): string {
  if (positional !== undefined && from !== undefined) {
    throw new InvalidRequest(`the source is named twice: ${positional} and --from ${from}`);
  }
  const source = positional ?? from;
  if (source !== undefined) return source;
  throw new InvalidRequest('name a source: a folder, a model of the hub (owner/name) or weights');
}
