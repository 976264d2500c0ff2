/** What `import` and `quantize` refuse, choose and print, without making a bundle. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, globSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, describe, it, type TestContext } from 'node:test';
import { Command } from 'commander';
import { printAgreement, printBundle, publishChecked } from '../../../src/cli/import/bundle-report.ts';
import { addImportCommand } from '../../../src/cli/import/import.ts';
import { addQuantizeCommand } from '../../../src/cli/import/quantize.ts';
import { spread } from '../../../src/cli/import/quantize-model.ts';
import { selfCheck, warmTime } from '../../../src/cli/import/self-check.ts';
import { InvalidRequest, type ModelUnusable } from '../../../src/errors.ts';
import { openGraph } from '../../../src/import/captioner/export-files.ts';
import { importCaptioner } from '../../../src/import/captioner/import-captioner.ts';
import { readBundle } from '../../../src/model/bundle.ts';
import { DEFAULT_BUNDLE } from '../../../src/model/load.ts';
import { type CaptionerManifest, manifestSchema } from '../../../src/model/manifest.ts';
import { draftBundle } from '../../../src/model/write-bundle.ts';
import { integers } from '../../../src/onnx/graph.ts';
import { modelParts } from '../../../src/onnx/write.ts';
import { copyBundle, temporaryDirectory } from '../../support/bundles.ts';
import { startHub } from '../../support/hub/hub-server.ts';
import { setEnvironment } from '../../support/network/servers.ts';
import { COFFEE, ROOT } from '../../support/samples.ts';

const temporary = temporaryDirectory();
after(() => temporary.dispose());
const at = (name: string) => join(temporary.path, name);

function parse(...words: string[]): Promise<Command> {
  const program = new Command();
  addImportCommand(program);
  addQuantizeCommand(program);
  return program.parseAsync(words, { from: 'user' });
}

/** What is written to a stream meanwhile. */
async function said(t: TestContext, stream: 'stdout' | 'stderr', work: () => unknown): Promise<string> {
  let text = '';
  const write = process[stream].write.bind(process[stream]);
  const { mock } = t.mock.method(process[stream], 'write', (part: string | Buffer) => {
    // What the test runner reports meanwhile are bytes.
    if (typeof part !== 'string') return write(part);
    text += part;
    return true;
  });
  await work();
  mock.restore();
  return text;
}

/** Until `end`, or that of the test. */
function onTerminal(t: TestContext): { end: () => void } {
  const { isTTY } = process.stderr;
  process.stderr.isTTY = true;
  const end = () => {
    process.stderr.isTTY = isTTY;
  };
  t.after(end);
  return { end };
}

