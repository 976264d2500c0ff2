import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readEventSettings, readHttpSettings, readObjectSettings } from '../../src/lambda/env.ts';
import { readLogin } from '../../src/lambda/login-env.ts';
import { readUploadSettings } from '../../src/lambda/uploads-env.ts';

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
      tagObjects: [],
    });
  });

  it('gives what is set, every variable its own', () => {
    const env = {
      MODEL_DIR: 'other',
      MODEL_THREADS: '64',
      ALLOWED_BUCKETS: 'photos',
      RESULTS_BUCKET: 'photos',
      RESULTS_PREFIX: 'out/',
      TAG_OBJECTS: 'photos, more',
      MAX_OBJECT_BYTES: '1',
      MAX_PIXELS: '1',
      DECODE_MEMORY: '1',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '1',
      TRACING: 'on',
      POWERTOOLS_SERVICE_NAME: 'service',
      POWERTOOLS_METRICS_NAMESPACE: 'Namespace',
      POWERTOOLS_LOG_LEVEL: 'WARN',
    };
    const settings = {
      modelDirectory: 'other',
      threads: 64,
      allowedBuckets: ['photos'],
      maxObjectBytes: 1,
      maxPixels: 1,
      decodeMemory: 1,
      memory: 1 << 20,
      tracing: true,
      serviceName: 'service',
      metricsNamespace: 'Namespace',
      logLevel: 'WARN',
    };
    assert.deepEqual(readHttpSettings(env), settings);
    const results = { bucket: 'photos', prefix: 'out/' };
    assert.deepEqual(readObjectSettings(env), { ...settings, results, tagObjects: ['photos', 'more'] });
    assert.equal(readHttpSettings({ ...env, TRACING: 'off' }).tracing, false);
  });

  for (const level of ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'SILENT', 'CRITICAL']) {
    it(`knows the level ${level}`, () => {
      assert.equal(readHttpSettings({ MODEL_DIR: 'm', POWERTOOLS_LOG_LEVEL: level }).logLevel, level);
    });
  }

  it('names every variable that is wrong, in one line', () => {
    const env = { ...ENV, MODEL_DIR: undefined, TRACING: 'true' };
    assert.throws(() => readObjectSettings(env), {
      message: /^environment variables: MODEL_DIR: [^;]+; TRACING: [^;]+$/,
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

  it('has a bus with the name of the deployment, or none', () => {
    assert.equal(readEventSettings({ DEPLOYMENT: 'test' }), null);
    const env = { EVENT_BUS: 'own', DEPLOYMENT: 'test' };
    assert.deepEqual(readEventSettings(env), { bus: 'own', deployment: 'test' });
    for (const [name, value] of [
      ['EVENT_BUS', 'arn:aws:events:eu-west-1:1:event-bus/own'],
      ['EVENT_BUS', ''],
      ['DEPLOYMENT', undefined],
      ['DEPLOYMENT', ''],
    ] as const)
      assert.throws(() => readEventSettings({ ...env, [name]: value }), {
        message: new RegExp(`^environment variables: ${name}: `),
      });
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
    ['TAG_OBJECTS', 'on,'],
    ['MODEL_THREADS', '0'],
    ['MODEL_THREADS', 'two'],
    ['MODEL_THREADS', '65'],
    ['MODEL_THREADS', '1.5'],
    ['AWS_LAMBDA_FUNCTION_MEMORY_SIZE', '0'],
    ['TRACING', ''],
    ['POWERTOOLS_SERVICE_NAME', ''],
    ['POWERTOOLS_METRICS_NAMESPACE', ''],
    ['POWERTOOLS_LOG_LEVEL', ''],
    ['MAX_PIXELS', '1.5'],
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

describe('the environment of uploads', () => {
  const uploads = {
    UPLOADS_BUCKET: 'photos',
    UPLOADS_PREFIX: 'uploads/',
    RESULTS_BUCKET: 'results',
    RESULTS_PREFIX: '',
  };
  it('gives both places, or nothing where there is no bucket for uploads', () => {
    assert.deepEqual(readUploadSettings(uploads), {
      uploads: { bucket: 'photos', prefix: 'uploads/' },
      results: { bucket: 'results', prefix: '' },
    });
    assert.equal(readUploadSettings({ ...uploads, UPLOADS_BUCKET: undefined }), null);
  });

  for (const [variable, value] of [
    ['UPLOADS_BUCKET', ''],
    ['UPLOADS_PREFIX', ''],
    ['UPLOADS_PREFIX', undefined],
    ['RESULTS_BUCKET', undefined],
    ['RESULTS_PREFIX', undefined],
    ['RESULTS_PREFIX', 'no-slash'],
  ] as const) {
    it(`refuses ${variable} ${value === undefined ? 'left out' : JSON.stringify(value)} by its name`, () => {
      assert.throws(() => readUploadSettings({ ...uploads, [variable]: value }), {
        message: new RegExp(variable),
      });
    });
  }
});

describe('the environment of the login', () => {
  const login = {
    LOGIN_ISSUER: 'https://issuer.example/',
    LOGIN_CLIENT_ID: 'page',
    LOGIN_SCOPE: 'openid email',
  };

  it('gives it as it is said, or nothing where there is no issuer', () => {
    assert.deepEqual(readLogin(login), {
      issuer: 'https://issuer.example/',
      clientId: 'page',
      scope: 'openid email',
    });
    assert.equal(readLogin({ ...login, LOGIN_ISSUER: undefined }), null);
  });

  for (const [variable, value] of [
    ['LOGIN_ISSUER', 'issuer.example'],
    ['LOGIN_ISSUER', 'http://issuer.example'],
    ['LOGIN_CLIENT_ID', ''],
    ['LOGIN_CLIENT_ID', undefined],
    ['LOGIN_SCOPE', undefined],
  ] as const) {
    it(`refuses ${variable} ${value === undefined ? 'left out' : JSON.stringify(value)} by its name`, () => {
      assert.throws(() => readLogin({ ...login, [variable]: value }), { message: new RegExp(variable) });
    });
  }
});
