/**
 * Names of files that are no UTF-8, as on old disks and out of archives of Windows. A path is a string here; bytes that
 * are no UTF-8 stand in it as lone surrogates, as in Python (PEP 383), which no well-formed string has. JSON writes them as
 * escapes, and text shows them as such.
 */

const NOT_UTF8 = 0xdc00;

/** Of a directory entry. */
export function nameOf(bytes: Buffer): string {
  const name = bytes.toString('utf8');
  // Most names end here; only a name with a replacement character may have lost something.
  if (!name.includes('\uFFFD') || Buffer.from(name).equals(bytes)) return name;
  let escaped = '';
  for (let at = 0; at < bytes.length; ) {
    const length = characterAt(bytes, at);
    escaped +=
      length === 0 ? String.fromCharCode(NOT_UTF8 + bytes[at]!) : bytes.toString('utf8', at, at + length);
    at += length || 1;
  }
  return escaped;
}

/** @returns bytes of the UTF-8 character that begins here; 0 where none does */
function characterAt(bytes: Buffer, at: number): number {
  for (let length = 1; length <= 4; length++) {
    const piece = bytes.subarray(at, at + length);
    if (piece.length === length && Buffer.from(piece.toString('utf8')).equals(piece)) return length;
  }
  return 0;
}

/** What the file system takes. */
export function systemPath(path: string): string | Buffer {
  if (path.isWellFormed()) return path;
  return Buffer.concat(
    Array.from(path, (character) => {
      const code = character.codePointAt(0)!;
      const isByte = code >= NOT_UTF8 + 0x80 && code <= NOT_UTF8 + 0xff;
      return isByte ? Buffer.of(code - NOT_UTF8) : Buffer.from(character);
    }),
  );
}