describe('an import is refused before anything is read', () => {
  const hash = 'an address needs --sha256 or --sha512: the hash that its owner publishes';
  const calibrate = '--precision int8 needs --calibrate: photographs to measure the ranges of values on';
  const words =
    '--vocabulary and --repair-vocabulary are for weights of im2txt: an export has its tokenizer.json';
  const cases: [flags: string[], message: string][] = [
    [['--from', 'a.pb', '--precision', 'int4'], '--precision: expected fp32, fp16 or int8, found int4'],
    [['--from', 'a.pb', '--precision', ''], '--precision: expected fp32, fp16 or int8, found '],
    [['--from', 'a.pb', '--precision', 'int8'], calibrate],
    [['--from', 'https://127.0.0.1/x'], hash],
    [['--from', 'HTTP://127.0.0.1/x'], hash],
    [['http://127.0.0.1/x'], hash],
    [['a.pb', '--from', 'a.pb'], 'the source is named twice: a.pb and --from a.pb'],
    [[], 'name a source: a folder, a model of the hub (owner/name) or weights'],
    [['a.pb', '--precision', 'fp16'], '--precision fp16 is for exports that have such files'],
    [['a.pb', '--calibrate', 'photos'], '--calibrate is for --precision int8'],
    [['a/b', '--precision', 'fp16', '--calibrate', 'photos'], '--calibrate is for --precision int8'],
    [['a.pb', '--sha256', 'a'], '--sha256 and --sha512 are for https addresses'],
    [['a/b', '--sha512', 'a'], '--sha256 and --sha512 are for https addresses'],
    [
      [DEFAULT_BUNDLE],
      `${DEFAULT_BUNDLE} is a bundle already: caption with --model ${DEFAULT_BUNDLE}, or make it smaller with quantize`,
    ],
    [['a.pb', '--revision', 'main'], '--revision is for models of the hub (owner/name)'],
    [['a.pb', '--task', 'caption'], '--task is for exports of Florence-2'],
    [['a/b', '--task', 'ocr'], '--task: expected caption, detailed or more-detailed, found ocr'],
    [['a/b', '--vocabulary', 'word_counts.txt'], words],
    [['a/b', '--repair-vocabulary'], words],
  ];
  for (const [flags, message] of cases) {
    it(flags.join(' ') || 'nothing', async () => {
      await assert.rejects(parse('import', ...flags, '--out', at('bundle')), new InvalidRequest(message));
      assert.ok(!existsSync(at('bundle')));
    });
  }

  it('where no place is named', async () => {
    const message = '--out: name the bundle to make';
    await assert.rejects(parse('import', 'a.pb'), new InvalidRequest(message));
  });

  it('where its place is taken', async () => {
    mkdirSync(at('taken'));
    const message = `${at('taken')} exists already: remove it or choose another --out`;
    const out = ['--out', at('taken')];
    await assert.rejects(parse('import', '--from', 'none.pb', ...out), new InvalidRequest(message));
    const quantized = parse('quantize', '--model', 'none', '--calibrate', 'none', ...out);
    await assert.rejects(quantized, new InvalidRequest(message));
  });

  it('a file called like an address is none', async () => {
    for (const [i, from] of ['xhttps://a', 'http:/a', 'ftp://a'].entries()) {
      await assert.rejects(parse('import', '--from', from, '--out', at(`none-${i}`)), {
        code: 'SourceUnreadable',
      });
    }
  });
});

it('the kinds that can be imported are listed, a line each', async (t) => {
  const text = await said(t, 'stdout', () => parse('import', '--list'));
  const titles = text.split('\n').filter((line) => /^\S/.test(line));
  assert.deepEqual(titles, [
    'Show and Tell:',
    'Captioners of Hugging Face, by model_type in config.json:',
    'Encoders:',
    'Decoders:',
    'Layouts:',
    'Precisions:',
    'Tasks of Florence-2:',
  ]);
  for (const kind of ['im2txt', 'vit', 'gpt2', 'merged', 'int8', 'more-detailed']) {
    assert.match(text, new RegExp(`^  ${kind} +\\S.*$`, 'm'));
  }
});

it('a download lies where its hash says, and a bar shows its megabytes on a terminal', async (t) => {
  const server = createServer((_, response) => response.end(Buffer.alloc(1_260_000))).listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const from = `http://127.0.0.1:${(server.address() as AddressInfo).port}/model.pb`;
  const { XDG_CACHE_HOME } = process.env;
  t.after(() => {
    if (XDG_CACHE_HOME === undefined) delete process.env.XDG_CACHE_HOME;
    else process.env.XDG_CACHE_HOME = XDG_CACHE_HOME;
  });
  mkdirSync(at('cache'), { mode: 0o700 });
  process.env.XDG_CACHE_HOME = at('cache');
  const isTerminal = onTerminal(t);
  const sha256 = `${'1f'.repeat(16)}${'2'.repeat(32)}`;
  for (const [i, flags] of [
    ['--sha256', sha256],
    ['--sha512', `${'3f'.repeat(16)}${'4'.repeat(96)}`],
    // A second try, where the place is there.
    ['--sha256', sha256],
  ].entries()) {
    const args = ['import', '--from', from, ...flags, '--out', at(`downloaded-${i}`)];
    const bar = await said(t, 'stderr', () => assert.rejects(parse(...args), { code: 'SourceDamaged' }));
    assert.match(bar, /1\.3\/1\.3 MB/);
  }
  // What is no hash is refused by what fetches; it leads nowhere else meanwhile.
  isTerminal.end();
  const odd = parse('import', '--from', from, '--sha256', '../../5f_é', '--out', at('odd'));
  await assert.rejects(odd, { code: 'InvalidRequest', message: /expected 64 digits/ });
  assert.deepEqual(globSync('show-and-tell/*/*', { cwd: at('cache') }).sort(), [
    `show-and-tell/downloads/${'1f'.repeat(16)}`,
    `show-and-tell/downloads/${'3f'.repeat(16)}`,
    'show-and-tell/downloads/5f',
  ]);
});

