/** What goes in and out of the routes that caption, for checks and for the OpenAPI document. */
import { z } from '@hono/zod-openapi';
import { objectReferenceSchema } from '../aws/object-reference.ts';
import { IMAGE_TYPES } from '../caption/image-input.ts';
import { captionResultSchema } from '../caption/result.ts';
import { problemSchema } from './failures.ts';
import { captionFields } from './options.ts';

const name = z.string().meta({ example: 'photo.jpg' }).describe('File name of the part');

export const captionResultsSchema = z
  .object({
    results: z.array(
      z.union([z.object({ name, ...captionResultSchema.shape }), z.object({ name, error: problemSchema })]),
    ),
  })
  .openapi('CaptionResults', { description: 'One entry an image, in the order of the parts' });

/** Named here: `.openapi` belongs to HTTP alone. */
const s3ReferenceSchema = z.strictObject(objectReferenceSchema.shape).openapi('S3Reference');

export const captionRequestSchema = z
  .strictObject({
    image: z.string().optional().meta({
      contentEncoding: 'base64',
      description:
        'An image file as RFC 4648 section 4 writes bytes, or a data: URL of that; line breaks and absent padding do not matter',
    }),
    s3: s3ReferenceSchema.optional(),
    ...captionFields,
  })
  .refine(({ image, s3 }) => (image === undefined) !== (s3 === undefined), {
    message: 'give either image or s3',
  })
  .openapi('CaptionRequest', { oneOf: [{ required: ['image'] }, { required: ['s3'] }] });

export const uploadRequestSchema = z
  .strictObject({
    contentType: z.enum(IMAGE_TYPES),
    bytes: z.int().min(1).describe('Exact size of the image, which the address is bound to'),
  })
  .openapi('UploadRequest');

export const announcementSchema = z
  .object({
    id: z.string(),
    method: z.literal('PUT'),
    url: z.url().describe('Takes the image without any other authorization'),
    headers: z.record(z.string(), z.string()).describe('To be sent with it, exactly'),
    expiresInSeconds: z.int().describe('Time to begin the upload'),
    result: z.string().describe('The path where its outcome is told'),
  })
  .openapi('UploadAnnouncement');
export type Announcement = z.output<typeof announcementSchema>;
