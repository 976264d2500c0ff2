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

const program = new Command('show-and-tell')
  .description(
    'Captions photographs: a CNN reads the image, an LSTM says it, beam search ranks the sentences.',
  )
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

/** The status once standard output cannot be written; later failures of the same stream say nothing new. */
let outputLost: number | undefined;
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (outputLost !== undefined) return;
  // `show-and-tell … | head` closes the pipe early; that is no error.
  outputLost = error.code === 'EPIPE' ? EXIT_OK : EXIT_OUTPUT_FAILED;
  if (outputLost !== EXIT_OK) sayOutputFailed(new OutputFailed('standard output', error));
  // Ends as after Ctrl-C: a command with threads has to end them itself, or onnxruntime aborts amid a run.
  if (!process.emit('SIGINT')) process.exit(outputLost);
});
// The stream fails at its own time, also after the command has returned.
process.on('exit', () => {
  if (outputLost !== undefined) process.exitCode = outputLost;
});

function sayOutputFailed({ message }: OutputFailed): void {
  process.stderr.write(`show-and-tell: ${printable(message)}\n`);
}

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? EXIT_OK : EXIT_USAGE;
  } else if (error instanceof OutputFailed) {
    sayOutputFailed(error);
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
