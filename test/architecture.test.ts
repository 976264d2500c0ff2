/** The arrows of ARCHITECTURE.md: who may import whom, imports of types alone included. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** A folder with more is a crowd. */
const MAX_FILES = 16;

/**
 * Room to what it may import: rooms by their paths (those in src without it), packages and Node's modules as they are
 * written. A room has only arrows to rooms further up in this table.
 */
const ALLOWED: Record<string, readonly string[]> = {
  errors: [],
  printable: [],
  csv: [],
  files: ['errors', 'node:*'],
  'caption/confidence': ['zod'],
  'caption/search': [],
  'caption/vocabulary': ['caption/search', 'errors'],
  'caption/resampling': [],
  caption: [
    'caption/vocabulary',
    'caption/search',
    'caption/resampling',
    'caption/confidence',
    'errors',
    'zod',
  ],
  net: ['errors', 'node:*'],
  'alt/words': ['errors', 'node:*'],
  alt: ['alt/words', 'files', 'errors', 'node:*', '@xmldom/xmldom'],
  'alt/page': ['errors', 'node:*', 'parse5'],
  'aws/rules': ['zod'],
  aws: ['aws/rules', 'net', 'errors', 'node:*', '@aws-sdk/client-s3', '@aws-sdk/client-sfn'],
  evaluate: ['caption', 'caption/confidence'],
  'model/native': ['errors', 'node:*', 'onnxruntime-node', 'sharp'],
  'model/waiting': [],
  'model/tokenizer': ['caption/vocabulary', '@huggingface/tokenizers'],
  'model/formats': ['model/waiting', 'caption', 'errors', 'sharp'],
  'model/memory': ['model/formats', 'model/waiting', 'caption', 'errors', 'node:*', 'sharp'],
  'model/manifest': ['caption', 'caption/resampling', 'caption/confidence', 'zod'],
  'model/networks': [
    'model/manifest',
    'model/memory',
    'model/native',
    'caption',
    'errors',
    'node:*',
    'onnxruntime-node',
  ],
  model: [
    'model/networks',
    'model/manifest',
    'model/memory',
    'model/tokenizer',
    'model/waiting',
    'model/formats',
    'model/native',
    'caption',
    'caption/search',
    'caption/vocabulary',
    'caption/confidence',
    'files',
    'errors',
    'node:*',
    'sharp',
    'zod',
  ],
  'pictures/plain': ['caption'],
  pictures: ['pictures/plain', 'model', 'model/native', 'caption'],
  library: ['model', 'model/memory', 'model/waiting', 'net', 'caption', 'errors', 'node:*'],
  index: ['library', 'model', 'alt', 'caption', 'errors'],
  onnx: ['errors', 'protobufjs'],
  quantize: [
    'onnx',
    'model',
    'model/networks',
    'model/manifest',
    'model/native',
    'caption',
    'errors',
    'onnxruntime-node',
  ],
  'import/bytes': ['errors', 'node:*', 'protobufjs'],
  'import/tensorflow': ['import/bytes', 'errors'],
  'import/source': [
    'import/tensorflow',
    'import/bytes',
    'files',
    'net',
    'errors',
    'node:*',
    'tar-stream',
    'yauzl',
  ],
  'import/export-names': [],
  'import/hub': [
    'import/export-names',
    'import/source',
    'files',
    'net',
    'errors',
    'node:*',
    '@huggingface/hub',
    'yaml',
    'zod',
  ],
  'import/network': [
    'import/source',
    'import/tensorflow',
    'import/bytes',
    'onnx',
    'caption',
    'caption/vocabulary',
    'caption/resampling',
    'errors',
  ],
  'import/captioner/graphs/facts': ['onnx'],
  'import/captioner/graphs': ['import/captioner/graphs/facts', 'onnx', 'errors'],
  'import/captioner': [
    'import/export-names',
    'import/captioner/graphs',
    'onnx',
    'model',
    'model/manifest',
    'model/native',
    'model/tokenizer',
    'caption',
    'caption/vocabulary',
    'caption/resampling',
    'errors',
    'node:*',
    'zod',
  ],
  import: [
    'import/network',
    'import/source',
    'import/tensorflow',
    'import/bytes',
    'onnx',
    'model',
    'model/manifest',
    'caption',
    'errors',
    'node:*',
  ],
  s3: [
    'aws',
    'aws/rules',
    'caption',
    'errors',
    'node:*',
    '@aws-sdk/client-s3',
    '@aws-sdk/s3-request-presigner',
    'zod',
  ],
  'bucket-run': [
    'aws',
    'aws/rules',
    'caption',
    'errors',
    'node:*',
    'zod',
    '@aws-sdk/client-s3',
    '@aws-sdk/client-sfn',
  ],
  events: [
    'bucket-run',
    's3',
    'aws',
    'aws/rules',
    'caption',
    'errors',
    'node:*',
    'zod',
    '@aws-sdk/client-eventbridge',
  ],
  'http/cross-origin': ['zod'],
  http: [
    'http/cross-origin',
    'aws/rules',
    'model',
    'model/manifest',
    'caption',
    'errors',
    'hono',
    '@hono/zod-openapi',
  ],
  'http/request': ['http', 'aws/rules', 'caption', 'errors', 'node:*', 'hono'],
  'http/transport': ['http', 'node:*', 'hono'],
  'http/page/browser/shared': ['caption'],
  'http/page/browser/result': ['http/page/browser/shared', 'pictures/plain', 'alt', 'caption'],
  'http/page/browser/login': ['http/page/browser/shared'],
  'http/page/browser': ['http/page/browser/result', 'http/page/browser/shared', 'csv'],
  'http/page': ['http', 'node:*', 'hono'],
  'http/routes': ['http/request', 'http', 'caption', 'errors', 'node:*', 'hono', '@hono/zod-openapi'],
  'http/docs': ['http/routes', 'http/request', 'http/page', 'http', 'caption', 'hono'],
  'http/app': [
    'http/docs',
    'http/routes',
    'http/page',
    'http',
    'http/transport',
    'http/cross-origin',
    'errors',
    'hono',
    '@hono/zod-openapi',
  ],
  'lambda/env': ['aws/rules', 'zod'],
  lambda: [
    'lambda/env',
    'http/app',
    'http',
    'events',
    'bucket-run',
    's3',
    'aws',
    'aws/rules',
    'model',
    'model/memory',
    'caption',
    'printable',
    'errors',
    'hono',
    'zod',
    '@aws-lambda-powertools/batch',
    '@aws-lambda-powertools/logger',
    '@aws-lambda-powertools/metrics',
    '@aws-lambda-powertools/tracer',
    '@aws-sdk/client-s3',
    'aws-lambda',
  ],
  server: [
    'http/app',
    'http/transport',
    'http',
    'http/cross-origin',
    'events',
    's3',
    'aws',
    'aws/rules',
    'model',
    'model/memory',
    'caption',
    'printable',
    'errors',
    'node:*',
    '@hono/node-server',
    '@aws-sdk/client-sqs',
    'prom-client',
    'zod',
  ],
  'cli/start': ['node:*'],
  'cli/shared': [
    'cli/start',
    'model',
    'model/memory',
    'caption',
    'csv',
    'printable',
    'errors',
    'node:*',
    'cli-progress',
    'commander',
  ],
  'cli/caption': [
    'cli/shared',
    'pictures',
    'model',
    'caption',
    'files',
    'printable',
    'errors',
    'node:*',
    'commander',
    'sharp-phash',
    'zod',
  ],
  'cli/alt': [
    'cli/shared',
    'alt',
    'alt/page',
    'model',
    'caption',
    'files',
    'printable',
    'errors',
    'node:*',
    'commander',
  ],
  'cli/evaluate': [
    'cli/shared',
    'evaluate',
    'model',
    'printable',
    'errors',
    'node:*',
    'commander',
    'yauzl',
    'zod',
  ],
  'cli/import': [
    'cli/shared',
    'cli/start',
    'import',
    'import/captioner',
    'import/export-names',
    'import/hub',
    'import/source',
    'quantize',
    'model',
    'model/manifest',
    'caption',
    'files',
    'printable',
    'errors',
    'node:*',
    'commander',
  ],
  'cli/bucket': [
    'cli/shared',
    'bucket-run',
    's3',
    'aws',
    'aws/rules',
    'files',
    'printable',
    'errors',
    'node:*',
    'commander',
    'hyparquet-writer',
    'zod',
  ],
  'cli/serve': ['cli/shared', 'server', 'aws/rules', 'model', 'errors', 'node:*', 'commander'],
  cli: [
    'cli/caption',
    'cli/alt',
    'cli/evaluate',
    'cli/import',
    'cli/bucket',
    'cli/serve',
    'cli/shared',
    'cli/start',
    'printable',
    'node:*',
    'commander',
  ],
  'bench/shared': ['node:*'],
  'bench/costs': ['bucket-run'],
  'bench/captioners': ['bench/shared', 'import/captioner', 'import/export-names', 'model', 'node:*'],
  bench: [
    'bench/costs',
    'bench/shared',
    'bucket-run',
    'model',
    'model/memory',
    'caption',
    'node:*',
    'onnxruntime-node',
    'sharp',
    'autocannon',
  ],
  packaging: ['http/page', 'model', 'node:*'],
  examples: ['show-and-tell', 'node:*', 'hono', '@hono/node-server'],
  'infra/settings': ['http/cross-origin', 'aws/rules', 'zod', 'aws-cdk-lib', 'constructs'],
  'infra/input': ['infra/settings', 'aws-cdk-lib'],
  'infra/events': ['infra/settings', 'lambda/env', 'aws/rules', 'aws-cdk-lib', 'constructs'],
  'infra/functions': [
    'infra/settings',
    'http/page',
    'lambda/env',
    'model',
    'node:*',
    'aws-cdk-lib',
    'constructs',
    'esbuild',
  ],
  'infra/workflow': ['infra/settings', 'errors', 'aws-cdk-lib', 'constructs'],
  'infra/gpu': ['infra/functions', 'infra/input', 'infra/settings', 'aws-cdk-lib', 'constructs'],
  'infra/page': ['infra/settings', 'lambda/env', 'aws-cdk-lib', 'constructs'],
  'infra/container': ['infra/functions', 'node:*'],
  infra: [
    'infra/page',
    'infra/gpu',
    'infra/workflow',
    'infra/functions',
    'infra/events',
    'infra/input',
    'infra/settings',
    'http/cross-origin',
    'lambda/env',
    'aws/rules',
    'node:*',
    'aws-cdk-lib',
    'cdk-nag',
    'constructs',
    'zod',
  ],
  'infra/published': [
    'infra',
    'infra/functions',
    'infra/settings',
    'model',
    'node:*',
    'aws-cdk-lib',
    'cdk-nag',
    'constructs',
    'yazl',
    'zod',
  ],
};

