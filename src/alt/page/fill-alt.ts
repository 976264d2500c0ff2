import type { PageText } from './page-text.ts';

export interface AltText {
  /** As in `BareImage`. */
  at: number;
  text: string;
}

/** The page's file with these `alt` attributes, all else byte for byte as it was. */
export function fillAlt(page: PageText, texts: readonly AltText[]): Buffer {
  const parts: Buffer[] = [];
  let done = 0;
  for (const { at, text } of texts.toSorted((a, b) => a.at - b.at)) {
    parts.push(page.bytes(done, at), Buffer.from(` alt="${escaped(text, page.encoding)}"`));
    done = at;
  }
  return Buffer.concat([...parts, page.bytes(done)]);
}

function escaped(text: string, encoding: PageText['encoding']): string {
  const safe = text
    .replaceAll('&', '&amp;')
    .replaceAll('"', '&quot;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;');
  if (encoding === 'utf-8') return safe;
  return safe.replace(/[^\x20-\x7e]/gu, (character) => `&#${character.codePointAt(0)};`);
}
