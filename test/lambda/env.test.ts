import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readHttpSettings, readObjectSettings } from '../../src/lambda/env.ts';

const ENV = { MODEL_DIR: 'model', ALLOWED_BUCKETS: 'photos, more.photos', RESULTS_BUCKET: 'results' };

describe('the environment of the functions', () => {
  it('gives settings, with defaults for what is left out', () => {
    assert.deepEqual(readObjectSettings({ ...ENV, UNRELATED: 'x' }), {
      modelDirectory: 'model',
      threads: 1,
      allowedBuckets: ['photos', 'more.photos'],
      maxObjectBytes: 64 << 20,
      maxPixels: undefined,
      decodeMemory: undefined,
      memory: 1769 << 20,
      tracing: false,
      serviceName: 'show-and-tell',
      metricsNamespace: 'ShowAndTell',
      logLevel: 'INFO',
      results: { bucket: 'results', prefix: 'captions/' },
    });
  });

  it('takes another limit of pixels', () => {
    assert.equal(readHttpSettings({ MODEL_DIR: 'model', MAX_PIXELS: '200000000' }).maxPixels, 200_000_000);
  });

  it('takes another limit of memory, and says what the function has', () => {
    const env = { MODEL_DIR: 'model', DECODE_MEMORY: '200000000', AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '512' };
    const { decodeMemory, memory } = readHttpSettings(env);
    assert.deepEqual([decodeMemory, memory], [200_000_000, 512 << 20]);
  });

  it('asks HTTP for nothing but a model: without buckets it reads none', () => {
    assert.deepEqual(readHttpSettings({ MODEL_DIR: 'model' }).allowedBuckets, []);
  });

  for (const [memory, threads] of [
    ['512', 1],
    ['1769', 1],
    ['3537', 1],
    ['3538', 2],
    ['10240', 5],
  ] as const) {
    it(`runs on ${threads} threads with ${memory} MB`, () => {
      const env = { ...ENV, AWS_LAMBDA_FUNCTION_MEMORY_SIZE: memory };
      assert.equal(readObjectSettings(env).threads, threads);
      assert.equal(readObjectSettings({ ...env, MODEL_THREADS: '3' }).threads, 3);
    });
  }

  it('takes results in an input bucket when a prefix keeps them apart', () => {
    const { results } = readObjectSettings({ ...ENV, RESULTS_BUCKET: 'photos', RESULTS_PREFIX: 'out/' });
    assert.deepEqual(results, { bucket: 'photos', prefix: 'out/' });
    assert.equal(readObjectSettings({ ...ENV, RESULTS_PREFIX: '' }).results.prefix, '');
  });

  const wrong: [variable: string, value: string | undefined][] = [
    ['MODEL_DIR', undefined],
    ['MODEL_DIR', ''],
    ['MODEL_THREADS', '0'],
    ['MODEL_THREADS', 'two'],
    ['ALLOWED_BUCKETS', undefined],
    ['ALLOWED_BUCKETS', ''],
    ['ALLOWED_BUCKETS', 'photos,,more'],
    ['ALLOWED_BUCKETS', 'photos/prefix'],
    ['RESULTS_BUCKET', undefined],
    ['RESULTS_BUCKET', 'Results'],
    ['RESULTS_PREFIX', 'no-slash'],
    ['RESULTS_PREFIX', '/'],
    ['RESULTS_PREFIX', 'two//'],
    ['RESULTS_PREFIX', `${'x'.repeat(200)}/`],
    ['MAX_OBJECT_BYTES', '0'],
    ['MAX_OBJECT_BYTES', '1.5'],
    ['MAX_OBJECT_BYTES', '1000000000'],
    ['MAX_PIXELS', '0'],
    ['DECODE_MEMORY', '0'],
    ['DECODE_MEMORY', '1gib'],
    ['MAX_PIXELS', '1e-3'],
    ['MAX_PIXELS', 'many'],
    ['TRACING', 'true'],
    ['POWERTOOLS_LOG_LEVEL', 'LOUD'],
  ];
  for (const [variable, value] of wrong) {
    it(`refuses ${variable} ${value === undefined ? 'left out' : JSON.stringify(value)} by its name`, () => {
      assert.throws(() => readObjectSettings({ ...ENV, [variable]: value }), {
        message: new RegExp(variable),
      });
    });
  }

  it('refuses results among the images, and says no value of the environment', () => {
    const env = { ...ENV, RESULTS_BUCKET: 'photos', RESULTS_PREFIX: '' };
    assert.throws(
      () => readObjectSettings(env),
      (error: Error) => {
        assert.match(error.message, /RESULTS_PREFIX/);
        assert.doesNotMatch(error.message, /more\.photos/);
        return true;
      },
    );
  });
});
