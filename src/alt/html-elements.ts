import { type DefaultTreeAdapterTypes, html } from 'parse5';

export type HtmlElement = DefaultTreeAdapterTypes.Element;
type Node = DefaultTreeAdapterTypes.Node;

/** HTML elements in the order of the document, content of templates included; no SVG or MathML. */
export function* elementsOf(document: Node): Generator<HtmlElement> {
  // Not recursive: pages may nest deeper than the stack is.
  const open: Node[] = [document];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if ('tagName' in node && node.namespaceURI === html.NS.HTML) yield node;
    const nodes = 'content' in node ? node.content.childNodes : 'childNodes' in node ? node.childNodes : [];
    for (let i = nodes.length - 1; i >= 0; i--) open.push(nodes[i]!);
  }
}
