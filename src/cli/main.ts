import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { OutputFailed, reportOf, SourceError } from '../errors.ts';
import { printable } from '../printable.ts';
import { addAltCommand } from './alt/alt.ts';
import { addResultsCommand } from './bucket/results.ts';
import { addRunBucketCommand } from './bucket/run-bucket.ts';
import { addCaptionCommand } from './caption/caption.ts';
import { addEvaluateCommand } from './evaluate/evaluate.ts';
import { addImportCommand } from './import/import.ts';
import { addQuantizeCommand } from './import/quantize.ts';
import { addServeCommand } from './serve.ts';
import { inFlags } from './shared/complain.ts';
import { EXIT_CODES, EXIT_MODEL_UNUSABLE, EXIT_OK, EXIT_OUTPUT_FAILED, EXIT_USAGE } from './shared/exit.ts';
import { watchOutput } from './shared/output.ts';

/** The package’s own file lies two folders up in the sources and in the package. */
const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

const program = new Command('show-and-tell')
  .description(
    'Captions photographs: a CNN reads the image, an LSTM says it, beam search ranks the sentences.',
  )
  .version(version, '--version', 'print the version')
  .showHelpAfterError('Add --help for usage and examples.')
  .configureOutput({
    // In one line, its guess as well: names of files may look like flags.
    outputError: (text, write) =>
      write(`${printable(text.trimEnd().replace(/\n(?=\(Did you mean )/, ' '))}\n`),
  })
  .exitOverride();

addCaptionCommand(program);
addAltCommand(program);
addEvaluateCommand(program);
addImportCommand(program);
addQuantizeCommand(program);
addServeCommand(program);
addRunBucketCommand(program);
addResultsCommand(program);

watchOutput();

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? EXIT_OK : EXIT_USAGE;
  } else if (error instanceof OutputFailed) {
    process.stderr.write(`show-and-tell: ${printable(error.message)}\n`);
    process.exitCode = EXIT_OUTPUT_FAILED;
  } else if (error instanceof SourceError) {
    process.stderr.write(`show-and-tell: ${error.code}: ${printable(error.message)}\n`);
    process.exitCode = EXIT_MODEL_UNUSABLE;
  } else {
    const report = reportOf(error);
    process.stderr.write(`show-and-tell: ${inFlags(report)}\n`);
    process.exitCode = EXIT_CODES[report.code];
  }
}
