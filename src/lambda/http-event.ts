/** What a gateway, a load balancer or a person in the console hands to the HTTP function, made fit for the app. */
import type { LambdaEvent } from 'hono/aws-lambda';
import * as z from 'zod';
import { HttpError } from '../http/failures.ts';

/** As API Gateway's HTTP APIs and function URLs send it. */
export type HttpEvent = Extract<LambdaEvent, { rawPath: string }> & {
  /** Why the app must refuse it; no header or body is left then. */
  refusal?: HttpError;
};

const eventSchema = z.looseObject({
  rawPath: z.string().startsWith('/'),
  rawQueryString: z.string().default(''),
  headers: z.record(z.string(), z.string().optional()).default({}),
  requestContext: z.looseObject({
    domainName: z.string().optional(),
    requestId: z.string(),
    stage: z.string().optional(),
    http: z.looseObject({ method: z.string() }),
  }),
  isBase64Encoded: z.boolean().default(false),
  body: z.string().nullish(),
});
type ReadEvent = z.output<typeof eventSchema>;

/** Of HTTP APIs without a stage in their paths, and of function URLs. */
const NO_STAGE = '$default';
const BODILESS: readonly string[] = ['GET', 'HEAD'];
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** @param requestId for what has none of its own */
export function readHttpEvent(event: unknown, requestId: string): HttpEvent {
  const parsed = eventSchema.safeParse(event);
  if (!parsed.success) {
    return refused('the event is no request of an HTTP API (payload 2.0) or a function URL', requestId);
  }
  const read = { ...parsed.data, rawPath: pathWithoutStage(parsed.data) };
  const { method } = read.requestContext.http;
  if (!isRequest(read)) {
    return refused('its method, headers or address are none of HTTP', read.requestContext.requestId);
  }
  // Of no meaning (RFC 9110 section 9.3.1), and `Request` takes none.
  if (BODILESS.includes(method)) return toApp({ ...read, body: undefined });
  if (read.isBase64Encoded && !isBase64(read.body ?? '')) {
    return toApp({ ...read, body: undefined }, 'the body is not the base64 that the event says it is');
  }
  return toApp(read);
}

/** An HTTP API writes the name of a stage into the path. */
function pathWithoutStage({ rawPath, requestContext: { stage = NO_STAGE } }: ReadEvent): string {
  if (stage === NO_STAGE || !`${rawPath}/`.startsWith(`/${stage}/`)) return rawPath;
  return rawPath.slice(stage.length + 1) || '/';
}

/** True where `Request` takes all but the body. */
function isRequest({ rawPath, rawQueryString, headers, requestContext }: ReadEvent): boolean {
  try {
    const { domainName, http } = requestContext;
    new Request(`https://${domainName}${rawPath}?${rawQueryString}`, { method: http.method });
    // Values beyond ASCII are encoded before they are set.
    for (const [name, value = ''] of Object.entries(headers)) {
      new Headers([[name, value.replaceAll(/[^\0-\x7f]/g, '')]]);
    }
    return true;
  } catch {
    return false;
  }
}

function isBase64(text: string): boolean {
  return BASE64.test(text) && text.replaceAll('=', '').length % 4 !== 1;
}

function refused(why: string, requestId: string): HttpEvent {
  const requestContext = { requestId, domainName: 'localhost', http: { method: 'GET' } };
  return toApp(
    { rawPath: '/', rawQueryString: '', headers: {}, requestContext, isBase64Encoded: false },
    why,
  );
}

/** The app's adapter reads no more of it than the schema above names. */
function toApp(event: ReadEvent, refusal?: string): HttpEvent {
  return {
    ...event,
    ...(refusal !== undefined && { refusal: new HttpError('MalformedRequest', refusal) }),
  } as unknown as HttpEvent;
}
