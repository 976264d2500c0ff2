/** The frame around an invocation, and what is logged and counted of what happens in it. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it, test } from 'node:test';
import type { Context } from 'aws-lambda';
import type { Timings } from '../../src/caption/result.ts';
import {
  CaptionerHung,
  DeadlineExceeded,
  ImageNotFound,
  ImageTooLarge,
  InvalidRequest,
  ModelUnusable,
  ObjectRefused,
  Overloaded,
  UnsupportedImage,
  UpstreamUnavailable,
} from '../../src/errors.ts';
import { readHttpSettings } from '../../src/lambda/env.ts';
import { countCaptions, type Reporters, reportFailure } from '../../src/lambda/failures.ts';
import { deadlineOf, type FunctionRuntime, inInvocation, startRuntime } from '../../src/lambda/runtime.ts';
import { startTracing } from '../../src/lambda/tracing.ts';
import { DEFAULT_BUNDLE } from '../../src/model/load.ts';
import { rejectsWith } from '../support/errors.ts';
import { COFFEE } from '../support/samples.ts';
import { noting } from './noting.ts';

function reporters() {
  const [logged, counted]: unknown[][][] = [[], []];
  const both: Reporters = { logger: noting(logged!), metrics: noting(counted!) };
  return { logged: logged!, counted: counted!, both };
}

describe('a failure is logged as loud as somebody has to act, and counted by its code:', () => {
  const problem = { file: 'a', expected: 'b', actual: 'c', remedy: 'd' };
  const failures: [level: string, error: Error][] = [
    ['warn', new InvalidRequest('said')],
    ['info', new UnsupportedImage('said')],
    ['info', new ImageTooLarge('said')],
    ['info', new ImageNotFound('said')],
    ['error', new ObjectRefused('said')],
    ['warn', new Overloaded('said')],
    ['warn', new DeadlineExceeded('said')],
    ['error', new CaptionerHung('said')],
    ['warn', new UpstreamUnavailable('said')],
    ['error', new ModelUnusable(problem)],
    ['error', new TypeError('a bug')],
  ];
  for (const [level, error] of failures) {
    it(error.name, () => {
      const { logged, counted, both } = reporters();
      reportFailure(error, { messageId: 'm0' }, both);
      const isBug = error instanceof TypeError;
      const code = isBug ? 'InternalError' : error.name;
      const detail = isBug ? { error } : { reason: error.message };
      assert.deepEqual(logged, [[level, 'failed', { messageId: 'm0', code, ...detail }]]);
      assert.deepEqual(counted, [
        ['singleMetric'],
        ['addDimension', 'code', code],
        ['addMetric', 'Failures', 'Count', 1],
      ]);
    });
  }
});

test('captions are counted with the time of each stage', () => {
  const timings: Timings = { decode: 1, preprocess: 2, encode: 3, search: 4, total: 5 };
  for (const images of [undefined, 7]) {
    const { counted, both } = reporters();
    countCaptions(timings, both.metrics, images);
    assert.deepEqual(counted, [
      ['addMetric', 'Captions', 'Count', images ?? 1],
      ['addMetric', 'DecodeTime', 'Milliseconds', 1],
      ['addMetric', 'PreprocessTime', 'Milliseconds', 2],
      ['addMetric', 'EncodeTime', 'Milliseconds', 3],
      ['addMetric', 'SearchTime', 'Milliseconds', 4],
      ['addMetric', 'CaptionTime', 'Milliseconds', 5],
    ]);
  }
});

test('three seconds of an invocation are kept back', (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 1_000_000 });
  assert.equal(deadlineOf({ getRemainingTimeInMillis: () => 10_000 }), 1_007_000);
});

describe('what all invocations share', () => {
  const env = { POWERTOOLS_SERVICE_NAME: 'mine', POWERTOOLS_METRICS_NAMESPACE: 'Ours' };

  it('is made of the settings', async () => {
    const settings = readHttpSettings({
      ...env,
      MODEL_DIR: DEFAULT_BUNDLE,
      MODEL_THREADS: '1',
      MAX_PIXELS: '1000',
      POWERTOOLS_LOG_LEVEL: 'SILENT',
    });
    const runtime = await startRuntime(settings);
    assert.deepEqual(runtime.settings, settings);
    assert.equal(runtime.logger.getLevelName(), 'SILENT');
    runtime.metrics.addMetric('Captions', 'Count', 1);
    const counted = runtime.metrics.serializeMetrics();
    assert.deepEqual([counted.service, counted._aws.CloudWatchMetrics[0]!.Namespace], ['mine', 'Ours']);
    const captioner = await runtime.captioner;
    await rejectsWith(captioner.caption(readFileSync(COFFEE)), 'ImageTooLarge');
    await captioner.close();
  });

  it('starts with a model that cannot be used as well, which every caption then tells', async () => {
    const settings = readHttpSettings({ ...env, MODEL_DIR: '/nowhere', POWERTOOLS_LOG_LEVEL: 'SILENT' });
    await rejectsWith((await startRuntime(settings)).captioner, 'ModelUnusable');
  });
});

describe('an invocation', () => {
  const context = { functionName: 'test' } as Context;
  for (const [what, run, stored] of [
    ['that ends well', async () => 'answer', true],
    ['that counted nothing', async () => 'answer', false],
    ['that fails', () => Promise.reject(new Error('failed')), true],
  ] as const) {
    it(`${what} has its own lines, and publishes what it counted once it is over`, async () => {
      const calls: unknown[][] = [];
      const runtime = {
        logger: noting(calls),
        metrics: noting(calls, { hasStoredMetrics: stored }),
        tracing: {
          trace: (name: string, work: () => Promise<unknown>) => {
            calls.push(['trace', name]);
            return work();
          },
        },
      } as unknown as FunctionRuntime;
      const outcome = await inInvocation(runtime, context, 'id', run).catch((error: Error) => error.message);
      assert.equal(outcome, what === 'that fails' ? 'failed' : 'answer');
      assert.deepEqual(calls, [
        ['addContext', context],
        ['setCorrelationId', 'id'],
        ['captureColdStartMetric', 'test'],
        ['trace', 'test'],
        ['hasStoredMetrics'],
        ...(stored ? [['publishStoredMetrics']] : []),
        ['resetKeys'],
      ]);
    });
  }

  it('without tracing is just run, and clients stay what they are', async () => {
    const { trace, capture } = await startTracing(false, 'service');
    assert.equal(await trace('test', async () => 'answer'), 'answer');
    const client = {} as Parameters<typeof capture>[0];
    assert.equal(capture(client), client);
  });
});
