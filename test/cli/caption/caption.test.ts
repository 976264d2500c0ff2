import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, join, relative } from 'node:path';
import { after, before, describe, it } from 'node:test';
import sharp from 'sharp';
import { OPTIONS, parseCaptionOptions } from '../../../src/caption/options.ts';
import type { CaptionResult } from '../../../src/caption/result.ts';
import { helpOf } from '../../../src/cli/shared/decoding-flags.ts';
import { readBundle } from '../../../src/model/bundle.ts';
import { DEFAULT_BUNDLE, loadCaptioner } from '../../../src/model/load.ts';
import { copyBundle, flipByte, temporaryDirectory } from '../../support/bundles.ts';
import { type Finished, finished, LAUNCH, runCli, startCli } from '../../support/cli.ts';
import { COFFEE, ROOT, readSamples, SAMPLES } from '../../support/samples.ts';

const bundle = await readBundle(DEFAULT_BUNDLE);
const { beamWidth } = parseCaptionOptions({}, bundle.manifest.decoding);
const captioner = await loadCaptioner(DEFAULT_BUNDLE, { threads: 1 });
const ofCoffee = (await captioner.caption(readFileSync(COFFEE))).captions;
const temporary = temporaryDirectory();
after(() => temporary.dispose());

/** Files and directories that the tests name. */
const at = (name: string) => join(temporary.path, name);
const TEXT = at('text.jpg');
const MISSING = at('missing.jpg');

before(() => {
  chmodSync(temporary.path, 0o755);
  writeFileSync(TEXT, 'not a photograph');
  mkdirSync(at('empty'));
  mkdirSync(at('album/inner'), { recursive: true });
  copyFileSync(COFFEE, at('album/b.JPG'));
  copyFileSync(COFFEE, at('album/inner/a.jpeg'));
  writeFileSync(at('album/notes.txt'), 'no image by its name');
  writeFileSync(at('unnamed'), readFileSync(COFFEE));
  chmodSync(at('unnamed'), 0o644);
  copyFileSync(COFFEE, at('locked.jpg'));
  chmodSync(at('locked.jpg'), 0);
  symlinkSync(at('loop.jpg'), at('loop.jpg'));
});

type JsonLine = { image: string } & Partial<CaptionResult> & { error?: { code: string; message: string } };

function jsonLines({ stdout }: Finished): JsonLine[] {
  assert.ok(stdout.endsWith('\n'));
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}

/** Heading, then one numbered line a caption, as the im2txt tutorial prints them. */
/** Six decimals as in the tutorial, unless they would all be 0. */
const shown = (p: number) => (p < 1e-6 ? p.toExponential(1) : p.toFixed(6));

const LINE = /^ {2}(\d)\) (\S.*\S) \(p=([01]\.\d{6}|\d\.\de-\d+)\)$/;

/** The text output taken apart; fails on any line of another form. */
function blocks(stdout: string): { image: string; captions: number }[] {
  assert.ok(stdout.endsWith('\n'), 'the last line is whole');
  const found: { image: string; captions: number }[] = [];
  for (const line of stdout.trimEnd().split('\n')) {
    const heading = /^Captions for image (.+):$/.exec(line);
    if (heading) {
      found.push({ image: heading[1]!, captions: 0 });
      continue;
    }
    const [, number] = LINE.exec(line) ?? assert.fail(`unexpected line: ${line}`);
    assert.equal(Number(number), found.at(-1)!.captions++);
  }
  return found;
}

/** For tests of what happens beside captioning: the shortest run. */
const QUICK = ['--beam', '1', '--max-length', '3'];

