/** What the header that libvips tells does not say of a file, and what decoding takes depends on. */

const RIFF_HEADER_BYTES = 12;
const RIFF_CHUNK_BYTES = 8;
/** Of a frame of an animation, before the chunks of its picture (RFC 9649, 2.7.1.1). */
const FRAME_HEAD_BYTES = 16;

/** Whether the first picture of a WebP is lossy; false where that cannot be seen. */
export function isLossyWebp(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = RIFF_HEADER_BYTES;
  while (at + RIFF_CHUNK_BYTES <= bytes.length) {
    const type = String.fromCharCode(...bytes.subarray(at, at + 4));
    if (type === 'VP8 ') return true;
    if (type === 'VP8L') return false;
    const size = view.getUint32(at + 4, true);
    at += RIFF_CHUNK_BYTES + (type === 'ANMF' ? FRAME_HEAD_BYTES : size + (size % 2));
  }
  return false;
}

const TILE_LENGTH = 323;
const SHORT = 3;

/** Rows of a tile of the first picture of a TIFF; 0 where it has strips, which are read row by row. */
export function tileRowsOf(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const little = bytes[0] === 0x49; // II
  const big = view.getUint16(2, little) === 43;
  const offset = (at: number) => (big ? Number(view.getBigUint64(at, little)) : view.getUint32(at, little));
  const directory = offset(big ? 8 : 4);
  const entries = big ? offset(directory) : view.getUint16(directory, little);
  for (let i = 0; i < entries; i++) {
    const at = directory + (big ? 8 + 20 * i : 2 + 12 * i);
    if (view.getUint16(at, little) !== TILE_LENGTH) continue;
    const value = at + (big ? 12 : 8);
    return view.getUint16(at + 2, little) === SHORT
      ? view.getUint16(value, little)
      : view.getUint32(value, little);
  }
  return 0;
}
