import type { Command } from 'commander';
import type { QuantizeFlags } from './quantize-model.ts';

const EXAMPLES = `
Example:
  $ show-and-tell quantize --model models/im2txt --calibrate photos/ --out models/im2txt-int8

Exit status: 0 done, 2 wrong usage or --out is taken, 4 the model is unusable, 70 a bug, 74 the output cannot be
written, 130 interrupted.`;

export function addQuantizeCommand(program: Command): void {
  program
    .command('quantize')
    .description('make an INT8 bundle of an fp32 one')
    .requiredOption('--model <dir>', 'fp32 bundle')
    .requiredOption(
      '--calibrate <images...>',
      'photographs to measure the ranges of values on; about 32 are enough',
    )
    .requiredOption('--out <dir>', 'bundle to make; must not exist')
    .option('--name <name>', 'of the model (default: that of the directory)')
    .addHelpText('after', EXAMPLES)
    .action(async (flags: QuantizeFlags) => {
      const { quantizeModel } = await import('./quantize-model.ts');
      await quantizeModel(flags);
    });
}