describe('show-and-tell caption', () => {
  it('prints captions of each photograph in the form of the tutorial', async () => {
    const samples = readSamples();
    let expected = '';
    for (const { path, bytes } of samples) {
      const { captions } = await captioner.caption(bytes);
      const lines = captions.map((c, i) => `  ${i}) ${c.text} (p=${shown(c.probability)})\n`);
      expected += `Captions for image ${relative(ROOT, path)}:\n${lines.join('')}`;
    }
    const run = await runCli(['caption', ...samples.map(({ path }) => relative(ROOT, path))]);
    assert.deepEqual(run, { status: 0, signal: null, stdout: expected, stderr: '' });
    assert.equal(blocks(run.stdout).length, samples.length);
  });

  it('says on a terminal, and only there, why a later caption may have the larger p', async () => {
    const rocket = join(SAMPLES, 'rocket.jpg');
    const terminal = 'data:text/javascript,process.stderr.isTTY=true';
    const env = { ...process.env, NODE_OPTIONS: `--import=${terminal}` };
    const piped = await runCli(['caption', rocket]);
    assert.equal(piped.stderr, '');
    const shown = await runCli(['caption', rocket], { env });
    assert.equal(shown.stdout, piped.stdout);
    assert.match(shown.stderr, /^Captions rank by probability evened out for length, .*larger p.*\n$/);
    for (const args of [[COFFEE], ['--json', rocket], ['--length-normalization', '0', rocket]])
      assert.equal((await runCli(['caption', ...args], { env })).stderr, '', args.join(' '));
  });

  it('prints one JSON object a line, of failed images too, and exits with 3', async () => {
    const run = await runCli(['caption', '--json', COFFEE, MISSING, TEXT]);
    assert.deepEqual([run.status, run.stderr], [3, '']);
    const [done, missing, text, ...none] = jsonLines(run);
    assert.deepEqual(none, []);
    assert.deepEqual(Object.keys(done!).sort(), [
      'captions',
      'confidence',
      'format',
      'height',
      'image',
      'model',
      'needsReview',
      'timings',
      'width',
    ]);
    assert.equal(done!.image, COFFEE);
    assert.deepEqual(done!.model, { name: bundle.manifest.name, hash: bundle.hash });
    assert.deepEqual(Object.keys(done!.timings!).sort(), [
      'decode',
      'encode',
      'preprocess',
      'search',
      'total',
    ]);
    assert.deepEqual(done!.captions, ofCoffee);
    for (const caption of done!.captions!) {
      const keys = ['logProbability', 'probability', 'score', 'text', 'truncated', 'words'];
      assert.deepEqual(Object.keys(caption).sort(), keys);
      assert.deepEqual(Object.keys(caption.words[0]!).sort(), ['logProbability', 'word']);
    }
    for (const [line, image, code] of [
      [missing, MISSING, 'ImageNotFound'],
      [text, TEXT, 'UnsupportedImage'],
    ] as const) {
      assert.deepEqual(Object.keys(line!).sort(), ['error', 'image']);
      assert.equal(line!.image, image);
      assert.deepEqual(Object.keys(line!.error!).sort(), ['code', 'message']);
      assert.equal(line!.error!.code, code);
    }
  });

  it('says what failed on standard error, and goes on', async () => {
    const run = await runCli(['caption', ...QUICK, TEXT, COFFEE]);
    assert.equal(run.status, 3);
    assert.deepEqual(
      blocks(run.stdout).map((b) => b.image),
      [COFFEE],
    );
    assert.match(run.stderr, /^show-and-tell: .*text\.jpg: UnsupportedImage: .+\n$/);
  });

  it('keeps the order with two jobs, failed images included, and says the same as with one', async () => {
    const images = [TEXT, ...readSamples().map(({ path }) => path), MISSING, COFFEE];
    const args = ['caption', '--json', ...QUICK, ...images];
    const [one, two] = [await runCli(args), await runCli([...args, '--jobs', '2'])];
    assert.deepEqual([one.status, two.status], [3, 3]);
    const said = (run: Finished) =>
      jsonLines(run).map(({ image, captions, error }) => ({ image, captions, code: error?.code }));
    assert.deepEqual(
      said(two).map((line) => line.image),
      images,
    );
    assert.deepEqual(said(two), said(one));
  });

  it('obeys its decoding flags', async () => {
    const first = await runCli([
      'caption',
      '--json',
      '--beam',
      '5',
      '--top',
      '4',
      '--max-length',
      '5',
      COFFEE,
    ]);
    assert.deepEqual([first.status, first.stderr], [0, '']);
    const { captions } = jsonLines(first)[0]!;
    const options = { beamWidth: 5, count: 4, maxLength: 5 };
    assert.deepEqual(
      captions,
      (await captioner.caption(readFileSync(COFFEE), captioner.plan(options))).captions,
    );

    const banned = captions![0]!.words[0]!.word;
    const flags = ['--max-length', '5', '--ban', banned, '--length-normalization', '0.5', '--threads', '1'];
    const second = await runCli(['caption', '--json', ...flags, COFFEE]);
    assert.equal(second.status, 0, second.stderr);
    const others = { maxLength: 5, bannedWords: [banned], lengthNormalization: 0.5 };
    assert.deepEqual(
      jsonLines(second)[0]!.captions,
      (await captioner.caption(readFileSync(COFFEE), captioner.plan(others))).captions,
    );
  });

  for (const jobs of [1, 2]) {
    it(`takes no image above --max-pixels, with --jobs ${jobs}`, async () => {
      const { width, height } = await sharp(readFileSync(COFFEE)).metadata();
      const run = (...flags: string[]) =>
        runCli(['caption', '--json', '--top', '1', '--jobs', String(jobs), ...flags, COFFEE]);
      const refused = await run('--max-pixels', String(width * height - 1));
      assert.equal(refused.status, 3);
      const { error } = jsonLines(refused)[0]!;
      assert.equal(error?.code, 'ImageTooLarge');
      assert.match(error.message, new RegExp(`${width} x ${height} .*--max-pixels`));
      assert.equal((await run('--max-pixels', String(width * height))).status, 0);
    });

    it(`takes no image that needs more than --decode-memory, with --jobs ${jobs}`, async () => {
      const flags = ['--json', '--top', '1', '--jobs', String(jobs), '--skip-duplicates', COFFEE];
      const refused = await runCli(['caption', '--decode-memory', '1mib', ...flags]);
      assert.equal(refused.status, 3);
      const { error } = jsonLines(refused)[0]!;
      assert.equal(error?.code, 'ImageTooLarge');
      assert.match(error.message, /1 MiB .*--decode-memory/);
      assert.equal((await runCli(['caption', '--decode-memory', '32mib', ...flags])).status, 0);
    });
  }

  it('shortens the model’s own minimum length when only --max-length is given', async () => {
    const run = await runCli(['caption', '--max-length', '5', COFFEE]);
    assert.deepEqual([run.status, run.stderr], [0, '']);
  });

  it('explains itself with examples', async () => {
    const run = await runCli(['caption', '--help']);
    assert.deepEqual([run.status, run.stderr], [0, '']);
    assert.match(run.stdout, /Examples:\n {2}\$ show-and-tell caption /);
    for (const flag of ['--json', '--beam', '--max-length', '--length-normalization', '--top', '--model']) {
      assert.match(run.stdout, new RegExp(`${flag}\\b`));
    }
    for (const flag of ['--threads', '--jobs', '--resume', '--skip-duplicates']) {
      assert.match(run.stdout, new RegExp(`${flag}\\b`));
    }
  });
});

