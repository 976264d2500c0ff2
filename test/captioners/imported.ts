/** Bundles of the small captioners of `test/fixtures/captioners`, as `import` writes them. */
import { join } from 'node:path';
import { importCaptioner } from '../../src/import/captioner/import-captioner.ts';
import { ROOT } from '../support/samples.ts';

/** Of each way in which an export can be made. */
export const KINDS = [
  'vit-gpt2',
  'vit-gpt2-merged',
  'deit-roberta',
  'swin-gpt2-merged',
  'vit-gpt2-fp16',
  'florence2',
] as const;
export type Kind = (typeof KINDS)[number] | 'beit-bert' | 'vit-trocr-merged';

/** @returns its directory, a new one in `place` */
export async function importKind(kind: Kind, place: string): Promise<string> {
  const out = join(place, kind);
  const directory = join(ROOT, 'test/fixtures/captioners', kind);
  const { draft } = await importCaptioner({ directory, out, name: kind });
  await draft.publish();
  return out;
}
