/** What events are made of. */
import type { FinishedRun } from '../../src/events/details.ts';
import type { ResultDocument } from '../../src/s3/results.ts';

const COMMON = {
  formatVersion: 1,
  source: { bucket: 'photos', key: 'a.jpg', versionId: 'v1', etag: 'e' },
  model: { name: 'everyday', hash: 'f'.repeat(64) },
  writtenAt: '2026-03-02T10:00:00.000Z',
} as const;
const timings = { decode: 1, preprocess: 1, encode: 1, search: 1, total: 4 };
const caption = (text: string, probability: number) => ({
  text,
  probability,
  logProbability: Math.log(probability),
  words: [],
  truncated: false,
});

export const CAPTIONED: ResultDocument = {
  ...COMMON,
  options: { beamWidth: 2 },
  status: 'captioned',
  result: {
    captions: [caption('a dog runs .', 0.5), caption('a dog .', 0.25)],
    model: COMMON.model,
    timings,
    width: 4,
    height: 3,
    format: 'jpeg',
    confidence: 0.75,
    needsReview: false,
  },
};
export const REFUSED: ResultDocument = {
  ...COMMON,
  status: 'failed',
  error: { code: 'UnsupportedImage', message: 'no image' },
};
export const LOCATION = { bucket: 'results', key: 'captions/photos/a.jpg/v1.ffffffffffffffff.json' };
export const RUN: FinishedRun = {
  execution: 'arn:aws:states:eu-west-1:111122223333:execution:run:1',
  bucket: 'photos',
  images: { captioned: 3, failed: 1, skipped: 0, unfinished: 0 },
  batches: { succeeded: 1, failed: 0 },
  errors: {},
  milliseconds: 500,
  cost: {
    lambda: 0.1,
    stepFunctions: 0.1,
    s3: 0.1,
    total: 0.3,
    region: 'us-east-1',
    date: '2026-11-23',
  },
};
