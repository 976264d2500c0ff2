/** Images of an HTML page that have no alternative text. */
import { parse } from 'parse5';
import { elementsOf, type HtmlElement } from './html-elements.ts';
import type { PageText } from './page-text.ts';

export interface BareImage {
  /** As the page has it, character references resolved; empty when it names none. */
  src: string;
  /** From 1 on. */
  line: number;
  /** Offset in the page's text at which an attribute can be put in. */
  at: number;
}

export interface BareImages {
  images: BareImage[];
  /** `href` of the first `<base>`, which relative addresses start from. */
  base: string | null;
}

/** `<img>` elements without an `alt` attribute; an empty one says "decoration" and counts. */
export function imagesWithoutAlt({ text }: PageText): BareImages {
  // Without scripts: what stands in <noscript> is part of the page too.
  const document = parse(text, { sourceCodeLocationInfo: true, scriptingEnabled: false });
  const images: BareImage[] = [];
  let base: string | null = null;
  for (const element of elementsOf(document)) {
    if (element.tagName === 'base') base ??= attribute(element, 'href') ?? null;
    if (element.tagName !== 'img' || attribute(element, 'alt') !== undefined) continue;
    const location = element.sourceCodeLocation;
    if (!location) continue;
    const { startOffset, startLine } = location;
    images.push({
      src: sourceOf(element),
      line: startLine,
      at: startOffset + tagNameEnd(text.slice(startOffset, location.endOffset)),
    });
  }
  return { images, base };
}

function attribute({ attrs }: HtmlElement, wanted: string): string | undefined {
  return attrs.find(({ name }) => name === wanted)?.value;
}

/** `src`, or the first candidate of `srcset`. */
function sourceOf(image: HtmlElement): string {
  const src = attribute(image, 'src')?.trim() ?? '';
  if (src !== '') return src;
  return /^[\s,]*(\S*[^\s,])/.exec(attribute(image, 'srcset') ?? '')?.[1] ?? '';
}

/** Behind the tag's name, where no unquoted value and no closing slash is in the way. */
function tagNameEnd(tag: string): number {
  return /^<[^\s/>]+/.exec(tag)![0].length;
}
