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

/** What a module imports before it runs, as it is written. */
function importsOf(file: string): string[] {
  const source = readFileSync(file, 'utf8');
  return [...source.matchAll(/(?:^|[;}\n])import(?:[^'"();]*?from)?\s*["']([^"']+)["']/g)].map(
    ([, from]) => from!,
  );
}

/** A module and all parts that are loaded with it; the others are loaded when somebody asks for them. */
function loadedWith(directory: string, file: string, found = new Set<string>()): Set<string> {
  if (found.has(file)) return found;
  found.add(file);
  for (const from of importsOf(join(directory, file)))
    if (from.startsWith('./')) loadedWith(directory, from.slice(2), found);
  return found;
}

for (const [name, beside] of [
  ['http', ['page.html', 'login.html', 'health.jpg', 'coffee.jpg', 'giraffes.jpg']],
  ['queue', []],
  ['workflow', []],
  ['summary', []],
] as const) {
  describe(`the packed ${name} function`, () => {
    const directory = join(path, name);
    let parts: string[];

    it('is its module, its parts, and what it reads beside itself', async () => {
      const packed = await packFunction(name, directory);
      const [module, ...others] = packed.files;
      assert.equal(module, `${name}.mjs`);
      parts = others.slice(0, others.length - beside.length);
      assert.deepEqual(others.slice(parts.length), beside);
      for (const part of parts) assert.match(part, new RegExp(`^${name}-[A-Z0-9]{8}\\.mjs$`));
      assert.deepEqual(readdirSync(directory).sort(), [...packed.files].sort());
      assert.equal(packed.handler, `${name}.handler`);
      assert.equal(
        packed.bytes,
        packed.files.reduce((sum, file) => sum + statSync(join(directory, file)).size, 0),
      );
      assert.ok(packed.bytes < MAX_BYTES, `${packed.bytes} bytes`);
    });

    it('imports nothing but its parts, Node and the packages with machine code', () => {
      const modules = [`${name}.mjs`, ...parts];
      const imports = modules.flatMap((file) => importsOf(join(directory, file)));
      const isPart = (from: string) => parts.some((part) => from === `./${part}`);
      assert.deepEqual(
        imports.filter(
          (from) => !isPart(from) && !isBuiltin(from) && !NATIVE_PACKAGES.some((native) => native === from),
        ),
        [],
      );
      if (name === 'summary') return;
      const source = modules.map((file) => readFileSync(join(directory, file), 'utf8')).join('');
      // Loaded when they are first used, and not packed.
      for (const native of ['sharp', 'onnxruntime-node']) assert.ok(source.includes(`("${native}")`), native);
    });

    it('loads traces and events only when they are asked for', () => {
      const loaded = loadedWith(directory, `${name}.mjs`);
      const holders = (text: string) =>
        parts.filter((part) => readFileSync(join(directory, part), 'utf8').includes(text));
      const optional = {
        ...(name !== 'http' && { events: 'EventBridgeClient=class' }),
        ...(name !== 'summary' && { traces: 'captureAWSv3Client(' }),
      };
      for (const [what, text] of Object.entries(optional)) {
        assert.equal(holders(text).length, 1, what);
        assert.ok(!loaded.has(holders(text)[0]!), what);
      }
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
