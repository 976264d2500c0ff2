/** What static HTML tells of an element's whereabouts: whether it is shown, and what it is in. No style sheet is read. */
import { attributeOf, childrenOf, type HtmlElement, type HtmlNode, isHtml } from './html-elements.ts';

export interface Place {
  /** Kept from assistive technology, with all in it. */
  ariaHidden: boolean;
  /** Not rendered or inert, with all in it. */
  unseen: boolean;
  /** By `visibility`, which what is inside may undo. */
  invisible: boolean;
  /** In a template or in `<noscript>`: in the file, but with scripts on not in the page. */
  apart: boolean;
  inLabel: boolean;
  inMap: boolean;
}

const TOP: Place = {
  ariaHidden: false,
  unseen: false,
  invisible: false,
  apart: false,
  inLabel: false,
  inMap: false,
};
/** HTML standard, section 15.3.1: never displayed. */
const UNDISPLAYED = new Set(
  'area base datalist head link meta noembed noframes param rp script style title'.split(' '),
);
const APART = new Set(['noscript', 'template']);

/** HTML elements in the order of the document, content of templates included, each with its place. */
export function* placesOf(document: HtmlNode): Generator<[HtmlElement, Place]> {
  const open: [HtmlNode, Place][] = [[document, TOP]];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [node, around] = next;
    const element = 'tagName' in node ? node : null;
    const place = element === null ? around : placeOf(element, around);
    if (element !== null && isHtml(element)) yield [element, place];
    const inside = element === null ? place : insideOf(element, place);
    const nodes = childrenOf(node);
    const shown = element === null ? null : onlyShownIn(element);
    for (let i = nodes.length - 1; i >= 0; i--) {
      const child = nodes[i]!;
      if (!('childNodes' in child)) continue;
      open.push([child, shown === null || child === shown ? inside : { ...inside, unseen: true }]);
    }
  }
}

/** For assistive technology. */
export function isHidden({ ariaHidden, unseen, invisible }: Place): boolean {
  return ariaHidden || unseen || invisible;
}

/** The same object where nothing changes, as nearly everywhere. */
function placeOf(element: HtmlElement, around: Place): Place {
  const style = inlineStyle(attributeOf(element, 'style') ?? '');
  const visibility = style.get('visibility') ?? 'inherit';
  const own = {
    ariaHidden: attributeOf(element, 'aria-hidden')?.trim().toLowerCase() === 'true',
    unseen:
      APART.has(element.tagName) ||
      attributeOf(element, 'inert') !== undefined ||
      (style.get('display') ?? displayOf(element)) === 'none',
    invisible: visibility === 'inherit' ? around.invisible : /^(?:hidden|collapse)$/.test(visibility),
  };
  if (!own.ariaHidden && !own.unseen && own.invisible === around.invisible) return around;
  return {
    ...around,
    ariaHidden: around.ariaHidden || own.ariaHidden,
    unseen: around.unseen || own.unseen,
    invisible: own.invisible,
  };
}

/** What the browser's own style sheet says, as far as it hides. */
function displayOf(element: HtmlElement): 'none' | null {
  const hidden = attributeOf(element, 'hidden');
  const none =
    UNDISPLAYED.has(element.tagName) ||
    (hidden !== undefined && !isUntilFound(hidden)) ||
    attributeOf(element, 'popover') !== undefined ||
    (element.tagName === 'dialog' && attributeOf(element, 'open') === undefined);
  return none ? 'none' : null;
}

function insideOf(element: HtmlElement, place: Place): Place {
  const skipped =
    inlineStyle(attributeOf(element, 'style') ?? '').get('content-visibility') === 'hidden' ||
    isUntilFound(attributeOf(element, 'hidden') ?? '');
  const { tagName } = element;
  if (!skipped && !APART.has(tagName) && tagName !== 'label' && tagName !== 'map') return place;
  return {
    ...place,
    unseen: place.unseen || skipped,
    apart: place.apart || APART.has(tagName),
    inLabel: place.inLabel || tagName === 'label',
    inMap: place.inMap || tagName === 'map',
  };
}

function isUntilFound(hidden: string): boolean {
  return hidden.toLowerCase() === 'until-found';
}

/** The summary of `<details>` that are closed; `null` where all children are shown alike. */
function onlyShownIn(element: HtmlElement): HtmlNode | 'nothing' | null {
  if (element.tagName !== 'details' || attributeOf(element, 'open') !== undefined) return null;
  return element.childNodes.find(({ nodeName }) => nodeName === 'summary') ?? 'nothing';
}

/** Properties and values in lower case, the last or important ones. */
function inlineStyle(style: string): Map<string, string> {
  const values = new Map<string, string>();
  const important = new Set<string>();
  for (const declaration of style === '' ? [] : style.toLowerCase().split(';')) {
    const colon = declaration.indexOf(':');
    const property = declaration.slice(0, Math.max(colon, 0)).trim();
    const [value, mark] = declaration.slice(colon + 1).split('!');
    if (important.has(property) && mark === undefined) continue;
    values.set(property, value!.trim());
    if (mark?.trim() === 'important') important.add(property);
  }
  return values;
}