describe('wrong usage exits with 2 and names the flag', { concurrency: 2 }, () => {
  const cases: { args: string[]; names: string }[] = [
    { args: ['--colour'], names: '--colour' },
    { args: ['--beam', '11'], names: '--beam' },
    { args: ['--beam', 'three'], names: '--beam' },
    { args: ['--top', 'NaN'], names: '--top' },
    { args: ['--max-length', '1e99'], names: '--max-length' },
    { args: ['--min-length', '30', '--max-length', '20'], names: '--min-length' },
    { args: ['--length-normalization', 'x'], names: '--length-normalization' },
    { args: ['--ban', ''], names: '--ban' },
    { args: ['--threads', '0'], names: '--threads' },
    { args: ['--jobs', 'many'], names: '--jobs' },
    { args: ['--max-pixels', '0'], names: '--max-pixels' },
    { args: ['--decode-memory', '0'], names: '--decode-memory' },
    { args: ['--decode-memory', 'much'], names: '--decode-memory' },
    { args: ['--max-pixels', '1.5'], names: '--max-pixels' },
    { args: ['--beam'], names: '--beam' },
  ];
  for (const { args, names } of cases) {
    it(args.join(' '), async () => {
      const run = await runCli(['caption', COFFEE, ...args]);
      assert.deepEqual([run.status, run.stdout], [2, '']);
      assert.ok(run.stderr.includes(names), run.stderr);
      // No option of the core under a name that the command line does not have.
      assert.doesNotMatch(run.stderr, /beamWidth|maxLength|minLength|lengthNormalization|bannedWords/);
    });
  }

  for (const args of [[], ['caption'], ['paint']]) {
    it(`show-and-tell ${args.join(' ')}`.trim(), async () => {
      const run = await runCli(args);
      assert.deepEqual([run.status, run.stdout], [2, '']);
      assert.notEqual(run.stderr, '');
    });
  }

  it('--top above the model’s own beam: names both flags, and leaves everyday words alone', async () => {
    const run = await runCli(['caption', COFFEE, '--top', String(beamWidth + 1)]);
    assert.equal(run.status, 2);
    assert.match(run.stderr, /^show-and-tell: InvalidRequest: --top: more captions .*--beam/);
  });
});

