import { z } from '@hono/zod-openapi';
import { captionOptionsSchema } from '../caption/options.ts';
import { type Bundle, manifestSchema } from '../model/bundle.ts';

const { name, description, license, precision, metrics, provenance } = manifestSchema.shape;

export const modelCardSchema = z
  .object({
    name,
    hash: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .describe('SHA-256 of the manifest, which holds the hashes of the weights: names the model exactly'),
    description,
    license,
    precision,
    image: z
      .object({ width: z.int(), height: z.int() })
      .openapi('InputSize', { description: 'What the network sees, pixels' }),
    vocabularySize: z.int().describe('Words, the unknown word included'),
    // A schema of its own: `.openapi` belongs to HTTP alone.
    decoding: z.strictObject(captionOptionsSchema.shape).openapi('DecodingDefaults', {
      description: 'What holds for options that a request leaves out',
    }),
    metrics: metrics.describe('Measured on a validation split, in percent'),
    provenance: provenance.describe('Where weights and words come from'),
  })
  .openapi('Model');

/** What a deployment tells of its model. */
export type ModelCard = z.output<typeof modelCardSchema>;

/** The public part of a bundle: no file names, no shapes. */
export function modelCardOf({ manifest, hash }: Pick<Bundle, 'manifest' | 'hash'>): ModelCard {
  const { name, description, license, precision, image, vocabulary, decoding, metrics, provenance } =
    manifest;
  return {
    name,
    hash,
    description,
    license,
    precision,
    image: { width: image.width, height: image.height },
    vocabularySize: vocabulary.size,
    decoding,
    metrics,
    provenance,
  };
}
