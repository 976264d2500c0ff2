/** Pages that a template engine or a framework completes: what stands in a tag is not all that the tag will say. */
import type { HtmlElement } from './html-elements.ts';

/** Stands for template code while a page is parsed; Unicode sets it aside for inner use. */
const FILL = '\ufdd0';

/** `{{ }}` of many engines, `{% %}` of Jinja and Liquid, `[% %]`, `<% %>` of ERB, EJS and JSP, `<?php ?>`. */
const OPENERS = /\{\{|\{%|\[%|<%|<\?(?!xml\b)/g;
const CLOSERS: Record<string, string> = { '{{': '}}', '{%': '%}', '[%': '%]', '<%': '%>', '<?': '?>' };
/** Braces stand in styles and scripts as well, where the closing ones belong to something else, further away. */
const MAX_BRACED_LENGTH = 1000;
const MARKUP_END = /<\/|-->/;

/**
 * The page with its template code made one letter, so that no quote, `>` or blank in it counts as markup; as long as it
 * was, with the same lines.
 */
export function maskTemplateCode(text: string): string {
  const parts: string[] = [];
  const closers = new Map<string, number>();
  let done = 0;
  OPENERS.lastIndex = 0;
  for (let found = OPENERS.exec(text); found !== null; found = OPENERS.exec(text)) {
    const opener = found[0];
    const closer = CLOSERS[opener]!;
    const from = found.index + opener.length;
    // Searched anew only behind the last one, so that each closer is found once.
    let at = closers.get(closer) ?? 0;
    if (at !== -1 && at < from) at = text.indexOf(closer, from);
    closers.set(closer, at);
    if (at === -1 || !isCode(opener, text, from, at)) continue;
    let end = at + closer.length;
    while (opener === '{{' && text[end] === '}') end++;
    parts.push(text.slice(done, found.index), text.slice(found.index, end).replace(/[^\r\n]/g, FILL));
    OPENERS.lastIndex = done = end;
  }
  return parts.length === 0 ? text : parts.join('') + text.slice(done);
}

function isCode(opener: string, text: string, from: number, to: number): boolean {
  if (opener.startsWith('<')) return true;
  return to - from <= MAX_BRACED_LENGTH && !MARKUP_END.test(text.slice(from, to));
}

/** Whether the tag, as a masked page has it, has template code in it: what else it will say nobody knows. */
export function hasTemplateCode({ attrs }: HtmlElement): boolean {
  return attrs.some(({ name, value }) => name.includes(FILL) || value.includes(FILL));
}

/** Whether an address is for a template to make: `{photo}`, `${photo}`, `[[photo]]`, `@Model.Photo`, `$photo`. */
export function isTemplateAddress(address: string): boolean {
  if (/^\s*data:/i.test(address)) return false;
  return /[{}\ufdd0]|\[\[|^[@$][\w(!]/.test(address);
}

/** Attributes that set any others: of Vue, Alpine, Blazor, Thymeleaf. */
const SETS_ANY = /^(?:v-bind:\[|:\[|@attributes$|(?:data-)?th[:-](?:replace|include|insert)$)/;
/** Svelte, JSX and JavaScript's template literals, Velocity, Thymeleaf's texts. */
const CODE_AS_NAME = /[{}]|^\$|^\[\[/;
/** Attributes whose value lists others: of Vue, Alpine, Thymeleaf, Knockout, Zope, i18next. */
const SETS_LISTED =
  /^(?:v-bind|x-bind|(?:data-)?th[:-]attr(?:append|prepend)?|data-bind|data-i18n|tal:attributes|py:attrs)$/;
/** Before the attribute's name, where the whole is one that HTML could have: of Angular, AngularJS, Thymeleaf, WordPress, Rivets. */
const PREFIX = /^(?:bind-|(?:data-|x-)?ng-(?:attr-)?|data-th-|data-wp-bind--|data-bind-|rv-)$/;

/** Whether a framework sets the attribute when the page is made or shown: `:alt`, `[attr.alt]`, `th:alt`, `{...props}`. */
export function isBound({ attrs }: HtmlElement, wanted: string): boolean {
  return attrs.some(({ name, value }) => {
    if (name === wanted) return false;
    if (SETS_ANY.test(name) || CODE_AS_NAME.test(name) || isRazor(name, value)) return true;
    if (SETS_LISTED.test(name)) return lists(name, value, wanted);
    return isBindingOf(name, wanted);
  });
}

/** `@attributes` is Blazor's, `@click="…"` an event of Vue. */
function isRazor(name: string, value: string): boolean {
  return name.startsWith('@') && (value === '' || name.includes('('));
}

function isBindingOf(name: string, wanted: string): boolean {
  if (name.endsWith(wanted) && PREFIX.test(name.slice(0, -wanted.length))) return true;
  if (wanted === 'alt' && /^(?:data-)?th[:-]alt-title$/.test(name)) return true;
  // No name of HTML has these; @ and ( begin events.
  if (!/[^a-z0-9_-]/.test(name) || /^[@(]|^(?:x|v)-on:/.test(name)) return false;
  return name.split(/[^a-z0-9_-]+/).includes(wanted);
}

/** An object that is not written out may have any. */
function lists(name: string, value: string, wanted: string): boolean {
  if (value.split(/[^\w-]+/).includes(wanted)) return true;
  if (name === 'data-bind') return /\battr\s*:\s*[^{\s]/.test(value);
  return (name === 'v-bind' || name === 'x-bind') && (!/^\s*\{/.test(value) || value.includes('...'));
}
