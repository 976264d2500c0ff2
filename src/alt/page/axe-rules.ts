/** The rules of axe-core 4.14 for alternative text that static HTML can answer. */
import { attributeOf, type HtmlElement, saysAnything } from './html-elements.ts';
import { isLabelled, isNamed, type ReadPlaces } from './names.ts';
import { isHidden, type Place } from './places.ts';
import { hasTemplateCode, isBound } from './template-code.ts';

export type AxeRule = 'image-alt' | 'input-image-alt' | 'area-alt' | 'role-img-alt';

/** Roles of ARIA 1.3 that need no name: what has one is no image any more. */
const NAMELESS_ROLES = new Set(
  `alert article banner blockquote caption cell code columnheader complementary contentinfo comment definition deletion
  directory document emphasis feed figure form grid gridcell group heading insertion list listitem log main marquee math
  menu menubar mark navigation note paragraph region row rowgroup rowheader scrollbar search searchbox sectionfooter
  sectionheader separator status strong subscript superscript suggestion tab table tablist tabpanel term text time timer
  tooltip tree treegrid`.split(/\s+/),
);
/** ARIA 1.3, section 6.5.6: an element that has one of them is no decoration, whatever its role says. */
const GLOBAL_ARIA = new Set(
  `actions atomic braillelabel brailleroledescription busy controls current describedby description details disabled
  dropeffect errormessage flowto grabbed haspopup hidden invalid keyshortcuts label labelledby live owns relevant
  roledescription`
    .split(/\s+/)
    .map((name) => `aria-${name}`),
);

/** The rule that objects to the element; `null` where none does, or where a template has the last word. */
export function violatedRule(element: HtmlElement, place: Place, read: ReadPlaces): AxeRule | null {
  const rule = ruleFor(element, place);
  if (rule === null || hasTemplateCode(element) || isBound(element, 'alt')) return null;
  return hasAlternative(rule, element, place, read) ? null : rule;
}

function ruleFor(element: HtmlElement, place: Place): AxeRule | null {
  const { tagName } = element;
  // The one rule that looks at hidden elements too.
  if (tagName === 'area') {
    return place.inMap && !place.apart && attributeOf(element, 'href') !== undefined ? 'area-alt' : null;
  }
  if (isHidden(place)) return null;
  if (tagName === 'img') return isOtherThing(element) ? null : 'image-alt';
  if (tagName === 'input') {
    return attributeOf(element, 'type') === 'image' && !isOtherThing(element) ? 'input-image-alt' : null;
  }
  const role = attributeOf(element, 'role');
  return (role === 'img' || role === 'image') && tagName !== 'object' ? 'role-img-alt' : null;
}

function hasAlternative(rule: AxeRule, element: HtmlElement, place: Place, read: ReadPlaces): boolean {
  const alt = attributeOf(element, 'alt');
  if (rule === 'image-alt') {
    if (isBlank(alt)) return isDecoration(element);
    return alt !== undefined || isNamed(element, read) || isDecoration(element);
  }
  if (isNamed(element, read)) return true;
  if (rule === 'role-img-alt') return false;
  return saysAnything(alt) || (rule === 'input-image-alt' && isLabelled(element, place, read));
}

/** Blanks alone: nothing to read, and not the empty text that says "decoration". */
export function isBlank(alt: string | undefined): boolean {
  return alt !== undefined && alt !== '' && !saysAnything(alt);
}

/** By its role, which counts only where nothing contradicts it. */
export function isDecoration(element: HtmlElement): boolean {
  const role = roleOf(element);
  if (role !== 'presentation' && role !== 'none') return false;
  return !isFocusable(element) && !element.attrs.some(({ name }) => GLOBAL_ARIA.has(name));
}

function isOtherThing(element: HtmlElement): boolean {
  return NAMELESS_ROLES.has(roleOf(element)) && !isFocusable(element);
}

function roleOf(element: HtmlElement): string {
  return attributeOf(element, 'role')?.trim().toLowerCase() ?? '';
}

function isFocusable(element: HtmlElement): boolean {
  if (element.tagName === 'input') return attributeOf(element, 'disabled') === undefined;
  return /^\s*[-+]?\d/.test(attributeOf(element, 'tabindex') ?? '');
}