it('a bar shows the megabytes of a model of the hub on a terminal', async (t) => {
  const graph = Buffer.alloc(600_000);
  const files = { 'onnx/encoder_model.onnx': graph, 'onnx/decoder_model_merged.onnx': graph };
  const hub = await startHub(t, { 'a/b': { files } });
  mkdirSync(at('hub'), { mode: 0o700 });
  setEnvironment(t, { HF_ENDPOINT: hub.endpoint, HF_TOKEN: undefined, XDG_CACHE_HOME: at('hub') });
  onTerminal(t);
  let bar = '';
  const told = await said(t, 'stdout', async () => {
    bar = await said(t, 'stderr', () => assert.rejects(parse('import', 'a/b', '--out', at('from-hub'))));
  });
  assert.match(told, /^a\/b at [0-9a-f]{40}: 2 files, 1\.2 MB\nLicence: unknown, no model card names one\n$/);
  assert.match(bar, /1\.2\/1\.2 MB/);
});

describe('photographs to calibrate on', () => {
  it('have a bar on a terminal, which is gone when they cannot be used', async (t) => {
    onTerminal(t);
    const args = ['quantize', '--model', at('none'), '--calibrate', COFFEE, '--out', at('quantized')];
    const bar = await said(t, 'stderr', () => assert.rejects(parse(...args), { code: 'ModelUnusable' }));
    // Hides the cursor first, and shows it again last.
    const places = ['\u001b[?25l', '0/0 steps', '\u001b[?25h'].map((part) => bar.indexOf(part));
    assert.deepEqual([places[0] === -1, places], [false, places.toSorted((a, b) => a - b)]);
  });

  it('are all there are, or so many, evenly from the first on', () => {
    assert.deepEqual(spread([], 4), []);
    assert.deepEqual(spread(['a', 'b', 'c'], 4), ['a', 'b', 'c']);
    assert.deepEqual(spread(['a', 'b', 'c', 'd'], 4), ['a', 'b', 'c', 'd']);
    assert.deepEqual(spread(['a', 'b', 'c', 'd', 'e', 'f'], 4), ['a', 'b', 'd', 'e']);
    assert.deepEqual(
      spread(
        Array.from({ length: 400 }, (_, i) => i),
        4,
      ),
      [0, 100, 200, 300],
    );
  });
});

