import { type DefaultTreeAdapterTypes, html } from 'parse5';

export type HtmlElement = DefaultTreeAdapterTypes.Element;
export type HtmlNode = DefaultTreeAdapterTypes.Node;

/** HTML elements in the order of the document, content of templates included; no SVG or MathML. */
export function* elementsOf(document: HtmlNode): Generator<HtmlElement> {
  // Not recursive: pages may nest deeper than the stack is.
  const open: HtmlNode[] = [document];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if ('tagName' in node && isHtml(node)) yield node;
    const nodes = childrenOf(node);
    for (let i = nodes.length - 1; i >= 0; i--) open.push(nodes[i]!);
  }
}

/** Those of a template are its content's. */
export function childrenOf(node: HtmlNode): readonly HtmlNode[] {
  return 'content' in node ? node.content.childNodes : 'childNodes' in node ? node.childNodes : [];
}

export function isHtml(element: HtmlElement): boolean {
  return element.namespaceURI === html.NS.HTML;
}

export function attributeOf({ attrs }: HtmlElement, wanted: string): string | undefined {
  return attrs.find(({ name }) => name === wanted)?.value;
}

/** Whether it says more than blanks, those that do not break lines included. */
export function saysAnything(text: string | undefined): boolean {
  return text !== undefined && text.trim() !== '';
}
