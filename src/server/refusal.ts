/** Problem documents (RFC 9457) for what is refused before the app sees a request, or when there is none. */
import { randomUUID } from 'node:crypto';
import { ALL_PROBLEMS, PROBLEM_TYPE, problemType, type REFUSALS, retryAfter } from '../http/failures.ts';
import type { Trace } from '../http/parts.ts';
import { traceOf, traceResponse } from '../http/transport/trace-context.ts';
import { uriPath } from '../http/uri-path.ts';

export type RefusalCode = keyof typeof REFUSALS | 'MalformedRequest' | 'Overloaded';

/** An answer as plain data, since it goes out on a response or on a bare socket. */
export interface Refusal {
  code: RefusalCode;
  requestId: string;
  trace: Trace;
  status: number;
  headers: Record<string, string>;
  body: string;
}

interface RefusedRequest {
  /** What is wrong with this very request. */
  detail?: string;
  /** The path that was asked for, where one could be read. */
  instance?: string;
  /** The header of that name, where headers could be read. */
  traceparent?: string | undefined;
}

export function refusalOf(
  code: RefusalCode,
  { detail, instance = '', traceparent }: RefusedRequest = {},
): Refusal {
  const trace = traceOf(traceparent ?? null);
  const { traceId } = trace;
  const requestId = randomUUID();
  const { status, title } = ALL_PROBLEMS[code];
  const body = JSON.stringify({
    type: problemType(code),
    title,
    status,
    detail,
    instance: uriPath(instance),
    code,
    requestId,
    traceId,
  });
  return {
    code,
    requestId,
    trace,
    status,
    headers: {
      'content-type': PROBLEM_TYPE,
      'content-length': String(Buffer.byteLength(body)),
      'x-request-id': requestId,
      traceresponse: traceResponse(trace),
      ...retryAfter(code),
    },
    body,
  };
}
