/** Fetching a source from an address: resumable, bounded; the file gets its name only when its hash is right. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { InvalidRequest, OutputFailed, SourceError } from '../../errors.ts';
import { takeLock } from '../../files/lock.ts';
import { notWritten } from '../../files/system-error.ts';
import { syncDirectory } from '../../files/write-file.ts';
import { shownAddress } from '../../net/failure.ts';
import { type Connection, type Fetched, FetchFailure, fetchFrom, parseAddress } from './http-range.ts';

/** Hexadecimal; one of them is required. */
export interface ExpectedHash {
  sha256?: string;
  sha512?: string;
  /** Of Git: SHA-1 of the word `blob`, the size and the content. */
  gitBlob?: string;
}

export interface DownloadLimits {
  /** Bytes. Public im2txt archives have 140 to 500 MB. */
  bytes: number;
  /** Milliseconds without a byte (or an answer) after which a connection is given up. */
  stallMs: number;
  /** Milliseconds for everything: 2 GiB at 100 kB/s. */
  totalMs: number;
  /** Connections without any progress in a row; one that brought bytes starts the count again. */
  attempts: number;
  /** Connections in all: a server that gives a byte at a time must end too. */
  connections: number;
  /** Milliseconds before the second attempt; doubled for each one after. */
  backoffMs: number;
}

const DOWNLOAD_LIMITS: DownloadLimits = {
  bytes: 2 * 2 ** 30,
  stallMs: 30_000,
  totalMs: 6 * 3600_000,
  attempts: 5,
  connections: 50,
  backoffMs: 500,
};

export interface DownloadOptions {
  /** Where the file goes, and its `.part` until it is whole; a later call goes on with that. */
  directory: string;
  /** Bytes so far, and of all where the server says. */
  onProgress?: (bytes: number, total: number | null) => void;
  /** Value of `authorization`; a secret, for the origin of the address alone. */
  authorization?: string | undefined;
  /** What an answer without the file means, where that server is known. */
  refusal?: Connection['refusal'];
  /** @default DOWNLOAD_LIMITS */
  limits?: Partial<DownloadLimits>;
}

/**
 * @param url https, or http to this machine itself
 * @returns the file in `directory`, called as the address ends
 * @throws InvalidRequest (address or hash malformed), SourceUnreadable (no network, refused, too large), SourceDamaged
 *   (another hash; the file is removed), OutputFailed (the disk is full; what came is removed)
 */
export async function downloadSource(
  url: string,
  hash: ExpectedHash,
  { directory, onProgress, authorization, refusal, limits }: DownloadOptions,
): Promise<string> {
  const address = parseAddress(url);
  const wanted = parseHash(hash);
  const file = join(directory, nameOf(address));
  const job = {
    address,
    part: `${file}.part`,
    limits: { ...DOWNLOAD_LIMITS, ...limits },
    ways: { authorization, refusal },
    onProgress: onProgress ?? (() => undefined),
  };
  const lock = takeLock(file);
  try {
    if ((await sizeOf(file)) === 0 || (await digest(file, wanted)) !== wanted.hex) {
      await fetchTo(file, job, wanted);
    }
  } finally {
    lock.release();
  }
  return file;
}

async function fetchTo(file: string, job: Job, wanted: WantedHash): Promise<void> {
  const resumed = (await sizeOf(job.part)) > 0;
  await fetchWhole(job);
  if (resumed && (await digest(job.part, wanted)) !== wanted.hex) {
    // The beginning came from an earlier call, and perhaps from another version of the file.
    await rm(job.part);
    await fetchWhole(job);
  }
  await checkHash(job, wanted);
  await rename(job.part, file);
  await syncDirectory(dirname(file));
}

interface Job {
  address: URL;
  part: string;
  limits: DownloadLimits;
  ways: Pick<Connection, 'authorization' | 'refusal'>;
  onProgress: (bytes: number, total: number | null) => void;
}

interface WantedHash {
  kind: keyof typeof HASHES;
  hex: string;
}

const HASHES = {
  sha256: { algorithm: 'sha256', digits: 64, start: () => '' },
  sha512: { algorithm: 'sha512', digits: 128, start: () => '' },
  gitBlob: { algorithm: 'sha1', digits: 40, start: (bytes: number) => `blob ${bytes}\0` },
};

function parseHash(hash: ExpectedHash): WantedHash {
  const kind = hash.gitBlob !== undefined ? 'gitBlob' : hash.sha512 !== undefined ? 'sha512' : 'sha256';
  const hex = (hash[kind] ?? '').trim().toLowerCase();
  const { digits } = HASHES[kind];
  if (hex.length === digits && /^[0-9a-f]+$/.test(hex)) return { kind, hex };
  throw new InvalidRequest(
    `A download needs its SHA-256 or SHA-512: expected ${digits} digits, found "${hex}"`,
  );
}

