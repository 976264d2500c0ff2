/** Failures as RFC 9457 problem documents. */
import type { Context } from 'hono';
import { CaptionError, reportOf } from '../errors.ts';
import {
  HttpError,
  PROBLEM_TYPE,
  PROBLEMS,
  type Problem,
  type ProblemCode,
  problemType,
  retryAfter,
} from './failures.ts';
import type { AppEnv } from './parts.ts';
import { uriPath } from './uri-path.ts';

/** Messages repeat names that a client sent, which may have any length; longer ones are cut. */
const MAX_DETAIL_CHARACTERS = 500;

function codeOf(error: unknown): ProblemCode {
  return error instanceof HttpError ? error.code : reportOf(error).code;
}

/** What a client is told: nothing of what happens inside the service. */
export function problemOf(error: unknown, c: Context<AppEnv>): Problem {
  const code = codeOf(error);
  const detail = isTellable(error) ? { detail: shorten(error.message) } : {};
  return {
    type: problemType(code),
    ...PROBLEMS[code],
    ...detail,
    instance: uriPath(new URL(c.req.url).pathname),
    code,
    requestId: c.get('requestId'),
    traceId: c.get('trace').traceId,
  };
}

function isTellable(error: unknown): error is Error {
  if (error instanceof HttpError) return true;
  return error instanceof CaptionError && error.code !== 'ModelUnusable';
}

function shorten(text: string): string {
  return text.length <= MAX_DETAIL_CHARACTERS ? text : `${text.slice(0, MAX_DETAIL_CHARACTERS)}…`;
}

/** Marks the request as failed for its report; sets what every answer to that failure carries. */
export function noteFailure(error: unknown, c: Context<AppEnv>): ProblemCode {
  const code = codeOf(error);
  c.set('code', code);
  if (PROBLEMS[code].status >= 500) c.set('error', textForOperators(error));
  for (const [name, value] of Object.entries(retryAfter(code))) c.header(name, value);
  return code;
}

/** With what caused it, which clients are not told. */
function textForOperators(error: unknown): string {
  const { message } = reportOf(error);
  const cause = error instanceof CaptionError ? error.cause : undefined;
  return cause instanceof Error ? `${message}: ${cause.stack ?? cause.message}` : message;
}

export function answerProblem(error: unknown, c: Context<AppEnv>): Response {
  const code = noteFailure(error, c);
  return c.body(JSON.stringify(problemOf(error, c)), PROBLEMS[code].status, { 'content-type': PROBLEM_TYPE });
}