describe('options that no caption can fulfil', () => {
  for (const jobs of ['1', '2']) {
    it(`are told image by image in the names of flags, with --jobs ${jobs}`, async () => {
      const run = await runCli([
        'caption',
        '--jobs',
        jobs,
        '--require',
        'a red ball',
        '--max-length',
        '3',
        COFFEE,
      ]);
      assert.deepEqual([run.status, run.stdout], [3, '']);
      assert.match(run.stderr, /InvalidRequest: --max-length: leaves no room/);
    });
  }
});

it('every option of the core is a flag, with its bounds and its text', async () => {
  const { stdout } = await runCli(['caption', '--help']);
  const help = stdout.replace(/\s+/g, ' ');
  for (const { name, flag } of OPTIONS) {
    assert.ok(help.includes(`${flag} `), flag);
    assert.ok(help.includes(helpOf(name)), name);
  }
  assert.doesNotMatch(help, /[{}]/);
});

describe('an unusable model exits with 4', () => {
  it('when its directory is missing', async () => {
    const run = await runCli(['caption', '--model', at('nowhere'), COFFEE, COFFEE]);
    assert.deepEqual([run.status, run.stdout], [4, '']);
    assert.match(run.stderr, /ModelUnusable: .*manifest\.json/);
  });

  for (const jobs of ['1', '2']) {
    it(`when a graph is damaged, at the first image, with --jobs ${jobs}`, async () => {
      mkdirSync(at(`damaged${jobs}`));
      const damaged = copyBundle(at(`damaged${jobs}`));
      flipByte(damaged.pathOf('decoder'));
      const run = await runCli(['caption', '--jobs', jobs, '--model', damaged.directory, COFFEE, COFFEE]);
      assert.deepEqual([run.status, run.stdout], [4, '']);
      assert.match(run.stderr, /^show-and-tell: .*coffee\.jpg: ModelUnusable: .*decoder\.onnx.*\n$/);
    });
  }
});

