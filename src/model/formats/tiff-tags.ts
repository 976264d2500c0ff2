/** Numbers of the first directory of a TIFF (revision 6.0) or a BigTIFF, as far as they can be read. */

export const TAG = {
  bitsPerSample: 258,
  compression: 259,
  photometric: 262,
  sampleFormat: 339,
  /** Of the DNG specification. */
  dngVersion: 50706,
} as const;

/** Field types whose first value is a whole number: how many bytes one takes. BYTE, SHORT, LONG, LONG8. */
const WIDTHS: Partial<Record<number, number>> = { 1: 1, 3: 2, 4: 4, 16: 8 };

/**
 * @returns the first value of each field that has whole numbers, by tag; `null` for what is no TIFF or breaks off
 */
export function tiffTags(bytes: Uint8Array): ReadonlyMap<number, number> | null {
  const order = String.fromCharCode(...bytes.subarray(0, 2));
  if (order !== 'II' && order !== 'MM') return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const little = order === 'II';
  const read = (at: number, width: number): number => {
    if (width === 1) return view.getUint8(at);
    if (width === 2) return view.getUint16(at, little);
    if (width === 4) return view.getUint32(at, little);
    return Number(view.getBigUint64(at, little));
  };
  try {
    const version = read(2, 2);
    if (version !== 42 && version !== 43) return null;
    return directory(read, version === 43);
  } catch (error) {
    // DataView's own: a field lies behind the end.
    if (error instanceof RangeError) return null;
    throw error;
  }
}

function directory(read: (at: number, width: number) => number, big: boolean): Map<number, number> {
  const [countWidth, offsetWidth, entryBytes] = big ? [8, 8, 20] : [2, 4, 12];
  const start = read(big ? 8 : 4, offsetWidth);
  const entries = read(start, countWidth);
  const tags = new Map<number, number>();
  for (let i = 0; i < entries; i++) {
    const at = start + countWidth + entryBytes * i;
    const width = WIDTHS[read(at + 2, 2)];
    if (width === undefined) continue;
    const count = read(at + 4, offsetWidth);
    const value = at + 4 + offsetWidth;
    // Values that do not fit into the entry stand elsewhere.
    tags.set(read(at, 2), read(width * count > offsetWidth ? read(value, offsetWidth) : value, width));
  }
  return tags;
}
