/** Uploads: `POST /uploads` says where to put an image, `GET /captions/{id}` what became of it. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { outcomeSchema, type RecordedOutcome } from '../../caption/result.ts';
import { InvalidRequest, problemsIn } from '../../errors.ts';
import { PROBLEMS } from '../failures.ts';
import type { AppEnv, AppParts, Uploads } from '../parts.ts';
import { problemAnswers, RETRY_AFTER } from '../problem-answers.ts';
import { readBody } from '../request/body.ts';
import { parseJson } from '../request/json.ts';
import { announcementSchema, uploadRequestSchema } from '../schemas.ts';

const MAX_REQUEST_BYTES = 1024;
/** An image waits for the queue's function, which may have to start. */
const RETRY_AFTER_SECONDS = 2;

const announceRoute = createRoute({
  method: 'post',
  path: '/uploads',
  operationId: 'announceUpload',
  tags: ['uploads'],
  summary: 'Ask where to put an image that is too large for a request',
  description: 'The address takes this very image, once; what becomes of it is told at `result`.',
  request: {
    body: {
      required: true,
      content: {
        'application/json': {
          schema: { $ref: '#/components/schemas/UploadRequest' },
          examples: {
            jpeg: { summary: 'A JPEG of 12 MB', value: { contentType: 'image/jpeg', bytes: 12_582_912 } },
          },
        },
      },
    },
  },
  responses: {
    201: {
      description: 'Where to put it',
      content: { 'application/json': { schema: announcementSchema } },
      headers: z.object({ Location: z.string().describe('Where its outcome will be told') }),
    },
    ...problemAnswers('MalformedRequest', 'ImageTooLarge', 'InvalidRequest'),
  },
});

const pendingSchema = z.object({ status: z.literal('pending') }).openapi('PendingOutcome');

const outcomeRoute = createRoute({
  method: 'get',
  path: '/captions/{id}',
  operationId: 'getOutcome',
  tags: ['uploads'],
  summary: 'Tell what became of an upload',
  description:
    'The result of the present model, or the newest one of another model that captioned it; `result.model` says which.',
  request: {
    params: z.object({
      id: z
        .string()
        .meta({ description: 'Of the announcement', example: 'dGhlIGlkIG9mIGFuIGFubm91bmNlbWVu' }),
    }),
  },
  responses: {
    200: {
      description: 'Its captions, or why it has none',
      content: { 'application/json': { schema: outcomeSchema } },
    },
    202: {
      description: 'It is there and waits for its turn',
      content: { 'application/json': { schema: pendingSchema } },
      headers: RETRY_AFTER,
    },
    ...problemAnswers('ImageNotFound'),
  },
});

export function addUploads(app: OpenAPIHono<AppEnv>, { uploads }: AppParts): void {
  if (uploads === undefined) return;
  // Registered by name: the route itself must not read the body, which has a limit.
  // The bound is the document's alone: what has more is no wrong request, but 413.
  const bytes = uploadRequestSchema.shape.bytes.max(uploads.maxBytes);
  app.openAPIRegistry.register('UploadRequest', z.strictObject({ ...uploadRequestSchema.shape, bytes }));
  app.openapi(announceRoute, async (c) => {
    const announced = await uploads.announce(await readRequest(c.req.raw));
    const result = `/captions/${announced.id}`;
    c.header('location', result);
    return c.json({ ...announced, result }, 201);
  });
  app.openapi(outcomeRoute, async (c) => {
    const outcome = await uploads.outcome(c.req.valid('param').id);
    if (outcome !== null) return c.json(toldToClients(outcome), 200);
    c.header('retry-after', String(RETRY_AFTER_SECONDS));
    return c.json({ status: 'pending' as const }, 202);
  });
}

async function readRequest(request: Request): Promise<Parameters<Uploads['announce']>[0]> {
  const parsed = uploadRequestSchema.safeParse(parseJson(await readBody(request, MAX_REQUEST_BYTES)));
  if (parsed.success) return parsed.data;
  throw new InvalidRequest(problemsIn(parsed.error, 'body'));
}

/** A document in S3 has more in it, and its message names the bucket. */
function toldToClients(outcome: RecordedOutcome): RecordedOutcome {
  if (outcome.status === 'captioned') return { status: outcome.status, result: outcome.result };
  const { code } = outcome.error;
  return { status: outcome.status, error: { code, message: PROBLEMS[code].title } };
}
