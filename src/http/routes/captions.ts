import { createRoute, type OpenAPIHono } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { type CaptionResult, captionResultSchema } from '../../caption/result.ts';
import { CaptionError, InvalidRequest } from '../../errors.ts';
import type { Problem } from '../failures.ts';
import { FILE, FILE_EXAMPLE, formExample, PIXEL_BASE64 } from '../files.ts';
import { captionQuerySchema } from '../options.ts';
import type { AppEnv, AppParts } from '../parts.ts';
import { problemOf } from '../problem.ts';
import { problemAnswers } from '../problem-answers.ts';
import { readCaptionRequest } from '../request/caption-request.ts';
import { IMAGE_FIELD, MAX_PARTS, type NamedImage } from '../request/multipart.ts';
import { captionRequestSchema, captionResultsSchema } from '../schemas.ts';
import { noteTimings, SERVER_TIMING, tellTimings } from '../timings.ts';
import { answerRoom } from './answer-room.ts';

const route = createRoute({
  method: 'post',
  path: '/captions',
  operationId: 'caption',
  tags: ['captions'],
  summary: 'Caption one image or several',
  description:
    'A form with several images is answered with one entry an image; an image that cannot be read does not spoil the others.',
  request: {
    query: captionQuerySchema,
    body: {
      required: true,
      content: {
        'image/*': { schema: FILE, examples: FILE_EXAMPLE },
        'application/octet-stream': { schema: FILE, examples: FILE_EXAMPLE },
        'multipart/form-data': {
          schema: { $ref: '#/components/schemas/CaptionForm' },
          examples: formExample((pixel) => [pixel, pixel]),
        },
        'application/json': {
          schema: { $ref: '#/components/schemas/CaptionRequest' },
          examples: {
            inline: {
              summary: 'An image in base64, and one caption wanted',
              value: { image: PIXEL_BASE64, count: 1 },
            },
            stored: {
              summary: 'An image in S3, where the deployment reads that bucket',
              value: { s3: { bucket: 'photos', key: '2026/coffee.jpg' }, requiredWords: ['cup'] },
            },
          },
        },
      },
    },
  },
  responses: {
    200: {
      description: 'Ranked captions: of the one image, or of each image of a form with several',
      content: { 'application/json': { schema: captionResultSchema.or(captionResultsSchema) } },
      headers: SERVER_TIMING,
    },
    ...problemAnswers(
      'MalformedRequest',
      'BucketNotAllowed',
      'ImageNotFound',
      'ImageTooLarge',
      'UnsupportedMediaType',
      'UnsupportedImage',
      'InvalidRequest',
    ),
  },
});

type Entry = ({ name: string } & CaptionResult) | { name: string; error: Problem };
type CaptionImage = (bytes: Uint8Array) => Promise<CaptionResult>;

interface FormParts {
  caption: CaptionImage;
  /** Called with each entry. @throws what refuses the whole form */
  takeRoom: (entry: Entry) => void;
  /** Images at the same time. */
  together: number;
}

export function addCaptions(app: OpenAPIHono<AppEnv>, parts: AppParts): void {
  // Registered by name: the route itself must not read the body, which has a limit.
  app.openAPIRegistry.register('CaptionRequest', captionRequestSchema);
  app.openAPIRegistry.registerComponent('schemas', 'CaptionForm', {
    type: 'object',
    required: [IMAGE_FIELD],
    properties: { [IMAGE_FIELD]: { type: 'array', items: FILE, minItems: 1, maxItems: MAX_PARTS } },
    additionalProperties: false,
  });
  app.openapi(route, async (c) => {
    const { images, plan, call } = await readCaptionRequest(c, c.req.valid('query'), parts);
    const caption: CaptionImage = async (bytes) => {
      const result = await parts.caption(bytes, plan, call);
      noteTimings(result.timings, c);
      return result;
    };
    const takeRoom = answerRoom(parts.maxAnswerBytes);
    const answer =
      images.length === 1
        ? await caption(images[0]!.bytes)
        : { results: await captionEach(images, { caption, takeRoom, together: parts.together ?? 1 }, c) };
    if (images.length === 1) takeRoom(answer);
    tellTimings(c);
    return c.json(answer, 200);
  });
}

/** A few at a time: a request with many images neither fills the queue nor the memory with decoded pixels. */
async function captionEach(
  images: readonly NamedImage[],
  { caption, takeRoom, together }: FormParts,
  c: Context<AppEnv>,
): Promise<Entry[]> {
  const entries: Entry[] = [];
  const rest = images.entries();
  const work = async () => {
    for (const [i, { name, bytes }] of rest) {
      try {
        const entry = await entryOf(name, caption(bytes), c);
        takeRoom(entry);
        entries[i] = entry;
      } catch (error) {
        // Nobody waits for the others any more.
        for (const _ of rest);
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: together }, work));
  return entries;
}

/** @throws what is not the image's own fault */
async function entryOf(name: string, result: Promise<CaptionResult>, c: Context<AppEnv>): Promise<Entry> {
  try {
    return { name, ...(await result) };
  } catch (error) {
    if (!isOfImage(error)) throw error;
    return { name, error: problemOf(error, c) };
  }
}

/** What is wrong with the service or with the options is wrong with the whole request, not with one image. */
function isOfImage(error: unknown): error is CaptionError {
  return error instanceof CaptionError && error.fault === 'input' && !(error instanceof InvalidRequest);
}
