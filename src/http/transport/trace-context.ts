/** W3C Trace Context (https://www.w3.org/TR/trace-context/): which trace of its caller's a request belongs to. */
import { randomBytes } from 'node:crypto';
import type { MiddlewareHandler } from 'hono';
import type { AppEnv, Trace } from '../parts.ts';

/**
 * Section 3.2 of the specification: lower case only, no version `ff`, nothing after the flags in version 00. Later versions
 * may go on after another dash (section 4.3).
 */
const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const ZEROS = /^0+$/;
/** `sampled` and, of level 2, `random-trace-id`; those not known are sent on as zero. */
const KNOWN_FLAGS = 0b11;
/** A trace that begins here: made of random bits, and not recorded but in the log. */
const OWN_FLAGS = 0b10;

/**
 * The operation that answering a request is, below the caller's where it names one; where it does not, or not so that it
 * can be read, at the beginning of a trace. `tracestate` is not read: it is for who sends a trace on, and the services
 * called from here are AWS's, which follow a header of their own.
 * @param traceparent value of the header, `null` without one
 */
export function traceOf(traceparent: string | null): Trace {
  const spanId = randomHex(8);
  const parent = parentIn(traceparent ?? '');
  return parent === null ? { traceId: randomHex(16), spanId, flags: OWN_FLAGS } : { ...parent, spanId };
}

function parentIn(traceparent: string): Omit<Trace, 'spanId'> | null {
  const match = TRACEPARENT.exec(traceparent);
  if (match === null) return null;
  const [version, traceId, parentSpanId, flags] = match.slice(1, 5) as [string, string, string, string];
  if (version === 'ff' || ZEROS.test(traceId) || ZEROS.test(parentSpanId)) return null;
  if (version === '00' && match[5] !== undefined) return null;
  return { traceId, parentSpanId, flags: Number.parseInt(flags, 16) & KNOWN_FLAGS };
}

/** All zeros, which stand for none, are as likely as a broken machine. */
function randomHex(bytes: number): string {
  return randomBytes(bytes).toString('hex');
}

/** Value of `traceresponse`, as the working group's draft has it: tells who began no trace where to find this one. */
export function traceResponse({ traceId, spanId, flags }: Trace): string {
  return `00-${traceId}-${spanId}-${flags.toString(16).padStart(2, '0')}`;
}

/** Gives each request its trace, and each answer `traceresponse`. */
export const traceRequests: MiddlewareHandler<AppEnv> = async (c, next) => {
  const trace = traceOf(c.req.header('traceparent') ?? null);
  c.set('trace', trace);
  c.header('traceresponse', traceResponse(trace));
  await next();
};
