import { type Command, Option } from 'commander';
import { DEFAULT_RESULTS_PREFIX } from '../../aws/places.ts';
import { placeOf } from './place.ts';
import type { ResultsFlags } from './print-results.ts';

const EXAMPLES = `
Examples:
  $ show-and-tell results --bucket captions-of-mine > captions.jsonl
  $ show-and-tell results --bucket captions-of-mine --prefix captions/photos/2026/ --format csv > captions.csv
  $ show-and-tell results --bucket captions-of-mine --failed --format csv
  $ show-and-tell results --bucket captions-of-mine --format parquet --out captions.parquet

Exit status: 0 all were read, 2 wrong usage, 3 something under the prefix is no result, 70 a bug,
74 the output cannot be written; ended by a signal: 129 SIGHUP, 130 Ctrl-C, 143 SIGTERM.`;

export function addResultsCommand(program: Command): void {
  program
    .command('results')
    .description('print the results that S3 and state machine runs left in a bucket')
    .requiredOption('--bucket <name>', 'bucket of the results; s3://name/prefix says both')
    .option(
      '--prefix <text>',
      'only keys that start so: captions/<bucket of the image>/<its key>',
      DEFAULT_RESULTS_PREFIX,
    )
    .addOption(
      new Option('--format <name>', 'whole documents, or a table of what matters')
        .choices(['jsonl', 'csv', 'parquet'])
        .default('jsonl'),
    )
    .option('--out <file>', 'written whole or not at all (default: standard output)')
    .option('--failed', 'only images that have no caption')
    .addHelpText('after', EXAMPLES)
    .action(async (flags: ResultsFlags, command: Command) => {
      const place = placeOf(flags, command);
      // AWS's SDK takes a tenth of a second to load, so other commands do not load it.
      const { printResults } = await import('./print-results.ts');
      process.exitCode = await printResults({ ...flags, ...place });
    });
}
