/** The first element that fits; the page's own markup and templates have it. */
export function $<E extends Element = HTMLElement>(selector: string, root: ParentNode = document): E {
  return root.querySelector(selector) as E;
}

/** A copy of what a `<template>` holds. */
export function copyOf(template: string): HTMLElement {
  const { content } = $<HTMLTemplateElement>(template);
  return (content.cloneNode(true) as DocumentFragment).firstElementChild as HTMLElement;
}

export function make<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  className?: string,
  text?: string,
): HTMLElementTagNameMap[Name] {
  const element = document.createElement(name);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

export function draw(name: string, attributes: Record<string, string | number>, text?: string): SVGElement {
  const element = document.createElementNS('http://www.w3.org/2000/svg', name) as SVGElement;
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  if (text !== undefined) element.textContent = text;
  return element;
}

/** What is announced within so many milliseconds is said together. */
const TOGETHER_MS = 700;
let announcing: ReturnType<typeof setTimeout> | undefined;

/** Says it to screen readers. */
export function announce(text: string): void {
  const live = $('#live');
  live.textContent = announcing ? `${live.textContent} ${text}` : text;
  clearTimeout(announcing);
  announcing = setTimeout(() => {
    announcing = undefined;
  }, TOGETHER_MS);
}

/** Says it to everybody, above the results; nothing takes it away again. */
export function notice(text = ''): void {
  $('#notice').textContent = text;
  $('#notice').hidden = text === '';
  if (text) announce(text);
}

/** Until a button says again what it does, ms. */
const SAID_MS = 1600;

export async function copy(button: HTMLButtonElement, text: string): Promise<void> {
  const done = await copied(text);
  announce(done ? `Copied: ${text}` : `The browser does not allow copying. The text: ${text}`);
  const label = button.dataset.label ?? button.textContent;
  button.dataset.label = label;
  button.textContent = done ? 'Copied' : 'Not copied';
  setTimeout(() => {
    button.textContent = label;
  }, SAID_MS);
}

/** Pages without TLS have no clipboard; the old command still works there. */
async function copied(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const focused = document.activeElement as HTMLElement | null;
    const area = make('textarea', 'unseen');
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand('copy');
    area.remove();
    focused?.focus();
    return done;
  }
}
