/** What is in a zip, as any program reads it. */
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { type Entry, fromBuffer, type Options, type ZipFile } from 'yauzl';

export interface ZippedFile {
  /** Of Unix, octal. */
  mode: string;
  bytes: Buffer;
}

const open: (bytes: Buffer, options: Options) => Promise<ZipFile> = promisify(fromBuffer);

export async function unzip(bytes: Buffer): Promise<Map<string, ZippedFile>> {
  const zip = await open(bytes, { lazyEntries: true });
  const read: (entry: Entry) => Promise<NodeJS.ReadableStream> = promisify(zip.openReadStream.bind(zip));
  const files = new Map<string, ZippedFile>();
  const take = async (entry: Entry) => {
    const mode = (entry.externalFileAttributes >>> 16).toString(8);
    files.set(entry.fileName, { mode, bytes: await buffer(await read(entry)) });
    zip.readEntry();
  };
  await new Promise<void>((resolve, reject) => {
    zip.on('entry', (entry: Entry) => take(entry).catch(reject));
    zip.on('end', resolve);
    zip.on('error', reject);
    zip.readEntry();
  });
  return files;
}
