/** What goes in and out of the routes that caption, for checks and for the OpenAPI document. */
import { z } from '@hono/zod-openapi';
import { objectReferenceSchema } from '../aws/object-reference.ts';
import { IMAGE_TYPES } from '../caption/image-input.ts';
import { captionResultSchema } from '../caption/result.ts';
import { problemSchema } from './failures.ts';
import { PIXEL_BASE64 } from './files.ts';
import { captionFields } from './options.ts';

const name = z.string().meta({ example: 'photo.jpg' }).describe('File name of the part');

export const captionResultsSchema = z
  .object({
    results: z.array(
      z.union([
        z.object({ name, ...captionResultSchema.shape }).openapi('CaptionedImage'),
        z.object({ name, error: problemSchema }).openapi('FailedImage'),
      ]),
    ),
  })
  .openapi('CaptionResults', { description: 'One entry an image, in the order of the parts' });

/** Named here: `.openapi` belongs to HTTP alone. */
const s3ReferenceSchema = z.strictObject(objectReferenceSchema.shape).openapi('S3Reference');

const having = (property: string) => ({ properties: { [property]: {} }, required: [property] });

export const captionRequestSchema = z
  .strictObject({
    image: z.string().optional().meta({
      contentEncoding: 'base64',
      description:
        'An image file as RFC 4648 section 4 or 5 writes bytes, or a data: URL of that; line breaks and absent padding do not matter',
    }),
    s3: s3ReferenceSchema.optional(),
    ...captionFields,
  })
  .refine(({ image, s3 }) => (image === undefined) !== (s3 === undefined), {
    message: 'give either image or s3',
  })
  .openapi('CaptionRequest', {
    description: 'Either image or s3',
    // Denied twice: generators make "any" of an object with `oneOf`, and pass over `not`.
    not: { not: { oneOf: [having('image'), having('s3')] } },
    example: { image: PIXEL_BASE64, count: 1 },
  });

export const uploadRequestSchema = z.strictObject({
  contentType: z.enum(IMAGE_TYPES),
  bytes: z.int().min(1).describe('Exact size of the image, which the address is bound to'),
});

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
