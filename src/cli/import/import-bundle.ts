/** What `show-and-tell import` does; loaded when it is asked for, since it needs much that captioning does not. */
import { rm } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { InvalidRequest, SourceError } from '../../errors.ts';
import {
  type CaptionerTask,
  importCaptioner,
  UNKNOWN_LICENSE,
} from '../../import/captioner/import-captioner.ts';
import { PRECISIONS, type Precision } from '../../import/export-names.ts';
import { readCard } from '../../import/hub/card.ts';
import { requireGraphs } from '../../import/hub/export-folder.ts';
import { importWeights } from '../../import/import-weights.ts';
import { inside } from '../../import/source/inside.ts';
import { MAX_NAME_LENGTH } from '../../model/manifest.ts';
import { claimPlace, type Draft } from '../../model/write-bundle.ts';
import { printable } from '../../printable.ts';
import { printAgreement, printBundle, publishChecked } from './bundle-report.ts';
import { fetchFile, fetchModel } from './fetch-source.ts';
import { quantizeWithProgress } from './quantize-model.ts';
import { isExport, type SourceKind, sourceKind, theSource } from './source-kind.ts';

export interface ImportFlags {
  from?: string;
  out?: string;
  list?: boolean;
  revision?: string;
  task?: string;
  vocabulary?: string;
  repairVocabulary?: boolean;
  precision?: string;
  calibrate?: string[];
  name?: string;
  license?: string;
  sha256?: string;
  sha512?: string;
}

const TASKS = ['caption', 'detailed', 'more-detailed'] as const satisfies readonly CaptionerTask[];

/** What was asked for, checked. */
interface Job {
  source: string;
  kind: SourceKind;
  out: string;
  name: string;
  precision: Precision | undefined;
  /** Photographs, where fp32 graphs become INT8 here. */
  calibrate: string[] | undefined;
  task: CaptionerTask | undefined;
  flags: ImportFlags;
}

interface Imported {
  draft: Draft;
  /** What was fetched, to be removed once the bundle is there. */
  fetched?: string;
}

/** @throws InvalidRequest, SourceError */
export async function importBundle(positional: string | undefined, flags: ImportFlags): Promise<void> {
  const job = await checked(theSource(positional, flags.from), flags);
  await claimPlace(job.out);
  const started = performance.now();
  const imported = isExport(job.kind) ? await fromExport(job) : await fromWeights(job);
  try {
    const { calibrate } = job;
    const draft = calibrate === undefined ? imported.draft : await toInt8(imported.draft, calibrate, job);
    await publishChecked(draft);
  } finally {
    await imported.draft.discard();
  }
  if (imported.fetched !== undefined) await rm(imported.fetched, { recursive: true, force: true });
  await printBundle(job.out, performance.now() - started);
}

async function checked(source: string, flags: ImportFlags): Promise<Job> {
  const { out } = flags;
  if (out === undefined) throw new InvalidRequest('--out: name the bundle to make');
  const kind = await sourceKind(source);
  const precision = oneOf('--precision', flags.precision, PRECISIONS);
  const task = oneOf('--task', flags.task, TASKS);
  refuseOthers(kind, flags);
  const name = flags.name ?? basename(resolve(out));
  if (name.length < 1 || name.length > MAX_NAME_LENGTH) {
    throw new InvalidRequest(`--name: 1 to ${MAX_NAME_LENGTH} characters, found ${name.length}`);
  }
  return { source, kind, out, name, precision, calibrate: flags.calibrate, task, flags };
}

function oneOf<T extends string>(
  flag: string,
  found: string | undefined,
  known: readonly T[],
): T | undefined {
  const value = known.find((one) => one === found);
  if (value !== undefined || found === undefined) return value;
  const names = `${known.slice(0, -1).join(', ')} or ${known.at(-1)}`;
  throw new InvalidRequest(`${flag}: expected ${names}, found ${found}`);
}

