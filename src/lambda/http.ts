/** HTTP: an API Gateway HTTP API (payload 2.0) or a function URL in front of the app that the server serves as well. */
import type { Context } from 'aws-lambda';
import { handle, type LambdaContext } from 'hono/aws-lambda';
import { createS3Client } from '../aws/s3-client.ts';
import { createApp } from '../http/app.ts';
import { modelCardOf } from '../http/model-card.ts';
import type { AppParts, RequestReport } from '../http/parts.ts';
import { createImageReader } from '../s3/access.ts';
import { createSigningClient, createUploads } from '../s3/uploads.ts';
import { readHttpSettings } from './env.ts';
import { countCaptions, countFailure } from './failures.ts';
import { type HttpEvent, readHttpEvent } from './http-event.ts';
import { readLogin } from './login-env.ts';
import { deadlineOf, inInvocation, startRuntime } from './runtime.ts';
import { readUploadSettings } from './uploads-env.ts';

/** Lambda takes 6 MB of event: headers and what the gateway tells, and the body, as base64 a third longer. */
const MAX_BODY_BYTES = ((6 << 20) - (64 << 10)) * 0.75;
/** Lambda passes on no longer answer; headers and what stands around the body need room as well. */
const MAX_ANSWER_BYTES = 6_291_556 - (64 << 10);

const runtime = await startRuntime(readHttpSettings(process.env));
const { settings, logger, metrics } = runtime;
const uploads = readUploadSettings(process.env);
const login = readLogin(process.env);
const s3 = runtime.tracing.capture(createS3Client());
const answer = createParts().then(serve);
// Every request rejects with it; a rejection that nobody awaits would end the process.
answer.catch(() => undefined);

export async function handler(received: unknown, context: Context) {
  const event = readHttpEvent(received, context.awsRequestId);
  return await inInvocation(runtime, context, event.requestContext.requestId, async () =>
    (await answer)(event, context),
  );
}

function serve(parts: AppParts) {
  return handle(createApp(parts));
}

async function createParts(): Promise<AppParts> {
  const { caption, plan, bundle } = await runtime.captioner;
  const { allowedBuckets, maxObjectBytes: maxBytes, maxPixels } = settings;
  return {
    caption,
    plan,
    model: modelCardOf(bundle),
    ...(allowedBuckets.length > 0 && { readS3: createImageReader(s3, { allowedBuckets, maxBytes }) }),
    ...(uploads !== null && {
      uploads: createUploads({
        ...uploads,
        s3,
        signer: createSigningClient(),
        modelHash: bundle.hash,
        maxObjectBytes: maxBytes,
      }),
    }),
    ...(login !== null && { login }),
    maxBodyBytes: MAX_BODY_BYTES,
    maxAnswerBytes: MAX_ANSWER_BYTES,
    limits: {
      objectBytes: maxBytes,
      uploadBytes: maxBytes,
      ...(maxPixels !== undefined && { pixels: maxPixels }),
    },
    deadlineOf: (c) => deadlineOf((c.env as { lambdaContext: LambdaContext }).lambdaContext),
    refusalOf: (c) => (c.env as { event: HttpEvent }).event.refusal,
    report,
  };
}

function report(line: RequestReport): void {
  logger[line.status >= 500 ? 'error' : 'info']('request', { ...line });
  if (line.timings !== undefined) countCaptions(line.timings, metrics, line.images);
  if (line.code !== undefined) countFailure(line.code, metrics);
}
