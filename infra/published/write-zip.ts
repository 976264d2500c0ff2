/** A zip whose bytes depend on the content of the files alone: not on their dates, the umask or the order on disk. */
import { createWriteStream, globSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { ZipFile } from 'yazl';

/** The earliest that a zip can say, in local time as zips have it. */
const DATE = new Date(1980, 0, 1);
/** Lambda runs functions as a user who owns none of the files. */
const READABLE_BY_ALL = 0o100644;

export async function writeZip(directory: string, to: string): Promise<void> {
  const zip = new ZipFile();
  const paths = globSync('**/*', { cwd: directory }).map((path) => path.replaceAll('\\', '/'));
  for (const path of paths.sort()) {
    if (!statSync(join(directory, path)).isFile()) continue;
    const options = { mtime: DATE, mode: READABLE_BY_ALL, forceDosTimestamp: true };
    zip.addBuffer(readFileSync(join(directory, path)), path, options);
  }
  zip.end();
  await pipeline(zip.outputStream, createWriteStream(to));
}
