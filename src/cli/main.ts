import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { printable } from '../printable.ts';
import { addAltCommand } from './alt/alt.ts';
import { addResultsCommand } from './bucket/results.ts';
import { addRunBucketCommand } from './bucket/run-bucket.ts';
import { addCaptionCommand } from './caption/caption.ts';
import { addEvaluateCommand } from './evaluate/evaluate.ts';
import { addImportCommand } from './import/import.ts';
import { addQuantizeCommand } from './import/quantize.ts';
import { addServeCommand } from './serve/serve.ts';
import { sayFailure } from './shared/failure.ts';
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
  process.exitCode = sayFailure(error);
}