describe('a new bundle', () => {
  it('takes the median of captions after the first one', () => {
    assert.equal(warmTime([900, 10, 9, 100, 8, 11]), 10);
    assert.equal(warmTime([1, 30, 20]), 30);
  });

  it('is published once it has captioned, and taken away whatever comes', async (t) => {
    const done: string[] = [];
    const draftIn = (directory: string) => ({
      directory,
      publish: async () => void done.push('published'),
      discard: async () => void done.push('discarded'),
    });
    const text = await said(t, 'stdout', () => publishChecked(draftIn(DEFAULT_BUNDLE)));
    assert.match(text, /^It says of samples\/coffee\.jpg, in \d+ ms:\n {2}0\) a .* \(p=0\.\d{6}\)\n/);
    assert.deepEqual(done.splice(0), ['published', 'discarded']);
    const none = await said(t, 'stdout', () => assert.rejects(publishChecked(draftIn(at('none')))));
    assert.deepEqual([none, done], ['', ['discarded']]);
  });

  it('is not tried for longer than this process lives', async () => {
    const before = process.listeners('exit');
    const tried = selfCheck(DEFAULT_BUNDLE);
    const [end, ...others] = process.listeners('exit').filter((listener) => !before.includes(listener));
    assert.deepEqual(others, []);
    end!(0);
    await assert.rejects(tried, { killed: true });
    assert.deepEqual(process.listeners('exit'), before);
  });

  it('that does not run is refused with what its process said, or how that ended', async () => {
    const none = at('none');
    await assert.rejects(selfCheck(none), ({ problem }: ModelUnusable) => {
      assert.equal(problem.file, none);
      assert.match(problem.actual, /^show-and-tell: ModelUnusable: \S+manifest\.json: /);
      return true;
    });
    // Of an image the result says it, and nobody else.
    const roomless = copyBundle(temporary.make('roomless'));
    roomless.editManifest(({ decoding }) => {
      Object.assign(decoding, { requiredWords: ['a red ball'], maxLength: 3, minLength: 0 });
    });
    await assert.rejects(selfCheck(roomless.directory), ({ problem }: ModelUnusable) => {
      assert.match(problem.actual, /^maxLength: leaves no room for the words [^\n]*$/);
      return true;
    });
    const killed = selfCheck(DEFAULT_BUNDLE);
    const { pid } = process;
    // The kernel ends a process so where memory is out.
    for (const child of readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')) {
      process.kill(Number(child), 'SIGKILL');
    }
    await assert.rejects(killed, /found a process that was ended by SIGKILL\. Was memory short\?/);
  });

  it('that was put together wrongly is refused in one line', async () => {
    const export_ = join(ROOT, 'test/fixtures/captioners/vit-gpt2');
    const { draft } = await importCaptioner({ directory: export_, out: at('sound'), name: 'sound' });
    const read = (name: string) => readFileSync(join(draft.directory, name));
    const decoder = await openGraph(join(draft.directory, 'decoder.onnx'));
    const reshaped = decoder.nodes.find(
      ({ op, inputs }) => op === 'Reshape' && decoder.constants.has(inputs[1]!),
    );
    const constants = new Map([...decoder.constants, [reshaped!.inputs[1]!, integers(7, 7)]]);
    const { files: _, ...manifest } = manifestSchema(2).parse(JSON.parse(`${read('manifest.json')}`));
    const broken = await draftBundle(
      at('unsound'),
      {
        encoder: [read('encoder.onnx')],
        decoder: modelParts({ ...decoder, constants }),
        tokenizer: [read('tokenizer.json')],
      },
      manifest as Omit<CaptionerManifest, 'files'>,
    );
    await assert.rejects(selfCheck(broken.directory), ({ code, message }: ModelUnusable) => {
      assert.equal(code, 'ModelUnusable');
      assert.match(message, /^[^\n]+, found [^\n]*running Reshape node[^\n]*: please report it[^\n]*$/);
      return true;
    });
    await Promise.all([draft.discard(), broken.discard()]);
  });

  it('is told with its name, hash and files', async (t) => {
    const { manifest, hash } = await readBundle(DEFAULT_BUNDLE);
    const files = Object.values(manifest.files).map((file) => {
      const { path, sha256 } = file!;
      const size = (statSync(join(DEFAULT_BUNDLE, path)).size / 1e6).toFixed(1);
      return `  ${path.padEnd(16)} ${size.padStart(6)} MB  sha256 ${sha256}\n`;
    });
    assert.equal(
      await said(t, 'stdout', () => printBundle(DEFAULT_BUNDLE, 1249)),
      `${DEFAULT_BUNDLE}: ${manifest.name}, ${manifest.precision}, hash ${hash}\n${files.join('')}Done in 1.2 s\n`,
    );
  });

  it('of integers is told beside the one that it was made of', async (t) => {
    const agreement = {
      images: 12,
      sameCaption: 10,
      logProbabilityDifference: 0.39149,
      cosine: 0.99969,
      method: 'this way',
    };
    assert.equal(
      await said(t, 'stdout', () => printAgreement(agreement)),
      'INT8 beside fp32 on 12 images: the same best caption on 10, its log-probability 0.391 apart on average,\n' +
        '  embeddings at cosine 0.9997 (this way)\n',
    );
  });
});
