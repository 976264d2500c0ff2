/**
 * Alternative text in an XMP packet.
 * XMP specification part 1 (ISO 16684-1), sections 7 and 8; IPTC Photo Metadata Standard 2025.1, "Alt Text (Accessibility)".
 */
import { DOMParser, type Document, type Element, onErrorStopParsing, XMLSerializer } from '@xmldom/xmldom';
import { UnsupportedImage } from '../errors.ts';
import { isFiller } from './words/found-text.ts';

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

/** Descriptions of older writers, which `dc:description` would hide. */
const OLDER_FIELDS = {
  'tiff:ImageDescription': { namespace: 'http://ns.adobe.com/tiff/1.0/', local: 'ImageDescription' },
  'exif:UserComment': { namespace: 'http://ns.adobe.com/exif/1.0/', local: 'UserComment' },
} as const;

interface Name {
  namespace: string;
  local: string;
}
const ALL_FIELDS: [field: string, name: Name][] = Object.entries({ ...FIELDS, ...OLDER_FIELDS });

const EMPTY = `<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="${RDF}"><rdf:Description rdf:about=""/></rdf:RDF></x:xmpmeta>`;

/** Packets have some kB, with the whole history of an edited picture some 100; the tree takes seconds a MB at worst. */
export const MAX_PACKET_BYTES = 4 << 20;

/** Of one element. Descriptions have some hundred; removing one of them takes the longer the more there are. */
const MAX_CHILDREN = 10_000;

/** Declared in a packet. Most have some twenty; the parser copies those around an element for each that declares another. */
const MAX_NAMESPACES = 1000;

/** Room for later edits in place, in bytes; the specification advises 2 to 4 kB. */
const PADDING = 2100;

export interface Described {
  /** `null` when nothing was to be written. */
  packet: Buffer | null;
  written: Field[];
  /** Names of fields with a text that somebody wrote. */
  kept: string[];
}

export interface Conditions {
  /** Replaces texts that somebody else wrote. */
  overwrite: boolean;
  /** Fields that stay as they are, whatever the packet has. */
  taken: readonly string[];
  /** Bytes that the packet may have; the padding leaves off where they end. */
  room: number;
}

/**
 * The packet with `text` in both fields; texts in other languages and all other properties stay.
 * @param packet UTF-8, with or without its `xpacket` wrapper; `null` or blank for an image without XMP
 * @throws UnsupportedImage for XMP that cannot be read
 */
export function describe(packet: Uint8Array | null, text: string, conditions: Conditions): Described {
  const { overwrite, taken, room } = conditions;
  const document = parse((packet && decoded(packet)) || EMPTY);
  const kept = overwrite ? [] : fieldsWithText(document);
  const held = [...taken, ...kept.map(fieldHeldBy)];
  const written = NAMES.filter((field) => !held.includes(field));
  if (written.length === 0) return { packet: null, written, kept };
  for (const field of written) setDefaultText(document, field, text);
  return { packet: wrapped(document.documentElement!, room), written, kept };
}

/**
 * Names of fields with a text that somebody wrote. Of a packet that is too large or cannot be read, those that it mentions.
 * @param packet as in `describe`
 */
export function fieldsIn(packet: Buffer): string[] {
  const mentioned = ALL_FIELDS.filter(([, { local }]) => packet.includes(local)).map(([field]) => field);
  // What cameras put into extended packets has megabytes.
  if (mentioned.length === 0) return [];
  try {
    return fieldsWithText(parse(decoded(packet) || EMPTY));
  } catch (error) {
    if (error instanceof UnsupportedImage) return mentioned;
    throw error;
  }
}

/** The field that a text in another one keeps from being written: itself or the description. */
export function fieldHeldBy(field: string): Field {
  return NAMES.find((name) => name === field) ?? 'dc:description';
}

/** Some writers end the packet with NUL bytes; `''` for blanks alone. */
function decoded(packet: Uint8Array): string {
  if (packet.length > MAX_PACKET_BYTES) throw unreadable();
  let end = packet.length;
  while (packet[end - 1] === 0) end--;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(packet.subarray(0, end)).trim();
  } catch (cause) {
    throw unreadable(cause);
  }
}

