import { z } from '@hono/zod-openapi';
import { PROBLEM_TYPE, PROBLEMS, type ProblemCode, problemSchema, retryAfter } from './failures.ts';

const CONTENT = { [PROBLEM_TYPE]: { schema: problemSchema } };

export const RETRY_AFTER = z.object({
  'Retry-After': z.int().describe('Seconds to wait before asking again'),
});

interface ProblemAnswer {
  description: string;
  content?: typeof CONTENT;
  headers?: typeof RETRY_AFTER;
}

/** What a gateway in front of the service answers by itself; part of the document, since clients meet it. */
export const GATEWAY_ANSWERS = {
  429: {
    description: 'Too many requests at a time; not a problem document, since a gateway in front says so.',
  },
};

/** Failures of the service that any route which captions may answer with. */
const SERVICE_CODES = [
  'Overloaded',
  'UpstreamUnavailable',
  'DeadlineExceeded',
  'CaptionerHung',
  'ObjectRefused',
  'InternalError',
  'ModelUnusable',
] as const satisfies readonly ProblemCode[];

/** Headers of an answer to a failure, for the OpenAPI document. */
export function headersOf(code: ProblemCode): { headers?: typeof RETRY_AFTER } {
  return Object.keys(retryAfter(code)).length > 0 ? { headers: RETRY_AFTER } : {};
}

/** The answers of a route that captions that are problem documents, for the OpenAPI document. */
export function problemAnswers(...codes: ProblemCode[]) {
  const byStatus: Record<string, ProblemAnswer> = { ...GATEWAY_ANSWERS };
  for (const code of [...codes, ...SERVICE_CODES]) {
    const { status, title } = PROBLEMS[code];
    const before = byStatus[status]?.description;
    const line = `${code}: ${title}`;
    byStatus[status] = {
      description: before === undefined ? line : `${before}\n\n${line}`,
      content: CONTENT,
      ...headersOf(code),
    };
  }
  return byStatus;
}
