import { flagOf } from '../../caption/options.ts';
import { describeProblems, type ErrorReport } from '../../errors.ts';

type Reason = Pick<ErrorReport, 'code' | 'message' | 'problems'>;

/** Says on standard error what is wrong with one image or page of many. */
export function complain(about: string, reason: Reason | string): void {
  process.stderr.write(`show-and-tell: ${about}: ${typeof reason === 'string' ? reason : inFlags(reason)}\n`);
}

/** A failure in words, options as the flags that they are. */
export function inFlags({ code, message, problems }: Reason): string {
  return `${code}: ${problems === undefined ? message : describeProblems(problems, flagOf)}`;
}
