/** What captioning one image ends in: the one description of it, for types, HTTP, documents in S3 and their readers. */
import * as z from 'zod';
import type { ConfidenceFeatures } from './confidence/confidence.ts';

/** The stages of an image, in their order, and all of it. */
export const STAGES = ['decode', 'preprocess', 'encode', 'search', 'total'] as const;
export type Stage = (typeof STAGES)[number];

const logProbability = z.number().max(0).describe('Natural logarithm');

const captionSchema = z
  .object({
    text: z
      .string()
      .meta({ example: 'a dog runs on the grass .' })
      .describe('As the network says it: words joined by spaces, or as its pieces of words join'),
    logProbability,
    probability: z
      .number()
      .min(0)
      .max(1)
      .describe('exp(logProbability): of this very sentence, its end included; not a confidence'),
    score: z
      .number()
      .max(0)
      .optional()
      .describe(
        'What captions are ranked by, the highest first: logProbability / length^lengthNormalization, as the model counts lengths, or logProbability where Show and Tell was cut off; absent in documents of versions up to 1.0.0',
      ),
    words: z.array(z.object({ word: z.string(), logProbability }).meta({ id: 'CaptionWord' })),
    truncated: z
      .boolean()
      .describe('Whether maxLength cut the sentence off; its probability then has no end in it'),
  })
  .meta({
    id: 'Caption',
    example: {
      text: 'a close up of a cat .',
      logProbability: -0.5248,
      probability: 0.5917,
      score: -0.0583,
      words: [
        { word: 'a', logProbability: -0.0147 },
        { word: 'close', logProbability: -0.3948 },
        { word: 'up', logProbability: -0.0009 },
        { word: 'of', logProbability: -0.0022 },
        { word: 'a', logProbability: -0.0004 },
        { word: 'cat', logProbability: -0.0229 },
        { word: '.', logProbability: -0.0889 },
      ],
      truncated: false,
    },
  });

const milliseconds = z.number().min(0);

const timingsSchema = z
  .object(
    // `fromEntries` forgets the names.
    Object.fromEntries(STAGES.map((stage) => [stage, milliseconds])) as Record<Stage, typeof milliseconds>,
  )
  .meta({
    id: 'Timings',
    description:
      'Milliseconds: of the runs of the networks that the image shared with others, and of the rest its own; `total` without what it waited',
    example: { decode: 9.2, preprocess: 0.1, encode: 9.4, search: 7.3, total: 26.1 },
  });

const traceNodeSchema = z
  .object({
    parent: z.int().min(0).nullable().describe('Index in this list; null at the start'),
    step: z.int().min(0).describe('0 at the start, 1 at the first word'),
    word: z.string().describe('</S> where a caption ends'),
    continues: z
      .boolean()
      .optional()
      .describe('Whether it goes on with the word before; there in models that say words in pieces'),
    logProbability,
    total: z.number().max(0).describe('Sum of the logarithms from the start on'),
    fate: z.enum(['alive', 'dropped', 'complete']),
    caption: z.int().min(0).optional().describe('Index of the caption that ends here'),
  })
  .meta({ id: 'TraceNode', description: 'A word that the search looked at' });

const share = z.number().min(0).max(1);

const explanationSchema = z
  .object({
    rows: z.int().min(1).describe('Cells from top to bottom'),
    columns: z.int().min(1).describe('Cells from left to right'),
    area: z.object({ left: share, top: share, width: share, height: share }).meta({
      id: 'ExplanationArea',
      description: 'What the cells together cover, as shares of the photograph',
    }),
    words: z
      .array(
        z
          .object({
            word: z.string(),
            importance: z
              .array(z.number())
              .describe(
                'Row after row: by how much the word’s logProbability falls without the cell; below 0 where it rises',
              ),
          })
          .meta({ id: 'WordImportance' }),
      )
      .describe('Of the best caption, its end not among them'),
  })
  .meta({
    id: 'Explanation',
    description: 'Where in the image the words of the best caption came from; there when asked for',
  });

/** Which model it was. */
export const modelNameSchema = z.object({ name: z.string(), hash: z.string() }).meta({
  id: 'ModelName',
  example: {
    name: 'everyday',
    hash: '89cc2e991b6867c7a2e33e653ce669e06d586ca32f8a20a6fdb21eaa3a3f3e1d',
  },
});

export const captionResultSchema = z
  .object({
    captions: z.array(captionSchema).describe('Best first'),
    model: modelNameSchema,
    timings: timingsSchema,
    width: z.int().min(1).meta({ example: 451 }).describe('Of the photograph as a person sees it, pixels'),
    height: z.int().min(1).meta({ example: 300 }),
    format: z.string().meta({ example: 'jpeg' }).describe('Of the file'),
    confidence: z
      .number()
      .min(0)
      .max(1)
      .optional()
      .meta({ example: 0.73 })
      .describe('Probability that the best caption is acceptable; there when the model was calibrated'),
    needsReview: z
      .boolean()
      .optional()
      .meta({ example: false })
      .describe('Whether the confidence is below minConfidence, or else below the model’s own line'),
    trace: z.array(traceNodeSchema).optional().describe('The start first; when asked for'),
    explanation: explanationSchema.optional(),
  })
  .meta({ id: 'CaptionResult' });

export type Caption = z.output<typeof captionSchema>;
/** Milliseconds. */
export type Timings = z.output<typeof timingsSchema>;
export type TraceNode = z.output<typeof traceNodeSchema>;
export type Explanation = z.output<typeof explanationSchema>;
export type CaptionResult = z.output<typeof captionResultSchema> & {
  /** The numbers that a confidence is made of; when `evaluate` asks for them, never over HTTP. */
  features?: ConfidenceFeatures | undefined;
};

/** Failures that are an image's own: to try again would end the same way. */
const recordedCodeSchema = z.enum(['UnsupportedImage', 'ImageTooLarge', 'ImageNotFound']);
export type RecordedCode = z.output<typeof recordedCodeSchema>;

/** What is recorded of an image: its captions without what has to be asked for, or its own failure. */
export const outcomeSchema = z
  .discriminatedUnion('status', [
    z
      .object({
        status: z.literal('captioned'),
        result: captionResultSchema.omit({ trace: true, explanation: true }).meta({ id: 'RecordedResult' }),
      })
      .meta({ id: 'CaptionedOutcome' }),
    z
      .object({
        status: z.literal('failed'),
        error: z.object({ code: recordedCodeSchema, message: z.string() }).meta({ id: 'RecordedFailure' }),
      })
      .meta({ id: 'FailedOutcome' }),
  ])
  .meta({ id: 'Outcome' });
export type RecordedOutcome = z.output<typeof outcomeSchema>;
