/** Problem documents (RFC 9457) for what is refused before the app sees a request, or when there is none. */
import { randomUUID } from 'node:crypto';
import { ALL_PROBLEMS, PROBLEM_TYPE, problemType, type REFUSALS, retryAfter } from '../http/failures.ts';

export type RefusalCode = keyof typeof REFUSALS | 'MalformedRequest' | 'Overloaded';

/** An answer as plain data, since it goes out on a response or on a bare socket. */
export interface Refusal {
  code: RefusalCode;
  requestId: string;
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** @param instance the path that was asked for, where one could be read */
export function refusalOf(code: RefusalCode, detail?: string, instance = ''): Refusal {
  const requestId = randomUUID();
  const { status, title } = ALL_PROBLEMS[code];
  const body = JSON.stringify({ type: problemType(code), title, status, detail, instance, code, requestId });
  return {
    code,
    requestId,
    status,
    headers: {
      'content-type': PROBLEM_TYPE,
      'content-length': String(Buffer.byteLength(body)),
      'x-request-id': requestId,
      ...retryAfter(code),
    },
    body,
  };
}
