/**
 * Alternative text in an XMP packet.
 * XMP specification part 1 (ISO 16684-1), sections 7 and 8; IPTC Photo Metadata Standard 2025.1, "Alt Text (Accessibility)".
 */
import { DOMParser, type Document, type Element, onErrorStopParsing, XMLSerializer } from '@xmldom/xmldom';
import { UnsupportedImage } from '../errors.ts';

const RDF = 'http://www.w3.org/1999/02/22-rdf-syntax-ns#';
const XML = 'http://www.w3.org/XML/1998/namespace';

/** Both are language alternatives: one text a language, `x-default` first. */
const FIELDS = {
  'dc:description': { namespace: 'http://purl.org/dc/elements/1.1/', local: 'description' },
  'Iptc4xmpCore:AltTextAccessibility': {
    namespace: 'http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/',
    local: 'AltTextAccessibility',
  },
} as const;

export type Field = keyof typeof FIELDS;
const NAMES = Object.keys(FIELDS) as Field[];

const EMPTY = `<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="${RDF}"><rdf:Description rdf:about=""/></rdf:RDF></x:xmpmeta>`;

/** Packets have some kB, with the whole history of an edited picture some 100; the tree takes seconds a MB at worst. */
export const MAX_PACKET_BYTES = 4 << 20;

/** Room for later edits in place, in bytes; the specification advises 2 to 4 kB. */
const PADDING = 2048;

export interface Described {
  /** `null` when nothing was to be written. */
  packet: Buffer | null;
  written: Field[];
  kept: Field[];
}

/**
 * The packet with `text` in both fields; texts in other languages and all other properties stay.
 * @param packet UTF-8, with or without its `xpacket` wrapper; `null` for an image without XMP
 * @param overwrite replaces a text that somebody else wrote
 * @throws UnsupportedImage for XMP that cannot be read
 */
export function describe(packet: Uint8Array | null, text: string, overwrite: boolean): Described {
  const document = parse(packet === null ? EMPTY : decoded(packet));
  const kept = overwrite ? [] : NAMES.filter((field) => hasText(document, field));
  const written = NAMES.filter((field) => !kept.includes(field));
  if (written.length === 0) return { packet: null, written, kept };
  for (const field of written) setDefaultText(document, field, text);
  return { packet: wrapped(document.documentElement!), written, kept };
}

/** Some writers end the packet with NUL bytes. */
function decoded(packet: Uint8Array): string {
  if (packet.length > MAX_PACKET_BYTES) throw unreadable();
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(packet).replace(/\0+$/, '');
  } catch (cause) {
    throw unreadable(cause);
  }
}

function parse(text: string): Document {
  try {
    return new DOMParser({ onError: onErrorStopParsing }).parseFromString(text, 'text/xml');
  } catch (cause) {
    // Whatever the parser throws, this XML is not for us.
    throw unreadable(cause);
  }
}

function unreadable(cause?: unknown): UnsupportedImage {
  return new UnsupportedImage('its XMP metadata cannot be read, so nothing was written', { cause });
}

function descriptions(document: Document): Element[] {
  const rdf = document.getElementsByTagNameNS(RDF, 'RDF')[0];
  if (rdf === undefined) throw unreadable();
  return children(rdf).filter((element) => is(element, RDF, 'Description'));
}

function properties(document: Document, field: Field): Element[] {
  const { namespace, local } = FIELDS[field];
  return descriptions(document).flatMap((description) =>
    children(description).filter((element) => is(element, namespace, local)),
  );
}

/** As an element in any language, or in short form as an attribute. */
function hasText(document: Document, field: Field): boolean {
  const { namespace, local } = FIELDS[field];
  return (
    properties(document, field).some((property) => isText(property.textContent)) ||
    descriptions(document).some((description) => isText(description.getAttributeNS(namespace, local)))
  );
}

function isText(text: string | null): boolean {
  return text !== null && text.trim() !== '';
}

function setDefaultText(document: Document, field: Field, text: string): void {
  const { namespace, local } = FIELDS[field];
  for (const description of descriptions(document)) description.removeAttributeNS(namespace, local);
  const [property = newProperty(document, field), ...repeated] = properties(document, field);
  for (const other of repeated) other.parentNode?.removeChild(other);
  const alternatives = children(property).find((element) => is(element, RDF, 'Alt'));
  const items = alternatives === undefined ? [] : children(alternatives);
  const list = alternatives ?? appended(emptied(property), document.createElementNS(RDF, 'rdf:Alt'));
  const current = items.find((item) => item.getAttributeNS(XML, 'lang')?.toLowerCase() === 'x-default');
  const item = current ?? newItem(document);
  if (item !== current) list.insertBefore(item, items[0] ?? null);
  emptied(item).appendChild(document.createTextNode(text));
}

function newProperty(document: Document, field: Field): Element {
  const rdf = document.getElementsByTagNameNS(RDF, 'RDF')[0]!;
  const [description = appended(rdf, newDescription(document))] = descriptions(document);
  return appended(description, document.createElementNS(FIELDS[field].namespace, field));
}

function newDescription(document: Document): Element {
  const description = document.createElementNS(RDF, 'rdf:Description');
  description.setAttributeNS(RDF, 'rdf:about', '');
  return description;
}

function newItem(document: Document): Element {
  const item = document.createElementNS(RDF, 'rdf:li');
  item.setAttributeNS(XML, 'xml:lang', 'x-default');
  return item;
}

function appended(parent: Element, child: Element): Element {
  parent.appendChild(child);
  return child;
}

/** Without content, and without attributes like `rdf:parseType` that give it another meaning. */
function emptied(element: Element): Element {
  while (element.firstChild) element.removeChild(element.firstChild);
  for (const name of ['parseType', 'resource']) element.removeAttributeNS(RDF, name);
  return element;
}

function children(element: Element): Element[] {
  return Array.from(element.childNodes).filter(
    (node): node is Element => node.nodeType === node.ELEMENT_NODE,
  );
}

function is(element: Element, namespace: string, local: string): boolean {
  return element.namespaceURI === namespace && element.localName === local;
}

function wrapped(root: Element): Buffer {
  const body = new XMLSerializer().serializeToString(root);
  const padding = `${' '.repeat(99)}\n`.repeat(Math.ceil(PADDING / 100));
  return Buffer.from(
    `<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n${body}\n${padding}<?xpacket end="w"?>`,
  );
}
