/**
 * A base-128 number of LevelDB and protocol buffers: seven bits a byte, lowest first, the top bit says "more follows".
 * @param end where to stop reading
 * @returns null when it runs past `end`, has more than ten bytes or is not exact in a double
 */
export function readVarint(
  bytes: Uint8Array,
  at: number,
  end: number,
): { value: number; next: number } | null {
  let value = 0;
  for (let i = 0; i < 10 && at + i < end; i++) {
    const byte = bytes[at + i]!;
    value += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return value <= Number.MAX_SAFE_INTEGER ? { value, next: at + i + 1 } : null;
  }
  return null;
}
