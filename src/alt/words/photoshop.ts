/** Photoshop's image resources: Adobe Photoshop File Formats Specification, "Image Resource Blocks". */

export const IPTC = 0x0404;
/** MD5 of the IPTC block when XMP was last written together with it (MWG Guidelines 2.0, section 3.3.2). */
export const IPTC_DIGEST = 0x0425;

interface Resource {
  id: number;
  /** Of the length field. */
  start: number;
  /** Padding to an even size included. */
  end: number;
  data: Buffer;
}

/** Signatures of four letters: `8BIM`, and what other programs write. */
const SIGNATURES = new Set(['8BIM', 'PHUT', 'DCSR', 'AgHg', 'MeSa']);

/** Data of the first resource with this id, in place. */
export function resourceOf(bytes: Buffer, id: number): Buffer | null {
  return resourcesOf(bytes).find((resource) => resource.id === id)?.data ?? null;
}

/** The same resources, the one with this id with other data. */
export function withResource(bytes: Buffer, id: number, data: Buffer): Buffer {
  const old = resourcesOf(bytes).find((resource) => resource.id === id);
  if (old === undefined) return bytes;
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const padding = Buffer.alloc(data.length % 2);
  return Buffer.concat([bytes.subarray(0, old.start), length, data, padding, bytes.subarray(old.end)]);
}

function resourcesOf(bytes: Buffer): Resource[] {
  const resources: Resource[] = [];
  for (let at = 0; at + 12 <= bytes.length && SIGNATURES.has(bytes.toString('latin1', at, at + 4)); ) {
    // A name of Pascal, its length included padded to an even size.
    const name = bytes[at + 6]! + 1;
    const start = at + 6 + name + (name % 2);
    if (start + 4 > bytes.length) break;
    const length = bytes.readUInt32BE(start);
    const data = bytes.subarray(start + 4, start + 4 + length);
    if (data.length < length) break;
    const end = Math.min(start + 4 + length + (length % 2), bytes.length);
    resources.push({ id: bytes.readUInt16BE(at + 4), start, end, data });
    at = end;
  }
  return resources;
}