function parse(text: string): Document {
  if (text.split('xmlns', MAX_NAMESPACES + 2).length > MAX_NAMESPACES + 1) throw unreadable();
  try {
    return new DOMParser({ onError: onErrorStopParsing, normalizeLineEndings }).parseFromString(
      text,
      'text/xml',
    );
  } catch (cause) {
    // Whatever the parser throws, this XML is not for us.
    throw unreadable(cause);
  }
}

function unreadable(cause?: unknown): UnsupportedImage {
  return new UnsupportedImage('its XMP metadata cannot be read, so nothing was written', { cause });
}

/** XML 1.0, section 2.11; the parser's own way is that of XML 1.1, which changes U+0085 and U+2028 as well. */
function normalizeLineEndings(text: string): string {
  return text.replace(/\r\n?/g, '\n');
}

function descriptions(document: Document): Element[] {
  const rdf = document.getElementsByTagNameNS(RDF, 'RDF')[0];
  if (rdf === undefined) throw unreadable();
  return children(rdf).filter((element) => is(element, RDF, 'Description'));
}

function properties(document: Document, { namespace, local }: Name): Element[] {
  return descriptions(document).flatMap((description) =>
    children(description).filter((element) => is(element, namespace, local)),
  );
}

function fieldsWithText(document: Document): string[] {
  return ALL_FIELDS.filter(([, name]) => textsOf(document, name).some((text) => !isFiller(text))).map(
    ([field]) => field,
  );
}

/** As an element in any language, or in short form as an attribute. */
function textsOf(document: Document, name: Name): string[] {
  const elements = properties(document, name).flatMap((property) => {
    const items = Array.from(property.getElementsByTagNameNS(RDF, 'li'));
    return items.length > 0 ? items : [property];
  });
  const attributes = descriptions(document).map((description) =>
    description.getAttributeNS(name.namespace, name.local),
  );
  return [...elements.map((element) => element.textContent), ...attributes].map((text) => text ?? '');
}

function setDefaultText(document: Document, field: Field, text: string): void {
  const { namespace, local } = FIELDS[field];
  for (const description of descriptions(document)) description.removeAttributeNS(namespace, local);
  const [property = newProperty(document, field), ...repeated] = properties(document, FIELDS[field]);
  for (const other of repeated) other.parentNode?.removeChild(other);
  const alternatives = children(property).find((element) => is(element, RDF, 'Alt'));
  const items = alternatives === undefined ? [] : children(alternatives);
  const list = alternatives ?? appended(emptied(property), document.createElementNS(RDF, 'rdf:Alt'));
  const current = items.find((item) => item.getAttributeNS(XML, 'lang')?.toLowerCase() === 'x-default');
  const item = current ?? newItem(document);
  if (item !== current) list.insertBefore(item, items[0] ?? null);
  for (const other of items) if (other !== item && isFiller(other.textContent ?? '')) list.removeChild(other);
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
  checkChildren(element);
  while (element.firstChild) element.removeChild(element.firstChild);
  for (const name of ['parseType', 'resource']) element.removeAttributeNS(RDF, name);
  return element;
}

function children(element: Element): Element[] {
  checkChildren(element);
  return Array.from(element.childNodes).filter(
    (node): node is Element => node.nodeType === node.ELEMENT_NODE,
  );
}

function checkChildren({ childNodes }: Element): void {
  if (childNodes.length > MAX_CHILDREN) throw unreadable();
}

function is(element: Element, namespace: string, local: string): boolean {
  return element.namespaceURI === namespace && element.localName === local;
}

function wrapped(root: Element, room: number): Buffer {
  // Line ends were normalized when it was parsed, so a carriage return was written as a reference, and has to be again.
  const body = new XMLSerializer().serializeToString(root).replaceAll('\r', '&#xD;');
  const head = Buffer.from(`<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n${body}\n`);
  const end = '<?xpacket end="w"?>';
  const padding = Math.max(0, Math.min(PADDING, room - head.length - end.length));
  const lines = `${' '.repeat(99)}\n`.repeat(Math.ceil(padding / 100)).slice(0, padding);
  return Buffer.concat([head, Buffer.from(lines + end)]);
}