/** Files that stand above or below the rest of their folder. */
const OWN_ROOM: Record<string, string> = {
  'src/errors.ts': 'errors',
  'src/printable.ts': 'printable',
  'src/csv.ts': 'csv',
  'src/index.ts': 'index',
  'src/aws/object-reference.ts': 'aws/rules',
  'src/aws/places.ts': 'aws/rules',
  'src/aws/event-names.ts': 'aws/rules',
  'src/http/app.ts': 'http/app',
  'src/http/cross-origin.ts': 'http/cross-origin',
  'src/lambda/env.ts': 'lambda/env',
  'src/lambda/uploads-env.ts': 'lambda/env',
  'src/lambda/login-env.ts': 'lambda/env',
  'src/import/export-names.ts': 'import/export-names',
  'src/model/manifest.ts': 'model/manifest',
  'src/pictures/heat.ts': 'pictures/plain',
  'src/pictures/tree-layout.ts': 'pictures/plain',
  'infra/settings.ts': 'infra/settings',
  'infra/gpu-settings.ts': 'infra/settings',
  'infra/page-settings.ts': 'infra/settings',
  'infra/acknowledge.ts': 'infra/settings',
  'infra/model-size.ts': 'infra/settings',
  'infra/encryption.ts': 'infra/settings',
  'infra/events/event-settings.ts': 'infra/settings',
  'infra/input/input-settings.ts': 'infra/settings',
};

