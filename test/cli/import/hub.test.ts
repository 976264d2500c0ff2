/** A model of the hub becomes a bundle: the program as users start it, with a hub on this machine. */
import assert from 'node:assert/strict';
import { globSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, type TestContext, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { temporaryDirectory } from '../../support/bundles.ts';
import { finished, runCli, shellStatus, startCli } from '../../support/cli.ts';
import { GOOD_TOKEN, type HubModel, type HubServer, startHub } from '../../support/hub/hub-server.ts';
import { COFFEE, ROOT } from '../../support/samples.ts';

const { make, dispose } = temporaryDirectory();
after(dispose);

const ID = 'somebody/captioner';
const EXPORT = join(ROOT, 'test/fixtures/captioners/vit-gpt2-merged');
const CARD = '---\nlicense: apache-2.0\nbase_model: somebody/trained\n---\n# A captioner\n';

/** Whole for the hub; no network reads it. */
const NO_GRAPHS: HubModel = {
  files: {
    'README.md': CARD,
    'config.json': '{"model_type":"vision-encoder-decoder"}',
    'tokenizer.json': '{}',
    'onnx/decoder_model_merged.onnx': Buffer.alloc(100_000, 'd'),
    'onnx/encoder_model.onnx': Buffer.alloc(300_000, 'e'),
  },
};

function tinyExport(): HubModel {
  const paths = globSync('**/*.*', { cwd: EXPORT });
  const files = paths.map((path) => [path, readFileSync(join(EXPORT, path))] as const);
  return { files: { ...Object.fromEntries(files), 'README.md': CARD } };
}

let places = 0;

interface Place {
  hub: HubServer;
  out: string;
  caches: string;
  env: NodeJS.ProcessEnv;
}

async function placeFor(t: TestContext, model: HubModel, token?: string): Promise<Place> {
  const hub = await startHub(t, { [ID]: model });
  const directory = make(`${places++}`);
  const caches = join(directory, 'caches');
  mkdirSync(caches, { mode: 0o700 });
  const { HF_TOKEN: _, ...others } = process.env;
  const env = {
    ...others,
    HF_ENDPOINT: hub.endpoint,
    XDG_CACHE_HOME: caches,
    NO_PROXY: '*',
    ...(token && { HF_TOKEN: token }),
  };
  return { hub, out: join(directory, 'bundle'), caches, env };
}

/** Files of the model in the caches, without what is written down beside them. */
const kept = (caches: string) =>
  globSync('show-and-tell/downloads/hub-*/**/*.{json,md,onnx,part}', { cwd: caches }).map((path) =>
    path.split('/').slice(3).join('/'),
  );

test('a model is fetched, imported and captions; what was fetched is gone, and where it came from is known', async (t) => {
  const { hub, out, caches, env } = await placeFor(t, { ...tinyExport(), access: 'gated' }, GOOD_TOKEN);
  const { status, stdout, stderr } = await runCli(['import', ID, '--out', out], { env });
  assert.equal(status, 0, stderr);
  assert.match(stdout, new RegExp(`^${ID} at ${hub.commit}: \\d+ files, \\d\\.\\d MB\n`));
  assert.match(stdout, /\nLicence: apache-2\.0, made of somebody\/trained\n/);
  assert.match(stdout, /\nIt says of samples\/coffee\.jpg/);
  assert.deepEqual(kept(caches), []);
  const text = readFileSync(join(out, 'manifest.json'), 'utf8');
  const { license } = JSON.parse(text);
  assert.equal(license, 'apache-2.0');
  for (const part of [ID, hub.commit, 'somebody/trained']) assert.ok(text.includes(part), part);
  for (const told of [stdout, stderr, text]) assert.ok(!told.includes(GOOD_TOKEN));
  hub.asked.length = 0;
  const caption = await runCli(['caption', '--model', out, COFFEE], { env });
  assert.equal(caption.status, 0, caption.stderr);
  assert.deepEqual(hub.asked, []);
});

describe('what has come', () => {
  test('stays when the import is interrupted, and the next one asks for the rest alone', async (t) => {
    const { hub, out, caches, env } = await placeFor(t, NO_GRAPHS);
    hub.cuts.set('onnx/encoder_model.onnx', { after: 120_000, waits: true });
    const child = startCli(['import', ID, '--out', out], { env });
    t.after(() => child.kill('SIGKILL'));
    const end = finished(child);
    const part = 'onnx/encoder_model.onnx.part';
    const partBytes = () =>
      globSync(`show-and-tell/downloads/hub-*/${part}`, { cwd: caches }).map(
        (path) => readFileSync(join(caches, path)).length,
      )[0] ?? 0;
    while (child.exitCode === null && partBytes() < 120_000) await pause(5);
    child.kill('SIGINT');
    assert.equal(shellStatus(await end), 130);
    assert.ok(kept(caches).includes(part));
    hub.asked.length = 0;
    const again = await runCli(['import', ID, '--out', out], { env });
    assert.equal(again.status, 4, again.stderr);
    assert.deepEqual(
      hub.asked.filter((line) => line.startsWith('storage')).map((line) => line.replace(/ \/\S+/, '')),
      ['storage GET bytes=120000-'],
    );
    assert.deepEqual(kept(caches).sort(), Object.keys(NO_GRAPHS.files).sort());
  });

  test('stays when it cannot be imported, and its commit is read again without a network', async (t) => {
    const { hub, out, caches, env } = await placeFor(t, NO_GRAPHS);
    const args = ['import', ID, '--out', out, '--revision', hub.commit];
    const first = await runCli(args, { env });
    assert.equal(first.status, 4);
    assert.match(first.stderr, new RegExp(`^show-and-tell: \\w+: ${ID} at ${hub.commit}\\b`));
    assert.ok(!first.stderr.includes(caches), first.stderr);
    assert.deepEqual(kept(caches).sort(), Object.keys(NO_GRAPHS.files).sort());
    hub.asked.length = 0;
    assert.deepEqual(await runCli(args, { env }), first);
    assert.deepEqual(hub.asked, []);
    assert.deepEqual(readdirSync(join(out, '..')), ['caches']);
  });

  test('is removed where its hash is another', async (t) => {
    const { hub, out, caches, env } = await placeFor(t, NO_GRAPHS);
    hub.damaged.add('onnx/encoder_model.onnx');
    const { status, stderr } = await runCli(['import', ID, '--out', out], { env });
    assert.equal(status, 4);
    assert.match(
      stderr,
      /^show-and-tell: SourceDamaged: \S+onnx\/encoder_model\.onnx: expected sha256 .*\n$/,
    );
    assert.ok(!kept(caches).some((path) => path.includes('encoder_model')));
  });
});

test('what is refused is one line, without the token', async (t) => {
  const poor = 'hf_ofSomebodyWhoHasNoAccess';
  const { out, env } = await placeFor(t, { ...NO_GRAPHS, access: 'gated' }, poor);
  const { status, stdout, stderr } = await runCli(['import', ID, '--out', out], { env });
  assert.equal(status, 4);
  assert.match(
    stderr,
    /^show-and-tell: SourceUnreadable: [^\n]*this token may not read \(status 403\)[^\n]*\n$/,
  );
  assert.ok(![stdout, stderr].some((text) => text.includes(poor)));
});
