/** What goes in and out of `POST /captions`, for checks and for the OpenAPI document. */
import { z } from '@hono/zod-openapi';
import { captionResultSchema } from '../caption/result.ts';
import { problemSchema } from './failures.ts';
import { captionFields } from './options.ts';

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