describe('images are named by', () => {
  const imagesOf = (run: Finished) => jsonLines(run).map(({ image }) => image);
  const cases: { title: string; args: string[]; images: string[] }[] = [
    {
      title: 'a directory: all image files below it, in order',
      args: [at('album')],
      images: [at('album/b.JPG'), at('album/inner/a.jpeg')],
    },
    {
      title: 'a pattern that the shell did not expand',
      args: [at('album/**/*.{jpeg,JPG,txt}')],
      images: [at('album/b.JPG'), at('album/inner/a.jpeg')],
    },
    {
      title: 'a file of any name, as often as it is named',
      args: [at('unnamed'), at('unnamed')],
      images: [at('unnamed'), at('unnamed')],
    },
  ];
  for (const { title, args, images } of cases) {
    it(title, async () => {
      const run = await runCli(['caption', '--json', ...QUICK, ...args]);
      assert.deepEqual([run.status, run.stderr], [0, '']);
      assert.deepEqual(imagesOf(run), images);
    });
  }

  it('a name that is no UTF-8, which only its directory can tell', async (t) => {
    const directory = at('latin1');
    mkdirSync(directory);
    const name = Buffer.from(`${directory}/café.jpg`, 'latin1');
    try {
      writeFileSync(name, readFileSync(COFFEE));
    } catch {
      return t.skip('this file system takes no such names');
    }
    const results = at('latin1.jsonl');
    for (const done of [0, 1]) {
      const resumed = await runCli(['caption', '--resume', results, ...QUICK, directory]);
      assert.match(resumed.stdout, new RegExp(`${1 - done} captioned, 0 failed, ${done} done`));
    }
    const [line] = readFileSync(results, 'utf8').split('\n');
    assert.equal(JSON.parse(line!).image, `${directory}/caf\uDCE9.jpg`);
    const named = spawnSync('sh', [
      '-c',
      `exec "$0" "$1" caption "${directory}"/caf*`,
      process.execPath,
      LAUNCH,
    ]);
    assert.equal(named.status, 3);
    assert.match(String(named.stderr), /not UTF-8, name its directory/);
    const written = await runCli(['alt', '--write-xmp', directory]);
    assert.equal(written.status, 3);
    assert.match(written.stderr, /not UTF-8.*rename it/);
    assert.deepEqual(readFileSync(name), readFileSync(COFFEE));
  });

  it('-, which is standard input', async () => {
    const run = await runCli(['caption', '--json', ...QUICK, '-'], { input: readFileSync(COFFEE) });
    assert.deepEqual([run.status, run.stderr], [0, '']);
    const file = await runCli(['caption', '--json', ...QUICK, COFFEE]);
    assert.deepEqual(jsonLines(run)[0]!.captions, jsonLines(file)[0]!.captions);
    assert.deepEqual(imagesOf(run), ['-']);
  });

  it('- with nothing in it, which is no image', async () => {
    const run = await runCli(['caption', '--json', '-']);
    assert.equal(run.status, 3);
    assert.equal(jsonLines(run)[0]!.error!.code, 'UnsupportedImage');
  });
});

