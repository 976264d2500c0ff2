/** Every failure that HTTP answers, the program's own and those that only HTTP has, and the document that reports it. */
import { z } from '@hono/zod-openapi';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { ErrorReport } from '../errors.ts';

export const PROBLEM_TYPE = 'application/problem+json';

/** Failures that only HTTP has. */
type HttpErrorCode =
  | 'MalformedRequest'
  | 'BucketNotAllowed'
  | 'RouteNotFound'
  | 'MethodNotAllowed'
  | 'UnsupportedMediaType';

export type ProblemCode = ErrorReport['code'] | HttpErrorCode;

/** A request that HTTP refuses before the core sees it. */
export class HttpError extends Error {
  readonly code: HttpErrorCode;

  constructor(code: HttpErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  override get name(): HttpErrorCode {
    return this.code;
  }
}

/** The client closed the connection before its answer. Nobody is answered; the log says 499. */
export class ClientLeft extends Error {
  override readonly name = 'ClientLeft';
}

/**
 * The one table from failure to answer. 400 against 422: 400 when the bytes cannot be read as what the request says
 * they are (no JSON, no base64, no multipart), 422 when they can and ask for what is not allowed.
 */
export const PROBLEMS = {
  MalformedRequest: { status: 400, title: 'The request cannot be read as what it says it is.' },
  BucketNotAllowed: { status: 403, title: 'This deployment does not read images from that bucket.' },
  ImageNotFound: { status: 404, title: 'There is no image under that name.' },
  RouteNotFound: { status: 404, title: 'There is nothing at this address.' },
  MethodNotAllowed: { status: 405, title: 'This address takes other methods.' },
  ImageTooLarge: { status: 413, title: 'The image has too many bytes or pixels.' },
  UnsupportedMediaType: { status: 415, title: 'Bodies of this content type are not read here.' },
  UnsupportedImage: { status: 415, title: 'The image is damaged, or of a kind that is not read here.' },
  InvalidRequest: { status: 422, title: 'The request asks for something that is not allowed.' },
  ObjectRefused: { status: 500, title: 'S3 does not let this deployment read that object.' },
  InternalError: { status: 500, title: 'The service failed.' },
  ModelUnusable: { status: 500, title: 'The model of this deployment cannot be used.' },
  Overloaded: { status: 503, title: 'There is no place left for this request now.' },
  CaptionerHung: { status: 503, title: 'The service did not finish this image and gave it up.' },
  UpstreamUnavailable: { status: 503, title: 'A service behind this one does not answer now.' },
  DeadlineExceeded: { status: 504, title: 'There was not enough time for this request.' },
} as const satisfies Record<ProblemCode, { status: ContentfulStatusCode; title: string }>;

/** What only a server that holds connections can refuse, before there is a request for the app. */
export const REFUSALS = {
  RequestTimeout: { status: 408, title: 'The request took too long to arrive.' },
  ExpectationFailed: { status: 417, title: 'The only expectation that is met here is 100-continue.' },
  HeadersTooLarge: { status: 431, title: 'The headers are too long.' },
} as const;

/** Everything that a problem document may report. */
export const ALL_PROBLEMS = { ...PROBLEMS, ...REFUSALS };
export type AnyProblemCode = keyof typeof ALL_PROBLEMS;

/** Where a kind of problem is explained, from the deployment's own address on: the section of the reference with that id. */
export function problemType(code: AnyProblemCode): string {
  return `/docs#${code}`;
}

/** Answered with `Retry-After`: a later request may well succeed. */
const PASSING: ReadonlySet<string> = new Set<ProblemCode>([
  'Overloaded',
  'CaptionerHung',
  'UpstreamUnavailable',
]);
/** Seconds; a full queue is worked off in about one: a caption takes some 20 ms. */
const RETRY_AFTER_SECONDS = 1;

/** The header `Retry-After` of an answer, where it has one; `code` is of any failure that a server answers. */
export function retryAfter(code: string): { 'retry-after'?: string } {
  return PASSING.has(code) ? { 'retry-after': String(RETRY_AFTER_SECONDS) } : {};
}

export const problemSchema = z
  .object({
    type: z
      .string()
      .meta({ format: 'uri-reference', description: 'Where this kind of problem is explained' }),
    title: z.string(),
    status: z.int().min(400).max(599),
    detail: z.string().optional().describe('What is wrong with this very request'),
    instance: z.string().meta({ format: 'uri-reference', description: 'The path that was asked for' }),
    code: z.enum(Object.keys(PROBLEMS) as [ProblemCode, ...ProblemCode[]]),
    requestId: z.string().describe('The same as in the header x-request-id'),
    traceId: z.string().describe('Of the request’s traceparent (W3C), or of a trace that began with it'),
  })
  .openapi('Problem', {
    description: 'A problem document (RFC 9457)',
    example: {
      type: problemType('UnsupportedImage'),
      ...PROBLEMS.UnsupportedImage,
      detail: 'the image is damaged: VipsJpeg: premature end of JPEG image',
      instance: '/captions',
      code: 'UnsupportedImage',
      requestId: '2c4b6c1e-8f0a-4d5e-9b1f-6a7d3c2e1f00',
      traceId: '0af7651916cd43dd8448eb211c80319c',
    },
  });

export type Problem = z.output<typeof problemSchema>;
