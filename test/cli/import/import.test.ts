import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { temporaryDirectory } from '../../support/bundles.ts';
import { finished, runCli, shellStatus, startCli } from '../../support/cli.ts';
import { COFFEE, ROOT, SAMPLES } from '../../support/samples.ts';

const TINY = join(ROOT, 'test/fixtures/golden/tiny');
const GRAPH = join(TINY, 'im2txt-tiny.pb');
const WORDS = join(TINY, 'word_counts.txt');
/** To calibrate on: the fewer, the sooner. */
const FEW = [COFFEE, join(SAMPLES, 'chelsea.jpg')];

describe('show-and-tell import and quantize', () => {
  let place: ReturnType<typeof temporaryDirectory>;
  before(() => {
    place = temporaryDirectory();
  });
  after(() => place.dispose());

  /** A new empty directory. */
  function room(name: string): string {
    const directory = join(place.path, name);
    mkdirSync(directory);
    return directory;
  }

  it('makes a bundle that captions, and says what it read, what it says and what it wrote', async () => {
    const out = join(room('fp32'), 'bundle');
    const { status, stdout, stderr } = await runCli([
      'import',
      '--from',
      GRAPH,
      '--vocabulary',
      WORDS,
      '--out',
      out,
    ]);
    assert.equal(status, 0, stderr);
    const file = ' +\\d\\.\\d MB  sha256 [0-9a-f]{64}';
    const lines = [
      `Read frozen-graph ${GRAPH}; 0 tensors not needed`,
      `Words from ${WORDS}`,
      'It says of samples/coffee.jpg, in \\d+ ms:',
      ...[0, 1, 2].map((i) => `  ${i}\\) astronaut red .* \\(p=0\\.\\d{6}\\)`),
      `${out}: bundle, fp32, hash [0-9a-f]{64}`,
      ...['encoder.onnx', 'decoder.onnx', 'word_counts.txt'].map((name) => `  ${name}${file}`),
      'Done in \\d+\\.\\d s',
    ];
    assert.match(stdout, new RegExp(`^${lines.join('\n')}\n$`));
    const caption = await runCli(['caption', '--model', out, COFFEE]);
    assert.equal(caption.status, 0);
    assert.match(caption.stdout, /0\) astronaut red/);
    assert.deepEqual(readdirSync(join(place.path, 'fp32')), ['bundle']);
  });

  it('makes an INT8 bundle and compares it with the fp32 one', async () => {
    const directory = room('int8');
    const args = ['--from', GRAPH, '--vocabulary', WORDS, '--precision', 'int8', '--calibrate', ...FEW];
    const words = ['--name', 'mine', '--license', 'CC0-1.0', '--out', join(directory, 'bundle')];
    const { status, stdout, stderr } = await runCli(['import', ...args, ...words]);
    assert.equal(status, 0, stderr);
    assert.match(stdout, new RegExp(`\nINT8 beside fp32 on ${FEW.length} images: `));
    assert.deepEqual(readdirSync(directory), ['bundle']);
    const manifest = JSON.parse(readFileSync(join(directory, 'bundle/manifest.json'), 'utf8'));
    assert.deepEqual([manifest.precision, manifest.name, manifest.license], ['int8', 'mine', 'CC0-1.0']);
  });

  it('quantizes an fp32 bundle, and refuses an INT8 one', async () => {
    const directory = room('quantize');
    const [fp32, int8] = [join(directory, 'fp32'), join(directory, 'int8')];
    await runCli(['import', '--from', GRAPH, '--vocabulary', WORDS, '--out', fp32]);
    const first = await runCli(['quantize', '--model', fp32, '--calibrate', ...FEW, '--out', int8]);
    assert.equal(first.status, 0, first.stderr);
    assert.match(
      first.stdout,
      new RegExp(
        `^INT8 beside fp32 on ${FEW.length} images: [^]*\nIt says of [^]*\n${int8}: int8, int8, hash [^]*\nDone in `,
      ),
    );
    const again = await runCli([
      'quantize',
      '--model',
      int8,
      '--calibrate',
      ...FEW,
      '--out',
      `${int8}-again`,
    ]);
    assert.equal(again.status, 2);
    assert.match(again.stderr, /already int8/);
    assert.deepEqual(readdirSync(directory).sort(), ['fp32', 'int8']);
  });

  const REFUSED: [string, (out: string) => string[], number, RegExp][] = [
    [
      'a place that is taken',
      () => ['--from', GRAPH, '--vocabulary', WORDS, '--out', TINY],
      2,
      /exists already/,
    ],
    [
      'a source that is nowhere',
      (out) => ['--from', '/nowhere', '--out', out],
      4,
      /SourceUnreadable: \/nowhere/,
    ],
    ['a photograph as source', (out) => ['--from', COFFEE, '--vocabulary', WORDS, '--out', out], 4, /Source/],
    [
      'a word list that is none',
      (out) => ['--from', GRAPH, '--vocabulary', GRAPH, '--out', out],
      4,
      /Vocabulary/,
    ],
  ];
  for (const [name, args, status, message] of REFUSED) {
    it(`refuses ${name} and leaves nothing behind`, async () => {
      const directory = room(name);
      const found = await runCli(['import', ...args(join(directory, 'bundle'))]);
      assert.equal(found.status, status, found.stderr);
      assert.match(found.stderr, message);
      assert.deepEqual(readdirSync(directory), []);
    });
  }

  it('refuses a damaged word list, mends it on request and names each line', async () => {
    const directory = room('words');
    const damaged = join(directory, 'words.txt');
    writeFileSync(damaged, readFileSync(WORDS, 'utf8').replace(/^n't /m, '"nt" '));
    const args = ['import', '--from', GRAPH, '--vocabulary', damaged, '--out', join(directory, 'bundle')];
    const refused = await runCli(args);
    assert.equal(refused.status, 4);
    assert.match(refused.stderr, /"nt".*--repair-vocabulary/);
    const mended = await runCli([...args, '--repair-vocabulary']);
    assert.equal(mended.status, 0, mended.stderr);
    assert.match(mended.stdout, /mended line \d+: "nt" is n't/);
  });

  it('fetches a source by address when its hash is right', async () => {
    const content = readFileSync(GRAPH);
    const server = createServer((_, response) => response.end(content)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/im2txt.pb`;
    const sha256 = createHash('sha256').update(content).digest('hex');
    try {
      const directory = room('download');
      const caches = join(directory, 'caches');
      mkdirSync(caches, { mode: 0o700 });
      const env = { ...process.env, XDG_CACHE_HOME: caches };
      const fetchInto = (name: string, hash: string) => {
        const flags = ['--sha256', hash, '--vocabulary', WORDS, '--out', join(directory, name)];
        return runCli(['import', '--from', address, ...flags], { env });
      };
      const right = await fetchInto('right', sha256);
      assert.equal(right.status, 0, right.stderr);
      assert.deepEqual(readdirSync(join(caches, 'show-and-tell/downloads')), []);
      const wrong = await fetchInto(
        'wrong',
        sha256.replace(/./, (digit) => (digit === '0' ? '1' : '0')),
      );
      assert.equal(wrong.status, 4);
      assert.deepEqual(readdirSync(directory).sort(), ['caches', 'right']);
      const manifest = JSON.parse(readFileSync(join(directory, 'right/manifest.json'), 'utf8'));
      assert.equal(manifest.provenance[0].source, address);
    } finally {
      server.close();
    }
  });

  it('refuses to make a bundle where another run makes one', async () => {
    const directory = room('two');
    const out = join(directory, 'bundle');
    const args = ['--from', GRAPH, '--vocabulary', WORDS, '--out', out];
    const first = startCli(['import', ...args, '--precision', 'int8', '--calibrate', ...FEW]);
    const end = finished(first);
    await once(first.stdout!, 'data');
    first.kill('SIGSTOP');
    const second = await runCli(['import', ...args]);
    first.kill('SIGCONT');
    assert.equal(second.status, 2);
    assert.match(second.stderr, new RegExp(`bundle is written by another run \\(process ${first.pid} on `));
    assert.equal((await end).status, 0);
    assert.deepEqual(readdirSync(directory), ['bundle']);
  });

  it('removes what a killed run left, whenever it was killed', async (t) => {
    const directory = room('killed');
    const args = ['import', '--from', GRAPH, '--vocabulary', WORDS, '--out', join(directory, 'bundle')];
    for (const milliseconds of [0, 150, 300]) {
      const child = startCli([...args, '--precision', 'int8', '--calibrate', SAMPLES]);
      const end = finished(child);
      await once(child.stdout!, 'data');
      await pause(milliseconds);
      child.kill('SIGKILL');
      assert.equal((await end).signal, 'SIGKILL');
      t.diagnostic(`killed after ${milliseconds} ms: ${readdirSync(directory).length} entries`);
    }
    const { status, stderr } = await runCli(args);
    assert.equal(status, 0, stderr);
    assert.deepEqual(readdirSync(directory), ['bundle']);
  });

  it('leaves no half bundle when it is interrupted', async () => {
    const directory = room('interrupted');
    const args = ['--from', GRAPH, '--vocabulary', WORDS, '--precision', 'int8', '--calibrate', SAMPLES];
    const child = startCli(['import', ...args, '--out', join(directory, 'bundle')]);
    const end = finished(child);
    await once(child.stdout!, 'data'); // the weights are read, the fp32 draft is there
    child.kill('SIGINT');
    assert.equal(shellStatus(await end), 130);
    assert.deepEqual(readdirSync(directory), []);
  });
});
