/** A model of the hub at one commit: what it has, and the files that an import needs, kept until that is done. */
import { createHash } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { SourceError } from '../../errors.ts';
import { notWritten } from '../../files/system-error.ts';
import { putFile } from '../../files/write-file.ts';
import type { Precision } from '../export-names.ts';
import { downloadSource } from '../source/download.ts';
import { type Choice, choicesIn, graphsIn } from './choose-files.ts';
import { noGraphs } from './export-folder.ts';
import { type Asked, hubFetch, hubRefusal } from './hub-fetch.ts';
import { type HubSettings, hubSettings } from './settings.ts';

export interface HubRequest {
  /** `owner/name` */
  id: string;
  /** Commit, branch or tag. @default main */
  revision: string | undefined;
  precision: Precision | undefined;
  /** A directory of the user; the files go to one in it that the next call finds again. */
  place: string;
  /** Told once, before the first byte of a file. */
  onFound?: (found: { commit: string; files: number; bytes: number }) => void;
  /** Bytes of all files. */
  onProgress?: (bytes: number, total: number) => void;
}

export interface Snapshot {
  directory: string;
  commit: string;
  /** SHA-256 of each file, by its path in the directory. */
  files: Record<string, string>;
}

/** Of Git's hashes, that of a file's content is like one of a commit. */
const COMMIT = /^[0-9a-f]{40}$/;
const fileSchema = z.object({
  path: z.string(),
  size: z.int().min(0),
  oid: z.string().regex(COMMIT),
  lfs: z.object({ oid: z.string().regex(/^[0-9a-f]{64}$/) }).optional(),
});
type HubFile = z.infer<typeof fileSchema>;
const listingSchema = z.array(fileSchema);

/**
 * Asks the network for nothing that is there already: a commit whose files have come is read without it.
 * @throws InvalidRequest (settings), SourceUnreadable, SourceDamaged (another hash), SourceUnsupported (no ONNX files, or none of
 *   that precision), OutputFailed
 */
export async function fetchSnapshot(request: HubRequest): Promise<Snapshot> {
  const settings = hubSettings();
  const { id, revision = 'main', precision } = request;
  const page = `${settings.endpoint}/${id}`;
  const asked: Asked = { id, page, revision, hasToken: settings.token !== undefined };
  const commit = COMMIT.test(revision) ? revision : await commitOf(asked, settings);
  const directory = join(request.place, `hub-${shortHash(`${page}@${commit}`)}`);
  await mkdir(directory, { recursive: true }).catch((cause: unknown) => {
    throw notWritten(directory, cause);
  });
  const listing = await listed(directory, asked, commit, settings);
  const files = neededOf(listing, asked, precision);
  const total = files.reduce((sum, { size }) => sum + size, 0);
  request.onFound?.({ commit, files: files.length, bytes: total });
  let before = 0;
  for (const file of files) {
    const target = join(directory, dirname(file.path));
    await mkdir(target, { recursive: true });
    await downloadSource(`${page}/resolve/${commit}/${file.path}`, hashOf(file), {
      directory: target,
      authorization: settings.token && `Bearer ${settings.token}`,
      refusal: (answer) => hubRefusal(answer, asked),
      onProgress: (bytes) => request.onProgress?.(before + bytes, total),
    });
    before += file.size;
  }
  return { directory, commit, files: await hashesOf(directory, files) };
}

async function commitOf(asked: Asked, { endpoint, token }: HubSettings): Promise<string> {
  const { modelInfo } = await import('@huggingface/hub');
  const { sha } = await modelInfo({
    name: asked.id,
    revision: asked.revision,
    additionalFields: ['sha'],
    hubUrl: endpoint,
    fetch: hubFetch(asked),
    ...(token !== undefined && { accessToken: token }),
  }).catch((cause: unknown) => {
    throw inWords(asked, cause);
  });
  if (COMMIT.test(sha)) return sha;
  throw unreadableListing(asked, 'no commit');
}

