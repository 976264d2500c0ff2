/** Sources that lie elsewhere: fetched to a place of the user alone that a second try finds again. */
import { rmSync } from 'node:fs';
import { mkdir, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { notWritten } from '../../files/system-error.ts';
import type { Precision } from '../../import/export-names.ts';
import { fetchSnapshot, type Snapshot } from '../../import/hub/snapshot.ts';
import { downloadSource } from '../../import/source/download.ts';
import { startProgress } from '../shared/progress.ts';
import { userCache } from '../start/user-cache.js';

export interface FetchedFile {
  file: string;
  /** To be removed when the import is done. */
  directory: string;
}

/** Its place is named by the hash. */
export async function fetchFile(
  address: string,
  { sha256, sha512 }: { sha256?: string; sha512?: string },
): Promise<FetchedFile> {
  const hash = sha512 === undefined ? { sha256: sha256! } : { sha512 };
  const name = Object.values(hash)[0]!
    .slice(0, 32)
    .replace(/[^0-9a-zA-Z]/g, '');
  const directory = join(await placeOfDownloads(), name);
  await mkdir(directory, { recursive: true }).catch((cause: unknown) => {
    throw notWritten(directory, cause);
  });
  const progress = startProgress(null, 'MB');
  try {
    const file = await downloadSource(address, hash, {
      directory,
      onProgress: (bytes, total) => progress.set(megabytes(bytes), megabytes(total ?? 0)),
    });
    return { file, directory };
  } finally {
    progress.stop();
  }
}

/** Says which commit it is and how much comes. */
export async function fetchModel(
  id: string,
  revision: string | undefined,
  precision: Precision | undefined,
): Promise<Snapshot> {
  const place = await placeOfDownloads();
  let progress: ReturnType<typeof startProgress> | undefined;
  try {
    return await fetchSnapshot({
      id,
      revision,
      precision,
      place,
      onFound: ({ commit, files, bytes }) => {
        process.stdout.write(`${id} at ${commit}: ${files} files, ${megabytes(bytes)} MB\n`);
        progress = startProgress(null, 'MB');
      },
      onProgress: (bytes, total) => progress?.set(megabytes(bytes), megabytes(total)),
    });
  } finally {
    progress?.stop();
  }
}

/** Where the user has none: what comes is not found again, and so is not kept. */
async function placeOfDownloads(): Promise<string> {
  const place = userCache('downloads');
  if (place !== null) return place;
  const once = await mkdtemp(join(tmpdir(), 'show-and-tell-download-'));
  process.once('exit', () => rmSync(once, { recursive: true, force: true }));
  return once;
}

const megabytes = (bytes: number): number => Math.round(bytes / 1e5) / 10;
