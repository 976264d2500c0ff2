/** Of Node's sockets and of the SDK's own limits. */
const LOST_CONNECTION: readonly unknown[] = [
  'AbortError',
  'TimeoutError',
  'ECONNABORTED',
  'ECONNREFUSED',
  'ECONNRESET',
  'EAI_AGAIN',
  'ENOTFOUND',
  'EPIPE',
  'ERR_STREAM_PREMATURE_CLOSE',
  'ETIMEDOUT',
];

/** True when no answer came, which the next try may bring; told by name and code, never by message. */
export function isLostConnection(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return LOST_CONNECTION.includes(error.name) || ('code' in error && LOST_CONNECTION.includes(error.code));
}
