import type { Command } from 'commander';
import type { ImportFlags } from './import-bundle.ts';

const EXAMPLES = `
SOURCE is a frozen graph (.pb), a V2 checkpoint (its prefix or .index), a V1 checkpoint, a directory or a .tar, .tar.gz
or .zip with one of these, or an https address of any of them with the hash that it must have.

Examples:
  $ show-and-tell import --from model.ckpt-2000000 --vocabulary word_counts.txt --out models/im2txt
  $ show-and-tell import --from im2txt.pb --vocabulary word_counts.txt --repair-vocabulary --out models/im2txt
  $ show-and-tell import --from weights.tar.gz --precision int8 --calibrate photos/ --out models/im2txt-int8

Exit status: 0 done, 2 wrong usage or --out is taken, 4 the source or the model is unusable, 70 a bug, 74 the output cannot be
written, 130 interrupted.`;

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
      '--license <text>',
      'of the weights, for the manifest',
      'unknown: see where the weights came from',
    )
    .option('--sha256 <hash>', 'of what an https address serves')
    .option('--sha512 <hash>', 'the same')
    .addHelpText('after', EXAMPLES)
    .action(async (flags: ImportFlags) => {
      const { importBundle } = await import('./import-bundle.ts');
      await importBundle(flags);
    });
}
