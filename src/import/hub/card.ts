/** What a model card says of itself, in the YAML at its beginning. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';

export interface Card {
  /** `null` where none is named. */
  license: string | null;
  /** Ids of the models that it was made of. */
  baseModels: string[];
}

const text = z.string().max(500);
const texts = z
  .union([text.transform((one) => [one]), z.array(text)])
  .optional()
  .catch(undefined);
const frontMatter = z.object({
  license: texts,
  license_name: text.optional().catch(undefined),
  license_link: text.optional().catch(undefined),
  base_model: texts,
});

/** A card that is not there, or that nobody can read, says nothing. */
export async function readCard(directory: string): Promise<Card> {
  return cardOf(await readFile(join(directory, 'README.md'), 'utf8').catch(() => ''));
}

export function cardOf(markdown: string): Card {
  const { data = {} } = frontMatter.safeParse(yamlIn(markdown));
  const { license = [], license_name: name, license_link: link, base_model: baseModels = [] } = data;
  const named = license.map((one) => (one === 'other' ? (name ?? 'other') : one)).join(', ');
  const at = license.includes('other') && link !== undefined ? ` (${link})` : '';
  return { license: named === '' ? null : named + at, baseModels };
}

/** Between lines of three dashes, the first of which begins the file. */
function yamlIn(markdown: string): unknown {
  const text = markdown.replace(/^\ufeff/, '').replaceAll('\r\n', '\n');
  const end = text.indexOf('\n---', 3);
  if (!text.startsWith('---') || end === -1) return null;
  try {
    return parse(text.slice(3, end), { logLevel: 'error' });
  } catch {
    return null;
  }
}
