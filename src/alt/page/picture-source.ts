/** Which picture an `<img>` is about: scripts and browsers show another one than `src` where that is a placeholder. */
import {
  attributeOf,
  childrenOf,
  elementsOf,
  type HtmlElement,
  type HtmlNode,
  saysAnything,
} from './html-elements.ts';
import { parseSrcset } from './srcset.ts';
import { isBound, isTemplateAddress } from './template-code.ts';

/** Why there is nothing to describe. */
export type Unclear = 'template' | 'placeholder' | 'spacer';

export type PictureSource =
  | {
      /** All of one picture, the likeliest first, character references resolved; a single empty one where none is named. */
      addresses: string[];
      /** Whether what is described is another picture than the one in `src`. */
      lazy: boolean;
    }
  | { unclear: Unclear };

/**
 * Where lazysizes, lozad, jquery.lazyload, slick, WordPress plugins and others have the address: `data-src`,
 * `data-lazy-src`, `data-original`, `data-srcset`.
 */
const LAZY_SOURCE = /^(?:data-|lazy-?)(?:[a-z-]*-)?(?:[a-z]*src|original|lazy|lazyload|echo)$/;
const LAZY_SRCSET = /^(?:data-|lazy-?)(?:[a-z-]*-)?[a-z]*srcset$/;
/** Likewise named, for other purposes. */
const OTHER_PURPOSE =
  /thumb|fallback|error|placeholder|low|small|preview|poster|blur|zoom|large|full|hover|video|audio|iframe|script|link/;
/** A switch such as `data-lazy="true"` is no address. */
const ADDRESS = /[./]/;
/** What themes and libraries call the file that fills the place. */
const PLACEHOLDER =
  /^(?:[\w-]*(?:placeholder|spacer|1x1)|blank|transparent|pixel|clear|loading|loader|spinner|lazy)(?:[-_.]\w+)?\.(?:gif|png|svg|webp|jpe?g)$/i;
/** Longer names no file system has, and a pattern may take its time with. */
const MAX_NAME_LENGTH = 255;
/** Width or height of an image that only takes up room, or counts visitors. */
const ONE_PIXEL = /^\s*[01](?:\.0*)?(?:px)?\s*$/i;

const SIDES = {
  width: /(?:^|;)\s*width\s*:\s*([^;!]*)/i,
  height: /(?:^|;)\s*height\s*:\s*([^;!]*)/i,
};

/** What belongs to an image beside itself. */
export interface Companions {
  /** Of the `<picture>` around it. */
  sources: readonly HtmlElement[];
  /** The image for browsers without scripts. */
  twin: HtmlElement | null;
}

const ALONE: Companions = { sources: [], twin: null };
/** In front of the image in `<noscript>` there is hardly more than links and `<source>`. */
const MAX_TWIN_ELEMENTS = 20;

/**
 * @param companions see `companionsIn`
 */
export function pictureSource(
  image: HtmlElement,
  companions: ReadonlyMap<HtmlElement, Companions>,
): PictureSource {
  const lazy = lazyAddresses(image);
  if (lazy.length > 0) return clearOf(lazy, true);
  if (isSpacer(image)) return { unclear: 'spacer' };
  const { sources, twin } = companions.get(image) ?? ALONE;
  const beside = sources.flatMap(lazyAddresses);
  if (beside.length > 0) return clearOf(beside, true);
  if (twin !== null) return clearOf(shownAddresses(twin), true);
  const shown = shownAddresses(image);
  if (isBound(image, 'src') || shown.some(isTemplateAddress)) return { unclear: 'template' };
  const real = shown.filter((address) => !isPlaceholder(address));
  if (real.length > 0) return { addresses: real, lazy: real[0] !== attributeOf(image, 'src')?.trim() };
  const alternatives = sources
    .flatMap((source) => urlsOf(attributeOf(source, 'srcset') ?? ''))
    .filter((url) => !isPlaceholder(url));
  if (alternatives.length > 0) return clearOf(alternatives, true);
  const [named = ''] = shown;
  return hasPlaceholderName(named) ? { unclear: 'placeholder' } : { addresses: [named], lazy: false };
}

