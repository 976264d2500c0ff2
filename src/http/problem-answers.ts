import { z } from '@hono/zod-openapi';
import { PROBLEM_TYPE, PROBLEMS, type ProblemCode, problemSchema } from './failures.ts';

const CONTENT = { [PROBLEM_TYPE]: { schema: problemSchema } };

/** With 503. */
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

/** The answers of a route that are problem documents, for the OpenAPI document; every route may fail with 500. */
export function problemAnswers(...codes: ProblemCode[]) {
  const byStatus: Record<string, ProblemAnswer> = { ...GATEWAY_ANSWERS };
  for (const code of [...codes, 'InternalError', 'ModelUnusable'] as const) {
    const { status, title } = PROBLEMS[code];
    const before = byStatus[status]?.description;
    const line = `${code}: ${title}`;
    byStatus[status] = {
      description: before === undefined ? line : `${before}\n\n${line}`,
      content: CONTENT,
      ...(code === 'Overloaded' && { headers: RETRY_AFTER }),
    };
  }
  return byStatus;
}
