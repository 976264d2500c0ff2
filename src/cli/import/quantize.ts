import type { Command } from 'commander';
import type { QuantizeFlags } from './quantize-model.ts';

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
    .addHelpText(
      'after',
      '\nExample:\n  $ show-and-tell quantize --model models/im2txt --calibrate photos/ --out models/im2txt-int8',
    )
    .action(async (flags: QuantizeFlags) => {
      const { quantizeModel } = await import('./quantize-model.ts');
      await quantizeModel(flags);
    });
}