describe('what cannot be read fails by itself, at once, with exit code 3', () => {
  it('missing files, empty directories, patterns without a match, loops, devices and pipes', async (t) => {
    const cases: [name: string, code: string][] = [
      [MISSING, 'ImageNotFound'],
      [at('empty'), 'ImageNotFound'],
      [at('none-*.jpg'), 'ImageNotFound'],
      [at('loop.jpg'), 'ImageNotFound'],
      [at('x'.repeat(300)), 'ImageNotFound'],
      [`${COFFEE}/inside.jpg`, 'ImageNotFound'],
    ];
    if (existsSync('/dev/zero')) cases.push(['/dev/zero', 'UnsupportedImage']);
    const fifo = at('fifo.jpg');
    // Nobody ever writes to it.
    if (spawnSync('mkfifo', [fifo]).status === 0) cases.push([fifo, 'UnsupportedImage']);
    else t.diagnostic('no mkfifo here: pipes not tested');

    const run = await runCli(['caption', '--json', ...QUICK, ...cases.map(([name]) => name), COFFEE]);

    assert.equal(run.status, 3, `${run.signal} ${run.stderr}`);
    const lines = jsonLines(run);
    assert.deepEqual(
      lines.slice(0, -1).map(({ image, error }) => [image, error?.code]),
      cases,
    );
    assert.notEqual(lines.at(-1)!.captions, undefined);
  });

  it('a file that opens and cannot be read, as on a failing disk', {
    skip: !existsSync('/proc/self/mem') && 'needs a file that fails when it is read',
  }, async () => {
    mkdirSync(at('failing'));
    symlinkSync('/proc/self/mem', at('failing/1.jpg'));
    copyFileSync(COFFEE, at('failing/2.jpg'));
    for (const jobs of ['1', '2']) {
      const results = at(`failing${jobs}.jsonl`);
      for (const done of [0, 1]) {
        const run = await runCli(['caption', '--resume', results, '--jobs', jobs, ...QUICK, at('failing')]);
        assert.equal(run.status, 3, run.stderr);
        assert.match(run.stdout, new RegExp(`: ${1 - done} captioned, 1 failed, ${done} done before`));
      }
      const [failed] = readFileSync(results, 'utf8').split('\n');
      assert.match(JSON.parse(failed!).error.message, /^cannot be read \(EIO\)$/);
    }
  });

  const root = process.getuid?.() === 0;
  const asNobody = root ? { uid: 65534, gid: 65534 } : {};
  const mayRead = spawnSync('test', ['-r', LAUNCH], asNobody).status === 0;
  const mayRun = spawnSync(process.execPath, ['--version'], asNobody).status === 0;
  const blind = root && !(mayRead && mayRun);
  it('a file without permission', {
    skip: blind
      ? 'root may read all, and the user nobody cannot run this checkout'
      : process.platform === 'win32',
  }, async () => {
    const run = await runCli(['caption', '--json', ...QUICK, at('locked.jpg'), at('unnamed')], asNobody);
    assert.equal(run.status, 3, run.stderr);
    const [locked, readable] = jsonLines(run);
    assert.equal(locked!.error!.code, 'ImageNotFound');
    assert.match(locked!.error!.message, /permission/);
    assert.equal(readable!.error, undefined);
  });
});

describe('a long run', () => {
  const MANY = Array<string>(300).fill(COFFEE);

  for (const jobs of ['1', '2']) {
    it(`ends soon after Ctrl-C, with 130 and whole lines, with --jobs ${jobs}`, async (t) => {
      const child = startCli(['caption', '--jobs', jobs, ...MANY]);
      const end = finished(child);
      await new Promise((resolve) => child.stdout!.once('data', resolve));
      const asked = performance.now();
      child.kill('SIGINT');
      const run = await end;
      const milliseconds = performance.now() - asked;
      t.diagnostic(`${milliseconds.toFixed(0)} ms`);
      assert.deepEqual([run.status, run.signal, run.stderr], [130, null, '']);
      const done = blocks(run.stdout);
      assert.ok(done.length >= 1 && done.length < MANY.length, `${done.length} images`);
      for (const { captions } of done) assert.equal(captions, ofCoffee.length);
      // 300 photographs take far longer; an idle machine needs 0.1 s to stop.
      assert.ok(milliseconds < 3000, `${milliseconds} ms`);
    });
  }

  for (const jobs of ['1', '2']) {
    it(`ends without a word when nobody reads on, with --jobs ${jobs}`, async () => {
      const child = startCli(['caption', '--jobs', jobs, ...MANY]);
      const end = finished(child);
      child.stdout!.once('data', () => child.stdout!.destroy());
      const { status, signal, stderr } = await end;
      assert.deepEqual({ status, signal, stderr }, { status: 0, signal: null, stderr: '' });
    });
  }
});

