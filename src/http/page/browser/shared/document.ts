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
