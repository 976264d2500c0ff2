/** The arrows of ARCHITECTURE.md: who may import whom. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Layer to what it may import: other layers by name, packages and Node's modules as they are written. */
const ALLOWED: Record<string, readonly string[]> = {
  errors: [],
  caption: ['errors', 'zod'],
  model: ['caption', 'errors', 'node:*', 'onnxruntime-node', 'sharp', 'zod'],
  evaluate: [],
  export: ['model', 'caption', 'errors', 'node:*', 'onnxruntime-node', 'protobufjs', 'tar-stream', 'yauzl'],
  s3: ['model', 'caption', 'errors', 'node:*', '@aws-sdk/client-s3', 'zod'],
  http: ['model', 'caption', 'errors', 'node:*', 'hono', '@hono/zod-openapi', 'zod'],
  lambda: [
    'http',
    's3',
    'model',
    'caption',
    'errors',
    'node:*',
    'hono',
    'zod',
    '@aws-lambda-powertools/batch',
    '@aws-lambda-powertools/logger',
    '@aws-lambda-powertools/metrics',
    '@aws-lambda-powertools/tracer',
    '@aws-sdk/client-s3',
    '@aws-sdk/s3-request-presigner',
    'aws-lambda',
    'bucket',
  ],
  alt: ['errors', 'node:*', '@xmldom/xmldom', 'parse5'],
  bucket: ['s3', 'caption', 'errors', 'node:*', 'zod', '@aws-sdk/client-s3', '@aws-sdk/client-sfn'],
  server: [
    'http',
    's3',
    'model',
    'caption',
    'errors',
    'node:*',
    'hono',
    '@hono/node-server',
    '@aws-sdk/client-sqs',
    'zod',
  ],
  cli: [
    'export',
    'server',
    'bucket',
    's3',
    'alt',
    'model',
    'caption',
    'evaluate',
    'errors',
    'node:*',
    'cli-progress',
    'commander',
    'sharp-phash',
    'yauzl',
    'zod',
  ],
  bench: [
    'bucket',
    'server',
    'http',
    'model',
    'caption',
    'errors',
    'node:*',
    'onnxruntime-node',
    'sharp',
    'autocannon',
  ],
};

/** `src/caption/options.ts` → `caption`, `src/errors.ts` → `errors`, `bench/main.ts` → `bench`. */
function layerOf(file: string): string {
  const [top, second = ''] = file.split('/');
  return top === 'src' ? second.replace(/\.ts$/, '') : top!;
}

function importsOf(file: string): string[] {
  const source = readFileSync(join(ROOT, file), 'utf8');
  const statements = source.matchAll(
    /^(?:import|export)\b[^'"]*?\bfrom\s*['"]([^'"]+)['"]|^import\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/gm,
  );
  return [...statements].map(([, from, bare, dynamic]) => from ?? bare ?? dynamic!);
}

function targetOf(file: string, specifier: string): string {
  if (specifier.startsWith('.')) return layerOf(normalize(join(dirname(file), specifier)));
  if (specifier.startsWith('node:')) return 'node:*';
  // `@scope/name/file.js` and `name/file.js` are their packages.
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

const files = ['src', 'bench'].flatMap((top) => globSync(`${top}/**/*.{ts,js}`, { cwd: ROOT }));

test('there is something to check', () => {
  assert.ok(files.includes('src/caption/captioner.ts'));
  const targets = importsOf('src/caption/captioner.ts').map((s) => targetOf('src/caption/captioner.ts', s));
  assert.deepEqual([...new Set(targets)].sort(), ['caption', 'errors']);
});

for (const file of files) {
  test(`${file} imports only what its layer may`, () => {
    const layer = layerOf(file);
    const allowed = ALLOWED[layer];
    assert.ok(allowed, `layer ${layer} has no line in ALLOWED`);
    const wrong = importsOf(file).filter((s) => {
      const target = targetOf(file, s);
      return target !== layer && !allowed.includes(target);
    });
    assert.deepEqual(wrong, []);
  });
}