/** The last part of the path, without anything a file system could stumble over. */
function nameOf({ pathname }: URL): string {
  const last = pathname.slice(pathname.lastIndexOf('/') + 1);
  const plain = last.replaceAll(/%[0-9a-f]{2}|[^A-Za-z0-9._-]/gi, '_').replace(/^\.+/, '');
  return plain.slice(0, 100) || 'source';
}

async function sizeOf(file: string): Promise<number> {
  return (await stat(file).catch(() => null))?.size ?? 0;
}

async function digest(file: string, { kind }: WantedHash): Promise<string> {
  const { algorithm, start } = HASHES[kind];
  const hash = createHash(algorithm).update(start(await sizeOf(file)));
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

async function checkHash({ address, part }: Job, wanted: WantedHash): Promise<void> {
  const found = await digest(part, wanted);
  if (found === wanted.hex) return;
  const bytes = await sizeOf(part);
  await rm(part);
  throw new SourceError('SourceDamaged', {
    file: shownAddress(address),
    expected: `${wanted.kind} ${wanted.hex}`,
    actual: `${found} of ${bytes} bytes; they were removed`,
    remedy:
      'The server holds another file than the one the hash was made of; compare both with their publisher.',
  });
}

/** Connection after connection until the server says that all is there. */
async function fetchWhole(job: Job): Promise<void> {
  const deadline = AbortSignal.timeout(job.limits.totalMs);
  let failures = 0;
  let validator: string | null = null;
  for (let connection = 1; ; connection++) {
    const before = await sizeOf(job.part);
    try {
      const { stallMs } = job.limits;
      const answer = await fetchFrom(job.address, before, validator, { stallMs, deadline, ...job.ways });
      validator = answer.validator;
      await store(job, answer);
      return;
    } catch (error) {
      // Room is worth more than what came.
      if (error instanceof OutputFailed) await rm(job.part, { force: true });
      if (error instanceof OutputFailed || error instanceof InvalidRequest) throw error;
      const bytes = await sizeOf(job.part);
      if (deadline.aborted) throw unreachable(job, bytes, timeIsUp(job));
      if (!(error instanceof FetchFailure)) throw error;
      failures = bytes > before ? 1 : failures + 1;
      if (failures >= job.limits.attempts || connection >= job.limits.connections)
        throw unreachable(job, bytes, error);
      await delay(Math.min(job.limits.backoffMs * 2 ** (failures - 1), job.limits.stallMs));
    }
  }
}

/** @throws what the connection threw; what came before that is in the part file */
async function store({ address, part, limits, onProgress }: Job, answer: Fetched): Promise<void> {
  const tooLarge = (bytes: string): SourceError =>
    new SourceError('SourceUnreadable', {
      file: shownAddress(address),
      expected: `at most ${limits.bytes} bytes`,
      actual: bytes,
      remedy: 'Download it by other means and import the file.',
    });
  if (answer.total !== null && answer.total > limits.bytes) {
    answer.close();
    throw tooLarge(`${answer.total}`);
  }
  let bytes = answer.start;
  try {
    const target = await written(part, open(part, answer.start === 0 ? 'w' : 'r+'));
    try {
      await written(part, target.truncate(bytes));
      for await (const chunk of answer.body) {
        if (bytes + chunk.length > limits.bytes) throw tooLarge('more');
        await written(part, writeWhole(target, chunk, bytes));
        bytes += chunk.length;
        onProgress(bytes, answer.total);
      }
      await written(part, target.sync());
    } finally {
      await target.close();
    }
  } finally {
    answer.close();
  }
  if (answer.total !== null && bytes !== answer.total) {
    const actual = `the end of the answer, which was to have ${answer.total}`;
    throw new FetchFailure({ actual, remedy: '', passes: true });
  }
}

/** A write that meets the end of the disk may end early, and only the next one fails. */
async function writeWhole(target: FileHandle, bytes: Uint8Array, at: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    done += (await target.write(bytes, done, bytes.length - done, at + done)).bytesWritten;
  }
}

/** Told from what the network says. */
function written<T>(part: string, work: Promise<T>): Promise<T> {
  return work.catch((cause: unknown) => {
    throw notWritten(part, cause);
  });
}

function timeIsUp({ limits }: Job): FetchFailure {
  const actual = `the end of the ${limits.totalMs} ms that a download may take`;
  return new FetchFailure({ actual, remedy: '', passes: true });
}

/** @param bytes that have come, in this call and before */
function unreachable({ address, part }: Job, bytes: number, cause: FetchFailure): SourceError {
  const { actual, remedy } = cause.text;
  const goesOn = bytes > 0 ? `The same command goes on where this one stopped (${part}).` : '';
  return new SourceError(
    'SourceUnreadable',
    {
      file: shownAddress(address),
      expected: 'the whole file',
      actual: bytes > 0 ? `${bytes} bytes, then ${actual}` : actual,
      remedy: `${remedy} ${goesOn}`.trim(),
    },
    { cause },
  );
}
