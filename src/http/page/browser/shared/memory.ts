/** Results survive a reload, in this tab alone and until it is closed: `sessionStorage`. Photographs do not. */
import type { CaptionResult } from '../../../../caption/result.ts';
import { type Card, cards } from './cards.ts';
import { notice } from './document.ts';
import { smallCopy } from './pictures.ts';

/** Others may keep things at the same origin. */
const PREFIX = 'show-and-tell:';

/** As it is kept. */
export interface Kept extends Pick<Card, 'id' | 'batch' | 'name' | 'type' | 'smaller' | 'edits'> {
  query: string;
  result: CaptionResult;
  /** `data:` URL, or empty. */
  picture: string;
}

const pictures = new WeakMap<Card, string>();
let isFull = false;

/** Keeps the card's result, or says that there is no room for it. */
export async function keep(card: Card): Promise<void> {
  if (!pictures.has(card)) pictures.set(card, await smallCopy(card));
  const { id, batch, name, type, smaller, edits, query, result } = card;
  if (!result || !cards.has(card)) return;
  const picture = pictures.get(card)!;
  const kept: Kept = { id, batch, name, type, smaller, edits, query: String(query ?? ''), result, picture };
  // The tree is most of it, the picture nearly all of the rest.
  const { trace, ...bare } = result;
  const forms = [kept, { ...kept, result: bare }, { ...kept, result: bare, picture: '' }];
  const isKept = forms.some((form) => isStored(PREFIX + id, JSON.stringify(form)));
  if (isKept) return;
  unstore(id); // what was kept of it before is not true any more
  if (!isFull) notice('The browser keeps no more for this tab: download the results before you reload it.');
  isFull = true;
}

/** Browsers refuse what is above their quota, and some refuse everything. */
function isStored(key: string, text: string): boolean {
  try {
    sessionStorage.setItem(key, text);
    return true;
  } catch {
    return false;
  }
}

export function forget({ id }: Card): void {
  isFull = false;
  unstore(id);
}

function unstore(id: number): void {
  try {
    sessionStorage.removeItem(PREFIX + id);
  } catch {
    // Nothing was kept there.
  }
}

/** Everything that is kept, as it stood on the page; what another version of the page wrote is passed over. */
export function kept(): Kept[] {
  try {
    const keys = Object.keys(sessionStorage).filter((key) => key.startsWith(PREFIX));
    const all = keys.flatMap((key) => readKept(sessionStorage.getItem(key)!));
    return all.sort((a, b) => b.batch - a.batch || a.id - b.id);
  } catch {
    return [];
  }
}

function readKept(text: string): Kept[] {
  try {
    const entry = JSON.parse(text);
    return Array.isArray(entry.result.captions) && entry.edits ? [entry] : [];
  } catch {
    return [];
  }
}
