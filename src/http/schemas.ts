/** What goes in and out of `POST /captions`, for checks and for the OpenAPI document. */
import { z } from '@hono/zod-openapi';
import type { CaptionResult } from '../caption/captioner.ts';
import { problemSchema } from './failures.ts';
import { captionFields } from './options.ts';

const logProbability = z.number().max(0).describe('Natural logarithm');

const captionSchema = z
  .object({
    text: z.string().meta({ example: 'a dog runs on the grass .' }),
    logProbability,
    probability: z
      .number()
      .min(0)
      .max(1)
      .describe('Of this very sentence, its end included; not a confidence'),
    words: z.array(z.object({ word: z.string(), logProbability })),
    truncated: z.boolean().describe('Whether maxLength cut the sentence off'),
  })
  .openapi('Caption');

const milliseconds = z.number().min(0);

const timingsSchema = z
  .object({
    decode: milliseconds,
    preprocess: milliseconds,
    encode: milliseconds,
    search: milliseconds,
    total: milliseconds,
  })
  .openapi('Timings', { description: 'Milliseconds' });

const traceNodeSchema = z
  .object({
    parent: z.int().min(0).nullable().describe('Index in this list; null at the start'),
    step: z.int().min(0).describe('0 at the start, 1 at the first word'),
    word: z.string().describe('</S> where a caption ends'),
    logProbability,
    total: z.number().max(0).describe('Sum of the logarithms from the start on'),
    fate: z.enum(['alive', 'dropped', 'complete']),
    caption: z.int().min(0).optional().describe('Index of the caption that ends here'),
  })
  .openapi('TraceNode', { description: 'A word that the search looked at' });

const share = z.number().min(0).max(1);

const explanationSchema = z
  .object({
    rows: z.int().min(1).describe('Cells from top to bottom'),
    columns: z.int().min(1).describe('Cells from left to right'),
    area: z
      .object({ left: share, top: share, width: share, height: share })
      .describe('What the cells together cover, as shares of the photograph'),
    words: z.array(
      z.object({
        word: z.string(),
        importance: z
          .array(z.number())
          .describe('Row after row: by how much the word’s logProbability falls without the cell'),
      }),
    ),
  })
  .openapi('Explanation', { description: 'Where in the image the words of the best caption came from' });

export const captionResultSchema = z
  .object({
    captions: z.array(captionSchema).describe('Best first'),
    model: z.object({ name: z.string(), hash: z.string() }),
    timings: timingsSchema,
    width: z.int().min(1).describe('Of the photograph as a person sees it, pixels'),
    height: z.int().min(1),
    format: z.string().meta({ example: 'jpeg' }),
    confidence: z
      .number()
      .min(0)
      .max(1)
      .optional()
      .describe('Probability that the best caption is acceptable; there when the model was calibrated'),
    needsReview: z
      .boolean()
      .optional()
      .describe('Whether the confidence is below minConfidence, or else below the model’s own line'),
    trace: z.array(traceNodeSchema).optional().describe('The start first; when asked for'),
    explanation: explanationSchema.optional().describe('When asked for'),
  })
  .openapi('CaptionResult') satisfies z.ZodType<CaptionResult>;

const name = z.string().describe('File name of the part');

export const captionResultsSchema = z
  .object({
    results: z.array(
      z.union([z.object({ name, ...captionResultSchema.shape }), z.object({ name, error: problemSchema })]),
    ),
  })
  .openapi('CaptionResults', { description: 'One entry an image, in the order of the parts' });

/** Lengths are those that S3 allows. */
const s3ReferenceSchema = z
  .strictObject({
    bucket: z.string().min(3).max(63),
    key: z.string().min(1).max(1024),
    versionId: z.string().min(1).max(1024).optional(),
  })
  .openapi('S3Reference');

export const captionRequestSchema = z
  .strictObject({
    image: z.string().optional().meta({
      contentEncoding: 'base64',
      description:
        'An image file as RFC 4648 section 4 writes bytes: padded, no blanks, no line breaks, no data: URL',
    }),
    s3: s3ReferenceSchema.optional(),
    ...captionFields,
  })
  .refine(({ image, s3 }) => (image === undefined) !== (s3 === undefined), {
    message: 'give either image or s3',
  })
  .openapi('CaptionRequest', { oneOf: [{ required: ['image'] }, { required: ['s3'] }] });
