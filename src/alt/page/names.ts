/** Names that elements have apart from `alt`, by ARIA's rules as axe-core reads them. */
import { attributeOf, childrenOf, type HtmlElement, type HtmlNode, saysAnything } from './html-elements.ts';
import { isHidden, type Place, placesOf } from './places.ts';
import { isBound } from './template-code.ts';

export interface ReadPlaces {
  elements: [element: HtmlElement, place: Place][];
  /** Those of the page that scripts see. */
  ids: Map<string, HtmlElement>;
  /** The ids that labels which count are for. */
  labelled: Set<string>;
  places: Map<HtmlNode, Place>;
  /** What has text in it, hidden text not among it. */
  telling: Set<HtmlNode>;
  /** What has any. */
  worded: Set<HtmlNode>;
}

const SILENT = new Set(['script', 'style', 'noscript', 'template']);

export function readPlaces(document: HtmlNode): ReadPlaces {
  const read: ReadPlaces = {
    elements: [...placesOf(document)],
    ids: new Map(),
    labelled: new Set(),
    places: new Map(),
    telling: new Set(),
    worded: new Set(),
  };
  const labels: [label: HtmlElement, place: Place, id: string][] = [];
  for (const [element, place] of read.elements) {
    if (place.apart) continue;
    read.places.set(element, place);
    const id = attributeOf(element, 'id');
    if (id && !read.ids.has(id)) read.ids.set(id, element);
    const target = element.tagName === 'label' ? attributeOf(element, 'for') : undefined;
    if (target) labels.push([element, place, target]);
    if (SILENT.has(element.tagName) || !says(element)) continue;
    mark(element, read.worded);
    if (!isHidden(place)) mark(element, read.telling);
  }
  for (const [label, { unseen, invisible }, id] of labels) {
    // One that nobody sees counts whatever it says.
    if (unseen || invisible || read.telling.has(label)) read.labelled.add(id);
  }
  return read;
}

/** With all that it is in, up to what is marked already: however deep a page is, no node is marked twice. */
function mark(element: HtmlElement, marked: Set<HtmlNode>): void {
  let node: HtmlNode | null = element;
  while (node !== null && !marked.has(node)) {
    marked.add(node);
    node = 'parentNode' in node ? node.parentNode : null;
  }
}

/** By itself, not by what is in its children. */
function says(element: HtmlElement): boolean {
  const names = ['aria-label', 'title'];
  if (element.tagName === 'img' || element.tagName === 'area') names.push('alt');
  if (element.tagName === 'input') names.push('alt', 'value');
  if (names.some((name) => saysAnything(attributeOf(element, name)) || isBound(element, name))) return true;
  return childrenOf(element).some((child) => 'value' in child && saysAnything(child.value));
}

/** `aria-label`, `aria-labelledby` or `title`, as it stands or from a template. */
export function isNamed(element: HtmlElement, read: ReadPlaces): boolean {
  if (['aria-label', 'title'].some((name) => saysAnything(attributeOf(element, name)))) return true;
  if (['aria-label', 'title', 'aria-labelledby'].some((name) => isBound(element, name))) return true;
  const ids = attributeOf(element, 'aria-labelledby')?.split(/\s+/) ?? [];
  return ids.some((id) => tells(read.ids.get(id), read));
}

/** A label around it, which has the button's own "Submit" in it at least, or elsewhere. */
export function isLabelled(element: HtmlElement, place: Place, { labelled }: ReadPlaces): boolean {
  return place.inLabel || labelled.has(attributeOf(element, 'id') ?? '');
}

/** What is hidden itself is read whole, else without what is hidden in it. */
function tells(element: HtmlElement | undefined, { places, telling, worded }: ReadPlaces): boolean {
  if (element === undefined) return false;
  return (isHidden(places.get(element)!) ? worded : telling).has(element);
}