/**
 * The sources of `<picture>` elements, and for the image in front of `<noscript><img src=photo.jpg></noscript>` the one in
 * there, unless that decorates or counts visitors.
 */
export function companionsIn(document: HtmlNode): Map<HtmlElement, Companions> {
  const companions = new Map<HtmlElement, Companions>();
  const add = (image: HtmlElement, more: Partial<Companions>) =>
    companions.set(image, { ...(companions.get(image) ?? ALONE), ...more });
  for (const parent of elementsOf(document)) {
    const children = childrenOf(parent).filter((child) => 'tagName' in child);
    if (parent.tagName === 'picture') {
      const image = children.find(({ tagName }) => tagName === 'img');
      if (image) add(image, { sources: children.filter(({ tagName }) => tagName === 'source') });
    }
    children.forEach((child, n) => {
      const image = child.tagName === 'noscript' && n > 0 ? imageOf(children[n - 1]!) : null;
      const twin = image && onlyImage(child);
      if (image && twin && isTwin(twin)) add(image, { twin });
    });
  }
  return companions;
}

function imageOf(element: HtmlElement): HtmlElement | null {
  if (element.tagName === 'img') return element;
  return element.tagName === 'picture' ? onlyImage(element) : null;
}

function onlyImage(within: HtmlElement): HtmlElement | null {
  let image: HtmlElement | null = null;
  let elements = 0;
  for (const element of elementsOf(within)) {
    if (++elements > MAX_TWIN_ELEMENTS) return null;
    if (element.tagName !== 'img') continue;
    if (image !== null) return null;
    image = element;
  }
  return image;
}

function isTwin(image: HtmlElement): boolean {
  return !isSpacer(image) && attributeOf(image, 'alt') !== '' && shownAddresses(image)[0] !== '';
}

function clearOf(addresses: string[], lazy: boolean): PictureSource {
  return addresses.some(isTemplateAddress) ? { unclear: 'template' } : { addresses, lazy };
}

function lazyAddresses({ attrs }: HtmlElement): string[] {
  const named = attrs.filter(({ name, value }) => !OTHER_PURPOSE.test(name) && isAddress(name, value));
  return [
    ...named.filter(({ name }) => LAZY_SOURCE.test(name)).map(({ value }) => value.trim()),
    ...named.filter(({ name }) => LAZY_SRCSET.test(name)).flatMap(({ value }) => urlsOf(value)),
  ];
}

function isAddress(name: string, value: string): boolean {
  return name.endsWith('src') ? saysAnything(value) : ADDRESS.test(value) || isTemplateAddress(value);
}

/** In the order of a browser that knows `srcset`, section 4.8.4.3.11: where that has widths or 1x, `src` is not looked at. */
function shownAddresses(image: HtmlElement): string[] {
  const src = attributeOf(image, 'src')?.trim() ?? '';
  const candidates = parseSrcset(attributeOf(image, 'srcset') ?? '');
  const urls = candidates.map(({ url }) => url);
  const passed = candidates.some(({ unit, amount }) => unit === 'w' || amount === 1);
  const ordered = passed ? [...urls, src] : [src, ...urls];
  const named = ordered.filter((address) => address !== '');
  return named.length > 0 ? named : [''];
}

function urlsOf(srcset: string): string[] {
  return parseSrcset(srcset).map(({ url }) => url);
}

function isPlaceholder(address: string): boolean {
  return address === '' || /^data:/i.test(address) || hasPlaceholderName(address);
}

function hasPlaceholderName(address: string): boolean {
  const [path = ''] = address.split(/[?#]/, 1);
  const name = path.slice(path.lastIndexOf('/') + 1);
  return name.length <= MAX_NAME_LENGTH && PLACEHOLDER.test(name);
}

function isSpacer(image: HtmlElement): boolean {
  const style = attributeOf(image, 'style') ?? '';
  return Object.entries(SIDES).every(([side, declaration]) => {
    const inStyle = declaration.exec(style)?.[1];
    return ONE_PIXEL.test(inStyle ?? attributeOf(image, side) ?? '');
  });
}