/** What the client makes of an answer that is none of the hub's. */
function inWords(asked: Asked, cause: unknown): SourceError {
  return cause instanceof SourceError ? cause : unreadableListing(asked, 'another form of answer', cause);
}

/** From the last call, or from the hub. */
async function listed(
  directory: string,
  asked: Asked,
  commit: string,
  settings: HubSettings,
): Promise<HubFile[]> {
  const kept = join(directory, '.listing.json');
  const before = await readFile(kept, 'utf8')
    .then(JSON.parse)
    .catch(() => null);
  const { data } = listingSchema.safeParse(before);
  if (data !== undefined) return data;
  const listing = await listingOf(asked, commit, settings);
  await putFile(kept, JSON.stringify(listing));
  return listing;
}

/** No model that is worth an import has more. */
const MAX_FILES = 10_000;

async function listingOf(asked: Asked, commit: string, { endpoint, token }: HubSettings): Promise<HubFile[]> {
  const { listFiles } = await import('@huggingface/hub');
  const entries = listFiles({
    repo: asked.id,
    revision: commit,
    recursive: true,
    hubUrl: endpoint,
    fetch: hubFetch(asked),
    ...(token !== undefined && { accessToken: token }),
  });
  const files: unknown[] = [];
  try {
    for await (const entry of entries) {
      if (entry.type === 'file') files.push(entry);
      if (files.length > MAX_FILES) throw unreadableListing(asked, `more than ${MAX_FILES} files`);
    }
  } catch (cause) {
    throw inWords(asked, cause);
  }
  const { data } = listingSchema.safeParse(files);
  if (data !== undefined) return data;
  throw unreadableListing(asked, 'another form of answer');
}

function unreadableListing({ page }: Asked, actual: string, cause?: unknown): SourceError {
  const remedy =
    'Check HF_ENDPOINT if it is set; else download the model by other means and import the folder.';
  return new SourceError(
    'SourceUnreadable',
    { file: page, expected: 'the list of its files', actual, remedy },
    { cause },
  );
}

function neededOf(listing: readonly HubFile[], { id, page }: Asked, precision?: Precision): HubFile[] {
  const names = listing.map(({ path }) => path);
  const choices = choicesIn(names);
  const choice = precision === undefined ? choices[0] : choices.find((one) => one.precision === precision);
  if (choice === undefined) throw nothingToTake({ id, page }, precision, graphsIn(names), choices);
  return choice.paths.map((path) => listing.find((file) => file.path === path)!);
}

/** Names of a message. */
const MOST_NAMES = 8;

function nothingToTake(
  { id, page: file }: Pick<Asked, 'id' | 'page'>,
  precision: Precision | undefined,
  graphs: string[],
  choices: Choice[],
): SourceError {
  const refused = (expected: string, actual: string, remedy?: string): SourceError =>
    new SourceError('SourceUnsupported', { file, expected, actual, ...(remedy && { remedy }) });
  if (choices.length > 0) {
    const there = choices.map(({ precision }) => precision).join(', ');
    return refused(`graphs in ${precision}`, there, 'Name one of these by --precision.');
  }
  if (graphs.length === 0) return noGraphs(file, id);
  const names = graphs.slice(0, MOST_NAMES).join(', ') + (graphs.length > MOST_NAMES ? ' ...' : '');
  return refused('encoder_model.onnx or vision_encoder.onnx, and decoder_model*.onnx', names);
}

function hashOf({ oid, lfs }: HubFile): { sha256: string } | { gitBlob: string } {
  return lfs === undefined ? { gitBlob: oid } : { sha256: lfs.oid };
}

/** What Git has itself is small. */
async function hashesOf(directory: string, files: readonly HubFile[]): Promise<Record<string, string>> {
  const entries = files.map(async ({ path, lfs }) => [
    path,
    lfs?.oid ?? sha256(await readFile(join(directory, path))),
  ]);
  return Object.fromEntries(await Promise.all(entries));
}

const sha256 = (content: string | Uint8Array): string => createHash('sha256').update(content).digest('hex');
const shortHash = (text: string): string => sha256(text).slice(0, 32);