/** `src/caption/options.ts` → `caption`, `infra/gpu/task.ts` → `infra/gpu`. */
function roomOf(file: string): string {
  return OWN_ROOM[file] ?? dirname(file).replace(/^src\//, '');
}

/** As they are written, of values and of types; a file of the repository by its path. */
function importsOf(file: string): string[] {
  const source = readFileSync(join(ROOT, file), 'utf8');
  const statements = source.matchAll(
    /^(?:import|export)\b[^'"]*?\bfrom\s*['"]([^'"]+)['"]|^import\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/gm,
  );
  return [...statements].map(([, from, bare, dynamic]) => {
    const specifier = from ?? bare ?? dynamic!;
    return specifier.startsWith('.') ? normalize(join(dirname(file), specifier)) : specifier;
  });
}

function targetOf(imported: string): string {
  if (files.includes(imported)) return roomOf(imported);
  if (imported.startsWith('node:')) return 'node:*';
  // `@scope/name/file.js` and `name/file.js` are their packages.
  return imported
    .split('/')
    .slice(0, imported.startsWith('@') ? 2 : 1)
    .join('/');
}

/** The nodes of a circle in the order of its arrows, or `null` when there is none. */
function circleIn(graph: ReadonlyMap<string, readonly string[]>): string[] | null {
  const done = new Set<string>();
  const walk = (node: string, way: readonly string[]): string[] | null => {
    if (way.includes(node)) return [...way.slice(way.indexOf(node)), node];
    if (done.has(node)) return null;
    for (const next of graph.get(node) ?? []) {
      const circle = walk(next, [...way, node]);
      if (circle) return circle;
    }
    done.add(node);
    return null;
  };
  for (const node of graph.keys()) {
    const circle = walk(node, []);
    if (circle) return circle;
  }
  return null;
}

/** The client's own package stands there in the image, beside the file that imports it. */
const IN_IMAGE = 'infra/container/lambda-entry.js';
const files = ['src', 'bench', 'infra', 'packaging', 'examples']
  .flatMap((top) => globSync(`${top}/**/*.{ts,js}`, { cwd: ROOT }))
  .filter((file) => file !== IN_IMAGE);
const rooms = new Set(files.map(roomOf));

test('there is something to check', () => {
  assert.ok(files.includes('src/caption/captioner.ts'));
  const targets = importsOf('src/caption/captioner.ts').map(targetOf);
  assert.deepEqual([...new Set(targets)].sort(), ['caption']);
  assert.deepEqual(
    circleIn(
      new Map([
        ['a', ['b']],
        ['b', ['c']],
        ['c', ['b']],
      ]),
    ),
    ['b', 'c', 'b'],
  );
});

for (const file of files) {
  test(`${file} imports only what its room may`, () => {
    const room = roomOf(file);
    const allowed = ALLOWED[room];
    assert.ok(allowed, `room ${room} has no line in ALLOWED`);
    const targets = importsOf(file).map(targetOf);
    assert.deepEqual(
      targets.filter((target) => target !== room && !allowed.includes(target)),
      [],
    );
  });
}

describe('the rooms', () => {
  test('have arrows one way only', () => {
    const order = Object.keys(ALLOWED);
    assert.deepEqual(
      order.filter((room) => !rooms.has(room)),
      [],
    );
    for (const [room, allowed] of Object.entries(ALLOWED)) {
      const below = allowed.filter(
        (target) => rooms.has(target) && order.indexOf(target) >= order.indexOf(room),
      );
      assert.deepEqual(below, [], room);
    }
  });

  test('are asked for nothing that nobody imports', () => {
    for (const [room, allowed] of Object.entries(ALLOWED)) {
      const used = new Set(
        files
          .filter((file) => roomOf(file) === room)
          .flatMap(importsOf)
          .map(targetOf),
      );
      assert.deepEqual(
        allowed.filter((target) => !used.has(target)),
        [],
        room,
      );
    }
  });

  test('hold no circle of files', () => {
    assert.equal(circleIn(new Map(files.map((file) => [file, importsOf(file)]))), null);
  });

  test('are not crowded', () => {
    const tests = globSync('test/**/*.{ts,js}', { cwd: ROOT, exclude: ['test/**/node_modules/**'] });
    const folders = Map.groupBy([...files, ...tests], (file) => dirname(file));
    const crowds = [...folders].filter(([, within]) => within.length > MAX_FILES);
    assert.deepEqual(
      crowds.map(([folder, within]) => `${folder}: ${within.length}`),
      [],
    );
  });
});
