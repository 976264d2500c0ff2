/** TIFF files of directories alone (TIFF 6.0, section 2, and SubIFDs of supplement 1). */

/** A number, or the place of another directory. */
type Entry = { tag: number } & ({ value: number } | { to: number });

const LONG = 4;

/** The directories follow each other from offset 8, each linked to the next. */
export function directoriesOf(little: boolean, directories: Entry[][]): Buffer {
  const places: number[] = [];
  let size = 8;
  for (const entries of directories) {
    places.push(size);
    size += 2 + 12 * entries.length + 4;
  }
  const file = Buffer.alloc(size);
  const u16 = (value: number, at: number) =>
    little ? file.writeUInt16LE(value, at) : file.writeUInt16BE(value, at);
  const u32 = (value: number, at: number) =>
    little ? file.writeUInt32LE(value, at) : file.writeUInt32BE(value, at);
  file.write(little ? 'II' : 'MM', 'latin1');
  u16(42, 2);
  u32(8, 4);
  directories.forEach((entries, n) => {
    let at = places[n]!;
    at = u16(entries.length, at);
    for (const entry of entries) {
      u16(entry.tag, at);
      u16('to' in entry ? LONG : 3, at + 2);
      u32(1, at + 4);
      if ('to' in entry) u32(places[entry.to]!, at + 8);
      else u16(entry.value, at + 8);
      at += 12;
    }
    u32(places[n + 1] ?? 0, at);
  });
  return file;
}

/** A picture as a camera keeps it: `tiff` (little-endian) is its preview, the raw picture lies below. */
export function rawBehind(tiff: Buffer): Buffer {
  const old = tiff.readUInt32LE(4);
  const count = tiff.readUInt16LE(old);
  const entries = tiff.subarray(old + 2, old + 2 + 12 * count);
  const raw = directoriesOf(true, [[{ tag: 262, value: 32_803 }]]).subarray(8);
  const subDirectories = Buffer.alloc(12);
  subDirectories.writeUInt16LE(330, 0);
  subDirectories.writeUInt16LE(LONG, 2);
  subDirectories.writeUInt32LE(1, 4);
  subDirectories.writeUInt32LE(tiff.length, 8);
  // In the order of their tags.
  const later = Array.from({ length: count }, (_, i) => entries.readUInt16LE(12 * i)).filter(
    (tag) => tag > 330,
  );
  const split = entries.length - 12 * later.length;
  const head = Buffer.alloc(2);
  head.writeUInt16LE(count + 1);
  const directory = Buffer.concat([
    head,
    entries.subarray(0, split),
    subDirectories,
    entries.subarray(split),
    Buffer.alloc(4),
  ]);
  const file = Buffer.concat([tiff, raw, directory]);
  file.writeUInt32LE(tiff.length + raw.length, 4);
  return file;
}
