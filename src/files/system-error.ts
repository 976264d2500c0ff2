import { InvalidRequest, isDiskFailure, OutputFailed } from '../errors.ts';

/** Of an error of the system; none of any other. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'syscall' in error && 'code' in error ? String(error.code) : undefined;
}

/** What the disk's fault is ends a run; what the file's own is, is told of it. Any other error stays what it is. */
export function notWritten(path: string, cause: unknown): unknown {
  const code = codeOf(cause);
  if (code === undefined) return cause;
  if (isDiskFailure(cause)) return new OutputFailed(path, cause);
  return new InvalidRequest(`${path} cannot be written (${code})`, { cause });
}