describe('the progress bar', () => {
  /** What moves the cursor: escape and carriage return. */
  const movesCursor = (text: string) => text.includes('\u001b') || text.includes('\r');
  const hasScript = spawnSync('script', ['--version']).stdout?.toString().includes('util-linux') ?? false;

  it('stays away when standard error is no terminal', async () => {
    const run = await runCli(['caption', ...QUICK, COFFEE, COFFEE]);
    assert.deepEqual([run.status, run.stderr], [0, '']);
    assert.ok(!movesCursor(run.stdout));
  });

  it('appears on standard error when that is a terminal, and leaves standard output clean', {
    skip: hasScript ? false : 'no pseudo terminal: `script` of util-linux is not installed',
  }, () => {
    const out = at('captions.txt');
    const command = [process.execPath, LAUNCH, 'caption', ...QUICK, COFFEE, COFFEE, COFFEE];
    const shown = `${command.map((word) => `'${word}'`).join(' ')} > '${out}'`;
    const terminal = execFileSync('script', ['-qec', shown, '/dev/null'], { encoding: 'utf8', cwd: ROOT });
    assert.match(terminal, /3\/3 images/);
    assert.ok(movesCursor(terminal));
    assert.equal(blocks(readFileSync(out, 'utf8')).length, 3);
  });
});

describe('a script of this package', () => {
  const npm = (args: string[], cwd: string) =>
    spawnSync('npm', [...args, 'caption', '--', '--json', ...QUICK, basename(COFFEE)], {
      cwd,
      encoding: 'utf8',
      env: { ...process.env, npm_config_update_notifier: 'false' },
    });

  it('takes names of files from where the user stands, below the package and elsewhere', () => {
    mkdirSync(at('elsewhere'));
    copyFileSync(COFFEE, join(at('elsewhere'), basename(COFFEE)));
    for (const [args, cwd] of [
      [['run', '--silent'], SAMPLES],
      [['--prefix', ROOT, 'run', '--silent'], at('elsewhere')],
    ] as const) {
      const { status, stdout, stderr } = npm([...args], cwd);
      assert.equal(status, 0, stderr);
      assert.equal(JSON.parse(stdout).image, basename(COFFEE));
    }
  });
});

describe('under a Node older than 24, the launcher', () => {
  const old = oldNode();
  const skip =
    old === null
      ? 'no older Node on the PATH'
      : !existsSync(join(ROOT, 'node_modules/.bin/node')) && 'no Node 24 in node_modules';

  it('hands over to the Node that npm installed, with its output and exit code', { skip }, async () => {
    const images = [basename(COFFEE), 'missing.jpg'];
    const run = await runCli(['caption', ...QUICK, ...images], { node: old!, cwd: SAMPLES });
    assert.equal(run.status, 3, run.stderr);
    assert.deepEqual(
      blocks(run.stdout).map((b) => b.image),
      [basename(COFFEE)],
    );
    assert.match(run.stderr, /missing\.jpg: ImageNotFound/);
  });

  it('waits for it when Ctrl-C reaches both', { skip }, async () => {
    const child = startCli(['caption', ...Array<string>(300).fill(COFFEE)], { node: old!, detached: true });
    const end = finished(child);
    await new Promise((resolve) => child.stdout!.once('data', resolve));
    // A terminal sends it to the whole process group.
    process.kill(-child.pid!, 'SIGINT');
    const run = await end;
    assert.deepEqual([run.status, run.signal, run.stderr], [130, null, '']);
    assert.ok(blocks(run.stdout).length < 300);
  });
});

function oldNode(): string | null {
  const directories = [...(process.env.PATH ?? '').split(':'), '/usr/bin', '/usr/local/bin'];
  for (const directory of directories) {
    const node = join(directory, 'node');
    const version = spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout ?? '';
    const major = Number(/^v(\d+)/.exec(version)?.[1]);
    // Before 18 the launcher itself would not start.
    if (major >= 18 && major < 24) return node;
  }
  return null;
}
