/** What `show-and-tell import` does; loaded when it is asked for, since it needs much that captioning does not. */
import { rmSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { InvalidRequest } from '../../errors.ts';
import { notWritten } from '../../files/system-error.ts';
import { type ImportedDraft, importWeights } from '../../import/import-weights.ts';
import { downloadSource } from '../../import/source/download.ts';
import { claimPlace, type Draft } from '../../model/write-bundle.ts';
import { printable } from '../../printable.ts';
import { startProgress } from '../shared/progress.ts';
import { userCache } from '../start/user-cache.js';
import { printAgreement, printBundle, publishChecked } from './bundle-report.ts';
import { quantizeWithProgress } from './quantize-model.ts';

export interface ImportFlags {
  from: string;
  out: string;
  vocabulary?: string;
  repairVocabulary?: boolean;
  precision: string;
  calibrate?: string[];
  name?: string;
  license: string;
  sha256?: string;
  sha512?: string;
}

/** @throws InvalidRequest, SourceError */
export async function importBundle(flags: ImportFlags): Promise<void> {
  checkFlags(flags);
  await claimPlace(flags.out);
  const started = performance.now();
  const download = isAddress(flags.from) ? await fetchSource(flags) : null;
  const imported = await importWeights({
    from: download?.file ?? flags.from,
    origin: flags.from,
    vocabulary: flags.vocabulary,
    repairVocabulary: flags.repairVocabulary ?? false,
    out: flags.out,
    name: flags.name ?? basename(flags.out),
    license: flags.license,
  });
  try {
    printSource(imported);
    const draft = flags.precision === 'int8' ? await toInt8(imported.draft, flags) : imported.draft;
    await publishChecked(draft);
  } finally {
    await imported.draft.discard();
  }
  if (download !== null) await rm(download.directory, { recursive: true, force: true });
  await printBundle(flags.out, performance.now() - started);
}

function checkFlags({ precision, calibrate, from, sha256, sha512 }: ImportFlags): void {
  if (precision !== 'fp32' && precision !== 'int8') {
    throw new InvalidRequest(`--precision: expected fp32 or int8, found ${precision}`);
  }
  if (precision === 'int8' && calibrate === undefined) {
    throw new InvalidRequest(
      '--precision int8 needs --calibrate: photographs to measure the ranges of values on',
    );
  }
  if (isAddress(from) && sha256 === undefined && sha512 === undefined) {
    throw new InvalidRequest(
      '--from an address needs --sha256 or --sha512: the hash that its owner publishes',
    );
  }
}

function isAddress(from: string): boolean {
  return /^https?:\/\//i.test(from);
}

/** Downloads to a place of the user alone that a second try finds again, named by the hash. */
async function fetchSource({
  from,
  sha256,
  sha512,
}: ImportFlags): Promise<{ file: string; directory: string }> {
  const hash = sha512 === undefined ? { sha256: sha256! } : { sha512 };
  const name = Object.values(hash)[0]!
    .slice(0, 32)
    .replace(/[^0-9a-zA-Z]/g, '');
  const directory = join(userCache('downloads') ?? (await placeForOnce()), name);
  await mkdir(directory, { recursive: true }).catch((cause: unknown) => {
    throw notWritten(directory, cause);
  });
  const progress = startProgress(null, 'MB');
  try {
    const file = await downloadSource(from, hash, {
      directory,
      onProgress: (bytes, total) => progress.set(megabytes(bytes), megabytes(total ?? 0)),
    });
    return { file, directory };
  } finally {
    progress.stop();
  }
}

/** Where there is no such place: what comes is not found again, and so is not kept. */
async function placeForOnce(): Promise<string> {
  const place = await mkdtemp(join(tmpdir(), 'show-and-tell-download-'));
  process.once('exit', () => rmSync(place, { recursive: true, force: true }));
  return place;
}

const megabytes = (bytes: number): number => Math.round(bytes / 1e5) / 10;

function printSource({ source, vocabularyFile, mended }: ImportedDraft): void {
  const step = source.globalStep === undefined ? '' : `, step ${source.globalStep}`;
  process.stdout.write(
    `Read ${source.kind} ${printable(source.file)}${step}; ${source.ignored.length} tensors not needed\n`,
  );
  process.stdout.write(`Words from ${printable(vocabularyFile)}\n`);
  for (const line of mended) process.stdout.write(`  mended ${printable(line)}\n`);
}

async function toInt8(fp32: Draft, flags: ImportFlags): Promise<Draft> {
  const name = flags.name ?? basename(flags.out);
  const { draft, agreement } = await quantizeWithProgress(fp32.directory, flags.calibrate!, flags.out, name);
  printAgreement(agreement);
  return draft;
}