/** Flags that mean nothing for a source of this kind, or lack what they need. */
function refuseOthers(kind: SourceKind, flags: ImportFlags): void {
  const { revision, task, vocabulary, repairVocabulary, precision, calibrate, sha256, sha512 } = flags;
  const exported = isExport(kind);
  const hashed = sha256 !== undefined || sha512 !== undefined;
  const refusals: [refused: boolean, message: string][] = [
    [
      kind === 'address' && !hashed,
      'an address needs --sha256 or --sha512: the hash that its owner publishes',
    ],
    [kind !== 'address' && hashed, '--sha256 and --sha512 are for https addresses'],
    [revision !== undefined && kind !== 'hub', '--revision is for models of the hub (owner/name)'],
    [task !== undefined && !exported, '--task is for exports of Florence-2'],
    [
      exported && (vocabulary !== undefined || repairVocabulary === true),
      '--vocabulary and --repair-vocabulary are for weights of im2txt: an export has its tokenizer.json',
    ],
    [!exported && precision === 'fp16', '--precision fp16 is for exports that have such files'],
    [
      !exported && precision === 'int8' && calibrate === undefined,
      '--precision int8 needs --calibrate: photographs to measure the ranges of values on',
    ],
    [precision !== 'int8' && calibrate !== undefined, '--calibrate is for --precision int8'],
  ];
  for (const [refused, message] of refusals) if (refused) throw new InvalidRequest(message);
}

async function fromWeights({ source, kind, out, name, flags }: Job): Promise<Imported> {
  const download = kind === 'address' ? await fetchFile(source, flags) : null;
  const { draft, ...read } = await importWeights({
    from: download?.file ?? source,
    origin: source,
    vocabulary: flags.vocabulary,
    repairVocabulary: flags.repairVocabulary ?? false,
    out,
    name,
    license: flags.license ?? UNKNOWN_LICENSE,
  });
  const { globalStep, ignored } = read.source;
  const step = globalStep === undefined ? '' : `, step ${globalStep}`;
  process.stdout.write(
    `Read ${read.source.kind} ${printable(read.source.file)}${step}; ${ignored.length} tensors not needed\n`,
  );
  process.stdout.write(`Words from ${printable(read.vocabularyFile)}\n`);
  for (const line of read.mended) process.stdout.write(`  mended ${printable(line)}\n`);
  return { draft, ...(download !== null && { fetched: download.directory }) };
}

async function fromExport({
  source,
  kind,
  out,
  name,
  precision,
  calibrate,
  task,
  flags,
}: Job): Promise<Imported> {
  // INT8 is made here of fp32 files, or was by whoever exported them.
  const wanted = calibrate === undefined ? precision : 'fp32';
  const snapshot = kind === 'hub' ? await fetchModel(source, flags.revision, wanted) : null;
  const directory = snapshot?.directory ?? source;
  await requireGraphs(directory);
  const { license: named, baseModels } = await readCard(directory);
  const license = flags.license ?? named ?? undefined;
  const madeOf = baseModels.length === 0 ? '' : `, made of ${baseModels.join(', ')}`;
  process.stdout.write(
    `Licence: ${printable(`${license ?? 'unknown, no model card names one'}${madeOf}`)}\n`,
  );
  const { draft, changed } = await importCaptioner({
    directory,
    out,
    name,
    ...(snapshot !== null && {
      origin: {
        id: source,
        revision: snapshot.commit,
        files: snapshot.files,
        baseModels,
      },
    }),
    ...(license !== undefined && { license }),
    ...(wanted !== undefined && { precision: wanted }),
    ...(task !== undefined && { task }),
  }).catch((error: unknown) => {
    if (snapshot === null || !(error instanceof SourceError)) throw error;
    throw inside(error, directory, `${source} at ${snapshot.commit}`);
  });
  for (const one of changed) process.stdout.write(`  ${printable(one)}\n`);
  return { draft, ...(snapshot !== null && { fetched: snapshot.directory }) };
}

async function toInt8(fp32: Draft, calibrate: string[], { out, name }: Job): Promise<Draft> {
  const { draft, agreement } = await quantizeWithProgress(fp32.directory, calibrate, out, name);
  printAgreement(agreement);
  return draft;
}
