import type { Command } from 'commander';
import { placeOf } from './place.ts';
import type { RunBucketFlags } from './start-run.ts';

const EXAMPLES = `
The state machine is one of the stack's outputs: \`npx cdk deploy --outputs-file cdk-outputs.json\` keeps them.
Region and credentials come from the environment, as for every program that uses AWS.

Examples:
  $ show-and-tell run-bucket --bucket photos --prefix 2026/ --dry-run
  $ show-and-tell run-bucket --bucket photos --prefix 2026/ --state-machine cdk-outputs.json

A signal (Ctrl-C) leaves the run going, and says how to follow or stop it.

Exit status: 0 all captioned, 2 wrong usage, 3 some image failed, 4 the run failed, 70 a bug, 74 the output
cannot be written; ended by a signal: 129 SIGHUP, 130 Ctrl-C, 143 SIGTERM.`;

export function addRunBucketCommand(program: Command): void {
  program
    .command('run-bucket')
    .description('caption every image of an S3 bucket with the deployed state machine')
    .requiredOption('--bucket <name>', 'bucket of the images; s3://name/prefix says both')
    .option('--prefix <text>', 'only keys that start so', '')
    .option('--state-machine <arn|file>', 'its ARN, or the file of outputs that `cdk deploy` wrote')
    .option('--dry-run', 'count and estimate, start nothing')
    .option('--json', 'one JSON object a line: the plan, the execution, its end')
    .addHelpText('after', EXAMPLES)
    .action(async (flags: RunBucketFlags, command: Command) => {
      const place = placeOf(flags, command);
      // AWS's SDK takes a tenth of a second to load, so other commands do not load it.
      const { runBucket } = await import('./start-run.ts');
      process.exitCode = await runBucket({ ...flags, ...place });
    });
}
