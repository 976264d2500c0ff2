/** Zip archives without compression, by the .ZIP file format specification (APPNOTE 6.3.10, sections 4.3.7 to 4.3.16). */
import { crc32 } from 'node:zlib';

/** An archive of these files, in this order; names may be as hostile as a test needs. */
export function zipOf(files: Record<string, Uint8Array>): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, content] of Object.entries(files)) {
    const encoded = Buffer.from(name);
    const common = commonFields(encoded, content);
    const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), common, encoded, content]);
    directory.push(centralEntry(common, encoded, offset));
    parts.push(local);
    offset += local.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(directory.length, 8); // entries on this disk
  end.writeUInt16LE(directory.length, 10); // entries
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, central, end]);
}

/** The 26 bytes that local and central headers share: version, flags, method, time, CRC, sizes, name and extra length. */
function commonFields(name: Buffer, content: Uint8Array): Buffer {
  const fields = Buffer.alloc(26);
  fields.writeUInt16LE(20, 0); // version 2.0
  fields.writeUInt16LE(0x0800, 2); // the name is UTF-8
  fields.writeUInt32LE(crc32(content), 10);
  fields.writeUInt32LE(content.length, 14);
  fields.writeUInt32LE(content.length, 18);
  fields.writeUInt16LE(name.length, 22);
  return fields;
}

function centralEntry(common: Buffer, name: Buffer, offset: number): Buffer {
  const start = Buffer.from('PK\x01\x02\x14\x00', 'latin1'); // made by version 2.0
  const rest = Buffer.alloc(14); // comment length, disk, attributes: 0
  rest.writeUInt32LE(offset, 10);
  return Buffer.concat([start, common, rest, name]);
}
