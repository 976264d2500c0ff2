/** XMP above the size of a JPEG segment: XMP specification part 3, section 1.1.3.1. */

export const EXTENDED_XMP = Buffer.from('http://ns.adobe.com/xmp/extension/\0');
/** Digest of the whole in 32 hexadecimal digits, its length and this part's place in it in 4 bytes each. */
const GUID_BYTES = 32;
const HEAD_BYTES = GUID_BYTES + 8;

/**
 * Packets put together from their parts, in whatever order these stand; what is incomplete is left out, as readers do. Those
 * that no packet names are there as well, since their words are words.
 * @param parts what follows the signature
 */
export function extendedPackets(parts: readonly Buffer[]): Buffer[] {
  const groups = Map.groupBy(
    parts.filter((part) => part.length >= HEAD_BYTES),
    (part) => part.toString('latin1', 0, GUID_BYTES),
  );
  return [...groups.values()].flatMap((group) => {
    const sorted = group.toSorted((a, b) => offsetOf(a) - offsetOf(b));
    const packet = Buffer.concat(sorted.map((part) => part.subarray(HEAD_BYTES)));
    let place = 0;
    for (const part of sorted) {
      if (offsetOf(part) !== place) return [];
      place += part.length - HEAD_BYTES;
    }
    return place === sorted[0]!.readUInt32BE(GUID_BYTES) ? [packet] : [];
  });
}

function offsetOf(part: Buffer): number {
  return part.readUInt32BE(GUID_BYTES + 4);
}
