import { flagOf } from '../../caption/options.ts';
import { describeProblems, type ErrorReport } from '../../errors.ts';
import { printable, printableLines } from '../../printable.ts';

type Reason = Pick<ErrorReport, 'code' | 'message' | 'problems'>;

/** Says on standard error what is wrong with one image or page of many. */
export function complain(about: string, reason: Reason | string): void {
  const said = typeof reason === 'string' ? printable(reason) : inFlags(reason);
  process.stderr.write(`show-and-tell: ${printable(about)}: ${said}\n`);
}

/** A failure in words, options as the flags that they are; one line, but for a bug with its stack. */
export function inFlags({ code, message, problems }: Reason): string {
  if (code === 'InternalError') return printableLines(`${code}: ${message}`);
  return printable(`${code}: ${problems === undefined ? message : describeProblems(problems, flagOf)}`);
}
