import assert from 'node:assert/strict';
import { availableParallelism } from 'node:os';
import { describe, it } from 'node:test';
import { type ServerSettingsInput, serverSettingsSchema } from '../../../src/server/settings.ts';

const MIB = 1 << 20;

/** Fields and messages of what is wrong; none where all is right. */
function problems(settings: ServerSettingsInput): string[] {
  const { error } = serverSettingsSchema.safeParse(settings);
  return (error?.issues ?? []).map(({ path, message }) => `${path.join('.')}: ${message}`);
}

describe('settings of a server', () => {
  const workers = Math.min(8, availableParallelism());

  it('are these unless told otherwise', () => {
    assert.deepEqual(serverSettingsSchema.parse({}), {
      port: 8080,
      host: '127.0.0.1',
      workers,
      threads: 1,
      executionProvider: 'cpu',
      batch: 4,
      queue: 32 * workers,
      allowedBuckets: [],
      resultsPrefix: 'captions/',
      maxObjectBytes: 64 * MIB,
      deployment: 'show-and-tell',
      tagObjects: false,
      uploadsPrefix: 'uploads/',
      maxBody: 32 * MIB,
      maxBodies: 256 * MIB,
      headersTimeout: 10_000,
      requestTimeout: 30_000,
      idleTimeout: 65_000,
      answerTimeout: 30_000,
      stopTimeout: 25_000,
    });
  });

  it('follow each other', () => {
    assert.equal(serverSettingsSchema.parse({ workers: 3 }).queue, 96);
    assert.equal(serverSettingsSchema.parse({ workers: 3, queue: 0 }).queue, 0);
    assert.equal(serverSettingsSchema.parse({ workers: 3, batch: 9 }).queue, 108);
    const { workers, batch, queue } = serverSettingsSchema.parse({ executionProvider: 'cuda' });
    assert.deepEqual({ workers, batch, queue }, { workers: 2, batch: 32, queue: 256 });
    assert.equal(serverSettingsSchema.parse({ requestTimeout: 9_999 }).headersTimeout, 9_999);
    assert.equal(serverSettingsSchema.parse({ requestTimeout: 10_001 }).headersTimeout, 10_000);
    assert.equal(serverSettingsSchema.parse({ headersTimeout: 20_000 }).headersTimeout, 20_000);
  });

  const threads = 2 * availableParallelism();
  const RIGHT: ServerSettingsInput[] = [
    { port: 0, metricsPort: 0 },
    { port: 65_535, metricsPort: 1, workers: 64, threads, batch: 256, queue: 10_000, maxImages: 1_000 },
    { maxBody: 256 * MIB, maxBodies: 256 * MIB },
    { maxBody: 1, maxBodies: 1, maxPixels: 1, maxImages: 1, workers: 1 },
    { requestTimeout: 1, headersTimeout: 1, idleTimeout: 3_600_000 },
    { uploadsBucket: 'images', resultsBucket: 'results' },
    { queueUrl: 'https://sqs.example/q', resultsBucket: 'results', allowedBuckets: ['images'] },
    { resultsBucket: 'images', allowedBuckets: ['images'], resultsPrefix: 'captions/' },
    { corsOrigin: ['*'] },
    { executionProvider: 'cuda' },
  ];
  for (const settings of RIGHT) {
    it(`may be ${JSON.stringify(settings)}`, () => assert.deepEqual(problems(settings), []));
  }

  const UPLOADS = 'uploadsBucket: needs {resultsBucket}, where the outcome of uploads is looked for';
  const QUEUE = 'queueUrl: needs {resultsBucket} and {allowedBuckets}';
  const queueUrl = 'https://sqs.example/q';
  const METRICS = 'metricsPort: has to be another one than {port}, which has metrics without it';
  const BODIES = 'maxBodies: has to be as much as {maxBody}, or a body of that length is never taken';
  const HEADERS = 'headersTimeout: has to be no longer than {requestTimeout}, which the headers are part of';
  const WRONG: [ServerSettingsInput, string | RegExp][] = [
    [{ port: -1 }, /^port: /],
    [{ port: 65_536 }, /^port: /],
    [{ metricsPort: 65_536 }, /^metricsPort: /],
    [{ metricsPort: 8080 }, METRICS],
    [{ host: '' }, /^host: /],
    [{ workers: 0 }, /^workers: /],
    [{ workers: 65 }, /^workers: /],
    [{ threads: 0 }, /^threads: /],
    [{ threads: threads + 1 }, /^threads: /],
    [{ executionProvider: 'tpu' as 'cpu' }, /^executionProvider: /],
    [{ queue: -1 }, /^queue: /],
    [{ queue: 10_001 }, /^queue: /],
    [{ allowedBuckets: ['UPPER'] }, /^allowedBuckets\.0: /],
    [{ queueUrl: 'q', resultsBucket: 'results', allowedBuckets: ['images'] }, /^queueUrl: /],
    [{ queueUrl, resultsBucket: 'results' }, QUEUE],
    [{ queueUrl, allowedBuckets: ['images'] }, QUEUE],
    [{ uploadsBucket: 'images' }, UPLOADS],
    [{ eventBus: 'own' }, 'eventBus: needs {queueUrl}: only what a queue names is told of'],
    [{ tagObjects: true }, 'tagObjects: needs {queueUrl}: only what a queue names is tagged'],
    [{ deployment: '' }, /^deployment: /],
    [{ resultsBucket: 'images', allowedBuckets: ['images'], resultsPrefix: '' }, /^resultsPrefix: .*prefix/],
    [{ maxPixels: 0 }, /^maxPixels: /],
    [{ corsOrigin: ['https://app.example/page'] }, /^corsOrigin: .*write https:\/\/app\.example/],
    [{ maxBody: 0 }, 'maxBody: give at least 1 byte'],
    [{ maxBody: 256 * MIB + 1, maxBodies: 1024 * MIB }, 'maxBody: give at most 256mib'],
    [{ maxBodies: 2 ** 28 + 0.5 }, /^maxBodies: /],
    [{ maxBody: 2, maxBodies: 1 }, BODIES],
    [{ maxImages: 0 }, /^maxImages: /],
    [{ maxImages: 1_001 }, /^maxImages: /],
    [{ requestTimeout: 0 }, 'requestTimeout: give at least 1ms'],
    [{ stopTimeout: 3_600_001 }, 'stopTimeout: give at most 1h'],
    [{ answerTimeout: 0 }, 'answerTimeout: give at least 1ms'],
    [{ idleTimeout: 0 }, 'idleTimeout: give at least 1ms'],
    [{ headersTimeout: 0 }, 'headersTimeout: give at least 1ms'],
    [{ headersTimeout: 2, requestTimeout: 1 }, HEADERS],
  ];
  for (const [settings, wrong] of WRONG) {
    it(`may not be ${JSON.stringify(settings)}`, () => {
      const [problem, ...more] = problems(settings);
      if (typeof wrong === 'string') assert.equal(problem, wrong);
      else assert.match(problem ?? 'right', wrong);
      assert.deepEqual(more, []);
    });
  }
});
