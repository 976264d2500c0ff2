import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import { after, describe, it, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { NATIVE_PACKAGES, packFunction } from '../../../infra/functions/pack-functions.ts';
import { temporaryDirectory } from '../../support/bundles.ts';
import { setEnvironment } from '../../support/network/servers.ts';

const { path, dispose } = temporaryDirectory();
after(dispose);

/** 250 MB are for model and native code; a handler that outgrows this has taken in something that it should not. */
const MAX_BYTES = 4 << 20;

for (const [name, files] of [
  ['http', ['http.mjs', 'page.html', 'login.html', 'health.jpg', 'coffee.jpg', 'giraffes.jpg']],
  ['queue', ['queue.mjs']],
  ['workflow', ['workflow.mjs']],
] as const) {
  describe(`the packed ${name} function`, () => {
    it('is its module and what it reads beside itself', async () => {
      const directory = join(path, name);
      const packed = await packFunction(name, directory);
      assert.deepEqual(packed.files, files);
      assert.deepEqual(readdirSync(directory).sort(), [...files].sort());
      assert.equal(packed.handler, `${name}.handler`);
      assert.equal(
        packed.bytes,
        files.reduce((sum, file) => sum + statSync(join(directory, file)).size, 0),
      );
      assert.ok(packed.bytes < MAX_BYTES, `${packed.bytes} bytes`);
    });

    it('imports nothing but Node and the packages with machine code', () => {
      const source = readFileSync(join(path, name, files[0]), 'utf8');
      const imports = [...source.matchAll(/(?:^|[;}\n])import(?:[^'"();]*?from)?\s*["']([^"']+)["']/g)].map(
        ([, from]) => from!,
      );
      // Loaded when they are first used, and not packed.
      for (const native of ['sharp', 'onnxruntime-node']) assert.ok(source.includes(`("${native}")`), native);
      assert.deepEqual(
        imports.filter((from) => !isBuiltin(from) && !NATIVE_PACKAGES.some((native) => native === from)),
        [],
      );
    });
  });
}

test('packed functions start, also with traces, whose packages are CommonJS', async (t) => {
  setEnvironment(t, {
    ...{ MODEL_DIR: '/nowhere', ALLOWED_BUCKETS: 'photos', RESULTS_BUCKET: 'results', TRACING: 'on' },
    ...{ AWS_REGION: 'eu-west-1', POWERTOOLS_LOG_LEVEL: 'SILENT' },
  });
  for (const name of ['http', 'queue', 'workflow', 'summary'] as const) {
    const directory = join(path, 'all', name);
    const { files } = await packFunction(name, directory);
    const { handler } = await import(pathToFileURL(join(directory, files[0]!)).href);
    assert.equal(typeof handler, 'function', name);
  }
});

test('the packed page is one file', () => {
  const page = readFileSync(join(path, 'http', 'page.html'), 'utf8');
  assert.match(page, /<style>/);
  assert.doesNotMatch(page, /<link rel="stylesheet"|<script[^>]* src=/);
});
