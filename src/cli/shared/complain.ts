import type { ErrorReport } from '../../errors.ts';

/** Says on standard error what is wrong with one image or page of many. */
export function complain(about: string, reason: Pick<ErrorReport, 'code' | 'message'> | string): void {
  const text = typeof reason === 'string' ? reason : `${reason.code}: ${reason.message}`;
  process.stderr.write(`show-and-tell: ${about}: ${text}\n`);
}
