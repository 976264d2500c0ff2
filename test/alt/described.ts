/** What a test compares of an image file before and after, as sharp reads it. */
import assert from 'node:assert/strict';
import { DOMParser } from '@xmldom/xmldom';
import sharp from 'sharp';

/** All pages' decoded pixels and every piece of metadata but XMP. */
export async function assertOnlyXmpDiffers(before: Buffer, after: Buffer): Promise<void> {
  assert.ok((await sharp(after).metadata()).xmp);
  const { pages = 1 } = await sharp(before).metadata();
  for (let page = 0; page < pages; page++) {
    assert.deepEqual(await otherMetadata(after, page), await otherMetadata(before, page));
    const [was, is] = await Promise.all(
      [before, after].map((bytes) => sharp(bytes, { page }).raw().toBuffer()),
    );
    assert.ok(was!.length > 0 && was!.equals(is!), `page ${page}`);
  }
}

async function otherMetadata(bytes: Buffer, page: number) {
  const { xmp: _packet, xmpAsString: _text, size: _size, ...rest } = await sharp(bytes, { page }).metadata();
  return rest;
}

/** Values of an XMP property of the first description, by language. */
export async function readXmp(bytes: Buffer, name: string): Promise<Record<string, string>> {
  const { xmp } = await sharp(bytes).metadata();
  return alternatives(xmp!.toString(), name);
}

/** `dc:description` in a packet, by language. */
export function alternatives(packet: string, name: string): Record<string, string> {
  const document = new DOMParser().parseFromString(packet.replace(/\0+$/, ''), 'text/xml');
  const properties = document.getElementsByTagName(name);
  assert.equal(properties.length, 1, `one ${name}`);
  const items = Array.from(properties[0]!.getElementsByTagName('rdf:li'));
  return Object.fromEntries(items.map((item) => [item.getAttribute('xml:lang'), item.textContent ?? '']));
}
