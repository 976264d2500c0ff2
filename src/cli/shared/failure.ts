import { CommanderError } from 'commander';
import { OutputFailed, reportOf, SourceError } from '../../errors.ts';
import { printable } from '../../printable.ts';
import { inFlags } from './complain.ts';
import { EXIT_CODES, EXIT_MODEL_UNUSABLE, EXIT_OK, EXIT_OUTPUT_FAILED, EXIT_USAGE } from './exit.ts';

/**
 * Says on standard error why a command did not come to its end; commander has said its own.
 * @returns exit status
 */
export function sayFailure(error: unknown): number {
  // Help and the version are such an end, too.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_OK : EXIT_USAGE;
  const [said, status] = judged(error);
  process.stderr.write(`show-and-tell: ${said}\n`);
  return status;
}

function judged(error: unknown): [said: string, status: number] {
  if (error instanceof OutputFailed) return [printable(error.message), EXIT_OUTPUT_FAILED];
  if (error instanceof SourceError)
    return [`${error.code}: ${printable(error.message)}`, EXIT_MODEL_UNUSABLE];
  const report = reportOf(error);
  return [inFlags(report), EXIT_CODES[report.code]];
}
