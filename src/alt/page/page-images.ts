/** Images of an HTML page that have no alternative text. */
import { defaultTreeAdapter, parse } from 'parse5';
import { InvalidRequest } from '../../errors.ts';
import { type AxeRule, isBlank, isDecoration, violatedRule } from './axe-rules.ts';
import { attributeOf, type HtmlElement } from './html-elements.ts';
import { isNamed, readPlaces } from './names.ts';
import type { PageText } from './page-text.ts';
import {
  type Companions,
  companionsIn,
  type PictureSource,
  pictureSource,
  type Unclear,
} from './picture-source.ts';
import { hasTemplateCode, isBound, maskTemplateCode } from './template-code.ts';

/**
 * The standard opens tags such as `<b>` anew in each paragraph that they overlap: hundreds of both in some kB would make
 * millions of elements. Pages of old editors have two or three for each tag.
 */
const MAX_ELEMENTS_A_TAG = 10;
/** `<html>`, `<head>`, `<body>` and what else a page has without a tag. */
const IMPLIED_ELEMENTS = 1000;

export interface BareImage {
  /** As the page has it, character references resolved; empty when it names none. */
  src: string;
  /** From 1 on. */
  line: number;
}

export interface FillableImage extends BareImage {
  /** Addresses of the picture, the likeliest first, `src` being that; or why nobody can tell which picture it is. */
  picture: { addresses: string[] } | { left: Unclear | 'blank alt' };
  /** Offset in the page's text at which an attribute can be put in. */
  at: number;
}

export interface FillableImages {
  images: FillableImage[];
  /** `href` of the first `<base>`, which relative addresses start from. */
  base: string | null;
}

export interface Objection extends BareImage {
  rule: AxeRule;
  /** Whether there is an alternative text, of blanks alone. */
  blank: boolean;
}

/**
 * `<img>` elements without an `alt` attribute, in the page or from a template, and without another name; an empty one
 * says "decoration" and counts. Hidden ones are among them, since scripts show them; those with `aria-hidden` are not.
 * @throws InvalidRequest for a page whose elements become many times its tags
 */
export function imagesWithoutAlt(page: PageText): FillableImages {
  const { document, masked } = parsed(page);
  const read = readPlaces(document);
  const companions = companionsIn(document);
  const images: FillableImage[] = [];
  let base: string | null = null;
  for (const [element, place] of read.elements) {
    if (element.tagName === 'base') base ??= attributeOf(element, 'href') ?? null;
    if (element.tagName !== 'img' || !element.sourceCodeLocation) continue;
    const alt = attributeOf(element, 'alt');
    if ((alt !== undefined && !isBlank(alt)) || isBound(element, 'alt')) continue;
    if (place.ariaHidden || isNamed(element, read) || isDecoration(element)) continue;
    const source = sourceOf(element, companions);
    const left = alt !== undefined ? 'blank alt' : 'unclear' in source ? source.unclear : null;
    images.push({
      src: 'addresses' in source ? source.addresses[0]! : writtenAddress(element, page),
      line: element.sourceCodeLocation.startLine,
      picture: left !== null || 'unclear' in source ? { left: left! } : { addresses: source.addresses },
      at: placeForAlt(element, 'lazy' in source && source.lazy, masked),
    });
  }
  return { images, base };
}

/** What axe-core objects to in the page as the file has it. @throws InvalidRequest as above */
export function objectionsTo(page: PageText): Objection[] {
  const { document } = parsed(page);
  const read = readPlaces(document);
  return read.elements.flatMap(([element, place]) => {
    const rule = element.sourceCodeLocation ? violatedRule(element, place, read) : null;
    if (rule === null) return [];
    const src = attributeOf(element, 'src') ?? attributeOf(element, 'href') ?? '';
    const blank = isBlank(attributeOf(element, 'alt'));
    return [{ src: src.trim(), line: element.sourceCodeLocation!.startLine, rule, blank }];
  });
}

function parsed({ text }: PageText) {
  const masked = maskTemplateCode(text);
  // Without scripts: what stands in <noscript> is part of the page too.
  const options = {
    sourceCodeLocationInfo: true,
    scriptingEnabled: false,
    treeAdapter: boundedAdapter(masked),
  };
  return { masked, document: parse(masked, options) };
}

/** Refuses a page whose elements become many times its tags. */
function boundedAdapter(text: string): typeof defaultTreeAdapter {
  let left = MAX_ELEMENTS_A_TAG * text.split('<').length + IMPLIED_ELEMENTS;
  return {
    ...defaultTreeAdapter,
    createElement(...element) {
      if (left-- === 0)
        throw new InvalidRequest('its tags overlap so often that nobody could read it; close them');
      return defaultTreeAdapter.createElement(...element);
    },
  };
}

function sourceOf(image: HtmlElement, companions: ReadonlyMap<HtmlElement, Companions>): PictureSource {
  return hasTemplateCode(image) ? { unclear: 'template' } : pictureSource(image, companions);
}

/** As it stands in the file, template code and character references with it. */
function writtenAddress(image: HtmlElement, { text }: PageText): string {
  const { attrs } = image.sourceCodeLocation!;
  const name = [
    'src',
    ...image.attrs.map((attribute) => attribute.name).filter((name) => /src$/.test(name)),
  ].find((name) => attrs?.[name] !== undefined);
  const place = name === undefined ? undefined : attrs![name];
  if (place === undefined) return '';
  const written = text.slice(place.startOffset, place.endOffset);
  const value = written.slice(written.indexOf('=') + 1).trim();
  const [, double, single] = /^(?:"(.*)"|'(.*)')$/s.exec(value) ?? [];
  return (double ?? single ?? value).trim();
}

/**
 * Behind the tag's name, where no unquoted value and no closing slash is in the way; behind the attributes where `src`
 * is a placeholder, so that the text does not stand before an address that it says nothing of.
 */
function placeForAlt(image: HtmlElement, lazy: boolean, text: string): number {
  const { startOffset, endOffset, attrs } = image.sourceCodeLocation!;
  let place = startOffset + /^<[^\s/>]+/.exec(text.slice(startOffset, endOffset))![0].length;
  if (lazy) for (const attribute of Object.values(attrs ?? {})) place = Math.max(place, attribute.endOffset);
  return place;
}
