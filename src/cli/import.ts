import { mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { Command } from 'commander';
import { InvalidRequest } from '../errors.ts';
import { downloadSource } from '../export/download.ts';
import { type ImportedDraft, importWeights } from '../export/exporter.ts';
import { checkFree, type Draft } from '../export/write-bundle.ts';
import { exitOnInterrupt, printAgreement, printBundle, publishChecked } from './bundle-report.ts';
import { startProgress } from './progress.ts';
import { quantizeWithProgress } from './quantize.ts';

interface ImportFlags {
  from: string;
  out: string;
  vocabulary?: string;
  repairVocabulary?: boolean;
  precision: string;
  calibrate?: string[];
  name?: string;
  licence: string;
  sha256?: string;
  sha512?: string;
}

const EXAMPLES = `
SOURCE is a frozen graph (.pb), a V2 checkpoint (its prefix or .index), a V1 checkpoint, a directory or a .tar, .tar.gz
or .zip with one of these, or an https address of any of them with the hash that it must have.

Examples:
  $ show-and-tell import --from model.ckpt-2000000 --vocabulary word_counts.txt --out models/im2txt
  $ show-and-tell import --from im2txt.pb --vocabulary word_counts.txt --repair-vocabulary --out models/im2txt
  $ show-and-tell import --from weights.tar.gz --precision int8 --calibrate photos/ --out models/im2txt-int8`;

export function addImportCommand(program: Command): void {
  program
    .command('import')
    .description('turn im2txt weights (TensorFlow checkpoint or frozen graph) into a bundle')
    .requiredOption('--from <source>', 'the weights')
    .requiredOption('--out <dir>', 'bundle to make; must not exist')
    .option(
      '--vocabulary <file>',
      'word_counts.txt of these weights (default: the one beside or inside the source)',
    )
    .option('--repair-vocabulary', 'mend a damaged word list and say what was mended')
    .option('--precision <fp32|int8>', 'of the graphs', 'fp32')
    .option('--calibrate <images...>', 'photographs for --precision int8: files, directories or patterns')
    .option('--name <name>', 'of the model (default: that of the directory)')
    .option(
      '--licence <text>',
      'of the weights, for the manifest',
      'unknown: see where the weights came from',
    )
    .option('--sha256 <hash>', 'of what an https address serves')
    .option('--sha512 <hash>', 'the same')
    .addHelpText('after', EXAMPLES)
    .action(async (flags: ImportFlags) => {
      await importBundle(flags);
    });
}

async function importBundle(flags: ImportFlags): Promise<void> {
  checkFlags(flags);
  await checkFree(flags.out);
  exitOnInterrupt();
  const started = performance.now();
  const download = isAddress(flags.from) ? await fetchSource(flags) : null;
  const imported = await importWeights({
    from: download?.file ?? flags.from,
    origin: flags.from,
    ...(flags.vocabulary === undefined ? {} : { vocabulary: flags.vocabulary }),
    repairVocabulary: flags.repairVocabulary ?? false,
    out: flags.out,
    name: flags.name ?? basename(flags.out),
    licence: flags.licence,
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

/** Downloads to a place that a second try finds again, named by the hash. */
async function fetchSource({
  from,
  sha256,
  sha512,
}: ImportFlags): Promise<{ file: string; directory: string }> {
  const hash = sha512 === undefined ? { sha256: sha256! } : { sha512 };
  const name = Object.values(hash)[0]!
    .slice(0, 32)
    .replace(/[^0-9a-zA-Z]/g, '');
  const directory = join(tmpdir(), `show-and-tell-download-${name}`);
  await mkdir(directory, { recursive: true });
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

const megabytes = (bytes: number): number => Math.round(bytes / 1e5) / 10;

function printSource({ source, vocabularyFile, mended }: ImportedDraft): void {
  const step = source.globalStep === undefined ? '' : `, step ${source.globalStep}`;
  process.stdout.write(
    `Read ${source.kind} ${source.file}${step}; ${source.ignored.length} tensors not needed\n`,
  );
  process.stdout.write(`Words from ${vocabularyFile}\n`);
  for (const line of mended) process.stdout.write(`  mended ${line}\n`);
}

async function toInt8(fp32: Draft, flags: ImportFlags): Promise<Draft> {
  const name = flags.name ?? basename(flags.out);
  const { draft, agreement } = await quantizeWithProgress(fp32.directory, flags.calibrate!, flags.out, name);
  printAgreement(agreement);
  return draft;
}
