import { Logger } from '@aws-lambda-powertools/logger';
import type { ConstructorOptions } from '@aws-lambda-powertools/logger/types';
import { printableLines } from '../printable.ts';

/** JSON escapes line ends and other control characters of ASCII by itself; the rest of what a terminal acts upon it leaves as it is. */
export function createLogger(options?: ConstructorOptions): Logger {
  return new Logger({
    ...options,
    jsonReplacerFn: (_key, value) => (typeof value === 'string' ? printableLines(value) : value),
  });
}
