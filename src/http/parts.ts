import type { z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import type { ObjectReference } from '../aws/object-reference.ts';
import type { Captioner } from '../caption/captioner.ts';
import type { RecordedOutcome, Timings } from '../caption/result.ts';
import type { AllowedOrigin } from './cross-origin.ts';
import type { HttpError, ProblemCode } from './failures.ts';
import type { ModelCard } from './model-card.ts';
import type { Announcement, uploadRequestSchema } from './schemas.ts';

/** Where a request stands in its caller's trace (W3C Trace Context); ids are lower case hexadecimal. */
export interface Trace {
  /** 32 digits. */
  traceId: string;
  /** Of what is done here for the request, 16 digits. */
  spanId: string;
  /** The caller's span, where it named one. */
  parentSpanId?: string;
  /** 1: sampled; 2: the trace's id is random. */
  flags: number;
}

/** The names that OpenTelemetry has for them in logs. */
export interface TraceFields {
  trace_id: string;
  span_id: string;
  parent_span_id?: string;
}

/** One structured line a request: enough to count, to time and to find it again; never a caption or an image. */
export interface RequestReport extends TraceFields {
  id: string;
  method: string;
  /** One of the app's own paths, as in `/captions/:id`, or `other`: what clients invent stays out of logs and metrics. */
  route: string;
  /** 499 where the connection closed before the answer. */
  status: number;
  /** Of the problem document, where the answer is one. */
  code?: ProblemCode;
  /** What the service did wrong, for its operator; never there when the request is at fault. */
  error?: string;
  /** Of the request's body, as far as it was read. */
  bytes: number;
  /** Images captioned. */
  images: number;
  /** Stages of all images together, ms. */
  timings?: Timings;
  /** From the request's arrival in the app to its answer, ms. */
  milliseconds: number;
}

/** Images above what a request may have: put into S3 by the client, captioned from the queue. */
export interface Uploads {
  /** Largest image, bytes. */
  maxBytes: number;
  /** Where to put an image. @throws ImageTooLarge */
  announce(image: z.output<typeof uploadRequestSchema>): Promise<Omit<Announcement, 'result'>>;
  /** `null` while there is an image and no result yet. @throws ImageNotFound, UpstreamUnavailable */
  outcome(id: string): Promise<RecordedOutcome | null>;
}

/** What Prometheus scrapes. */
export interface MetricsText {
  /** For `content-type`. */
  type: string;
  text: string;
}

/** Where people who open the page sign in (OpenID Connect); a gateway in front checks what they bring from there. */
export interface Login {
  /** Describes itself at `/.well-known/openid-configuration` below this address. */
  issuer: string;
  /** A public client, with the page's address to come back to. */
  clientId: string;
  /** Separated by blanks. */
  scope: string;
}

/** What an edge hands to the app. */
export interface AppParts {
  caption: Captioner['caption'];
  /** Images of one request that are captioned at the same time. @default 1 */
  together?: number;
  /** What `GET /model` tells. */
  model: ModelCard;
  /** Checks options before anything is read. @throws InvalidRequest */
  plan: Captioner['plan'];
  /**
   * Reads an object from S3; absent where the deployment reads none.
   * @throws ImageNotFound, ImageTooLarge; InvalidRequest when the bucket is not allowed
   */
  readS3?: (reference: ObjectReference) => Promise<Uint8Array>;
  /** Absent where the deployment takes no uploads. */
  uploads?: Uploads;
  /** Absent where the page asks nobody to sign in. */
  login?: Login;
  /** For `GET /metrics`; absent where the deployment has none there. */
  metrics?: () => Promise<MetricsText>;
  /** Longest body of a request, bytes. */
  maxBodyBytes: number;
  /** Longest answer with captions, bytes as a text within JSON. @default no limit */
  maxAnswerBytes?: number;
  /** Images of a form. @default 20 */
  maxImages?: number;
  /** When the answer must be there, ms since the epoch. @default no deadline */
  deadlineOf?: (c: Context) => number | undefined;
  /** Other bounds that hold here, for the reference to tell. */
  limits?: EdgeLimits;
  report?: (line: RequestReport) => void;
  /** Why the edge could not read a request, which is then refused. @default each could be read */
  refusalOf?: (c: Context) => HttpError | undefined;
  /** True of a request that the edge has answered and reported itself meanwhile. @default none */
  isRefused?: (c: Context) => boolean;
  /** Pages of other origins that may call; absent where none may, or where a gateway in front says which. */
  allowedOrigin?: AllowedOrigin;
}

/** Bounds that an edge sets, not the app; absent where it sets none. */
export interface EdgeLimits {
  /** All headers of a request, bytes. */
  headerBytes?: number;
  /** From a request's first byte to its last, ms. */
  requestTimeout?: number;
  /** What a body has to bring in each window. */
  slowestBody?: { bytes: number; milliseconds: number };
  /** Largest image read from S3, bytes. @default `maxBodyBytes` */
  objectBytes?: number;
  /** Of an image, where the deployment has a limit of its own. */
  pixels?: number;
  /** Largest upload, bytes. */
  uploadBytes?: number;
}

/** What a request collects for its report on the way. */
export interface AppEnv {
  Variables: {
    requestId: string;
    trace: Trace;
    bytes?: number;
    images?: number;
    timings?: Timings;
    code?: ProblemCode;
    error?: string;
  };
}
