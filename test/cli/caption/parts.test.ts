/** What becomes of each image, without a model: any function captions. */
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { after, describe, it, type TestContext } from 'node:test';
import type { CaptionResult } from '../../../src/caption/result.ts';
import { recipeOf } from '../../../src/cli/caption/caption.ts';
import {
  type CaptionOneParts,
  createCaptionOne,
  type Input,
  readInput,
} from '../../../src/cli/caption/caption-one.ts';
import {
  jsonOutput,
  type Outcome,
  resultsOutput,
  textOutput,
} from '../../../src/cli/caption/caption-output.ts';
import { startTally } from '../../../src/cli/caption/caption-tally.ts';
import { createOriginals, distance, type Look } from '../../../src/cli/caption/duplicates.ts';
import { pictureCall, writePictures } from '../../../src/cli/caption/pictures.ts';
import { openResults, type Recipe } from '../../../src/cli/caption/resume.ts';
import { linesOf } from '../../../src/cli/caption/resume-lines.ts';
import { InvalidRequest, UnsupportedImage } from '../../../src/errors.ts';
import { codeOf } from '../../../src/files/system-error.ts';
import { temporaryDirectory } from '../../support/bundles.ts';

const temporary = temporaryDirectory();
after(() => temporary.dispose());
const at = (name: string) => join(temporary.path, name);

const BYTES = Buffer.from('a photograph');
const SHA = hash('sha256', BYTES);
const ESCAPE = '\u001b[2J';

function resultOf(parts: Partial<CaptionResult> = {}): CaptionResult {
  const words = [{ word: 'dog', logProbability: -1 }];
  const caption = { text: 'a dog', logProbability: -1, probability: 0.25, words, truncated: false };
  return {
    captions: [caption],
    model: { name: 'm', hash: 'h' },
    width: 2,
    height: 2,
    ...parts,
  } as CaptionResult;
}

/** What is written to both streams meanwhile. */
function said(t: TestContext, work: () => void): { stdout: string; stderr: string } {
  const texts = { stdout: '', stderr: '' };
  const mocks = (['stdout', 'stderr'] as const).map((stream) =>
    t.mock.method(process[stream], 'write', (text: string) => {
      texts[stream] += text;
      return true;
    }),
  );
  work();
  for (const { mock } of mocks) mock.restore();
  return texts;
}

const explanation = {
  rows: 1,
  columns: 1,
  area: { left: 0, top: 0, width: 1, height: 1 },
  words: [],
} as never;
const trace = [] as never;
const OUTCOMES: Outcome[] = [
  {
    kind: 'captioned',
    image: `a${ESCAPE}.jpg`,
    sha256: SHA,
    bytes: BYTES,
    result: resultOf({ confidence: 0.2, needsReview: true, explanation, trace }),
  },
  { kind: 'duplicate', image: 'b.jpg', sha256: 'b', duplicateOf: `a${ESCAPE}.jpg` },
  { kind: 'failed', image: 'c.jpg', sha256: 'c', error: { code: 'ImageNotFound', message: 'is not there' } },
  { kind: 'done', image: 'd.jpg', sha256: 'd', line: { captions: [] } },
  { kind: 'done', image: 'e.jpg', sha256: 'e', line: null },
];

describe('outcomes', () => {
  it('are text', (t) => {
    const put = textOutput({ minConfidence: 0.5 });
    assert.deepEqual(
      said(t, () => OUTCOMES.forEach(put)),
      {
        stdout:
          'Captions for image a\\u001b[2J.jpg:\n  0) a dog (p=0.250000)\n  needs review: confidence 0.20\n' +
          'Captions for image b.jpg:\n  as for a\\u001b[2J.jpg, which looks the same\n',
        stderr: 'show-and-tell: c.jpg: ImageNotFound: is not there\n',
      },
    );
    const plain = said(t, () => textOutput({})(OUTCOMES[0]!));
    assert.doesNotMatch(plain.stdout, /review/);
  });

  it('are JSON, with the numbers that were asked for', (t) => {
    const lines = (flags: object) =>
      said(t, () => OUTCOMES.forEach(jsonOutput(flags)))
        .stdout.trim()
        .split('\n')
        .map((line) => JSON.parse(line));
    const { explanation: _, trace: __, ...bare } = resultOf({ confidence: 0.2, needsReview: true });
    const captioned = { image: `a${ESCAPE}.jpg`, ...bare };
    assert.deepEqual(lines({}), [
      captioned,
      { image: 'b.jpg', duplicateOf: `a${ESCAPE}.jpg` },
      { image: 'c.jpg', error: { code: 'ImageNotFound', message: 'is not there' } },
      { image: 'd.jpg' },
      { image: 'e.jpg' },
    ]);
    assert.deepEqual(lines({ explain: true })[0], { ...captioned, explanation });
    assert.deepEqual(lines({ trace: true })[0], { ...captioned, trace: [] });
  });

  it('are lines of results, but for what is there and what is no image’s fault', (t) => {
    const put: unknown[] = [];
    const results = {
      find: () => null,
      append: (...line: unknown[]) => put.push(['line', ...line]),
      appendFailure: (...line: unknown[]) => put.push(['failure', ...line]),
      close: () => undefined,
    };
    const output = resultsOutput(results, {});
    const { stderr, stdout } = said(t, () => {
      OUTCOMES.forEach(output);
      output({ kind: 'failed', image: 'f.jpg', error: { code: 'ModelUnusable', message: 'damaged' } });
    });
    assert.deepEqual([stdout, stderr], ['', 'show-and-tell: f.jpg: ModelUnusable: damaged\n']);
    const { explanation: _, trace: __, ...bare } = resultOf({ confidence: 0.2, needsReview: true });
    assert.deepEqual(put, [
      ['line', `a${ESCAPE}.jpg`, SHA, bare],
      ['line', 'b.jpg', 'b', { duplicateOf: `a${ESCAPE}.jpg` }],
      ['failure', 'c.jpg', 'c', { code: 'ImageNotFound', message: 'is not there' }],
      ['line', 'd.jpg', 'd', { captions: [] }],
    ]);
  });

  it('are counted, those of this run by the second', (t) => {
    const now = t.mock.method(performance, 'now', () => 1000);
    const tally = startTally();
    assert.equal(tally.summary(), '0 captioned, 0 failed, 0 done before, 0 duplicates');
    OUTCOMES.forEach(tally.count);
    assert.equal(tally.summary(), '1 captioned, 1 failed, 2 done before, 1 duplicate');
    now.mock.mockImplementation(() => 1250);
    assert.equal(tally.note(), '1 failed, 3 skipped, 8/s');
  });
});

describe('one image of many', () => {
  const input = (image: string, look: Look | null = null): Input => ({
    image,
    sha256: SHA,
    bytes: BYTES,
    look,
  });
  const LOOK: Look = [0, 0];
  const parts = (more: Partial<CaptionOneParts> = {}): CaptionOneParts => ({
    caption: async () => resultOf(),
    plan: {} as never,
    call: {},
    results: null,
    ...more,
  });
  const known = (find: (image: string) => 'done' | object | null) => ({
    find,
    append() {},
    appendFailure() {},
    close() {},
  });
  const kinds = (outcomes: Outcome[]) =>
    outcomes.map((outcome) =>
      `${outcome.image} ${outcome.kind} ${'duplicateOf' in outcome ? outcome.duplicateOf : ''}`.trim(),
    );
  async function all(more: Partial<CaptionOneParts>, ...inputs: Input[]): Promise<string[]> {
    const one = createCaptionOne(parts(more));
    return kinds(await Promise.all(inputs.map(one)));
  }

  it('is read and recognised as far as that is asked for', async () => {
    writeFileSync(at('text.jpg'), BYTES);
    const none = { content: false, look: null };
    const image = at('text.jpg');
    assert.deepEqual(await readInput(image, none), { image, sha256: undefined, bytes: BYTES, look: null });
    assert.deepEqual(await readInput(image, { ...none, content: true }), {
      image,
      sha256: SHA,
      bytes: BYTES,
      look: null,
    });
    const odd = await readInput(image, { ...none, content: true, look: {} });
    assert.ok('error' in odd);
    assert.deepEqual([odd.sha256, odd.error.code], [SHA, 'UnsupportedImage']);
    const missing = await readInput(at('none.jpg'), { ...none, content: true });
    assert.ok('error' in missing);
    assert.deepEqual([missing.sha256, missing.error.code], [undefined, 'ImageNotFound']);
  });

  it('is captioned, or failed, or cannot be read', async () => {
    const calls: unknown[] = [];
    const caption = async (...args: unknown[]) => {
      calls.push(args);
      return resultOf();
    };
    const one = createCaptionOne(parts({ caption: caption as never, call: { trace: true } }));
    assert.deepEqual(await one(input('a')), {
      kind: 'captioned',
      image: 'a',
      sha256: SHA,
      bytes: BYTES,
      result: resultOf(),
    });
    assert.deepEqual(calls, [[BYTES, {}, { trace: true }]]);
    const error = { code: 'UnsupportedImage', message: 'none' } as const;
    const failing = createCaptionOne(parts({ caption: () => Promise.reject(new UnsupportedImage('none')) }));
    assert.deepEqual(await failing(input('a')), { kind: 'failed', image: 'a', sha256: SHA, error });
    assert.deepEqual(await one({ image: 'b', sha256: undefined, error }), {
      kind: 'failed',
      image: 'b',
      sha256: undefined,
      error,
    });
  });

  it('is done where results say so, under this name or another', async () => {
    const line = { captions: [] };
    const results = known((image) => (image === 'a' ? 'done' : image === 'b' ? line : null));
    const one = createCaptionOne(parts({ results }));
    assert.deepEqual(await one(input('a')), { kind: 'done', image: 'a', sha256: SHA, line: null });
    assert.deepEqual(await one(input('b')), { kind: 'done', image: 'b', sha256: SHA, line });
    assert.equal((await one(input('c'))).kind, 'captioned');
  });

  it('is a duplicate of the first that looks so, done or captioned or not yet', async () => {
    const looks = ['a', 'b', 'c'].map((image) => input(image, LOOK));
    assert.deepEqual(await all({}, ...looks), ['a captioned', 'b duplicate a', 'c duplicate a']);
    const done = known((image) => (image === 'a' ? 'done' : null));
    assert.deepEqual(await all({ results: done }, ...looks), ['a done', 'b duplicate a', 'c duplicate a']);
    const copied = known((image) => (image === 'a' ? {} : null));
    assert.deepEqual(await all({ results: copied }, ...looks), ['a done', 'b duplicate a', 'c duplicate a']);
    const later = known((image) => (image === 'b' ? 'done' : null));
    assert.deepEqual(await all({ results: later }, ...looks), ['a captioned', 'b done', 'c duplicate a']);
    assert.deepEqual(await all({}, input('a'), input('b')), ['a captioned', 'b captioned']);
    assert.deepEqual(await all({}, input('a', LOOK), input('b', [-1, -1])), ['a captioned', 'b captioned']);
  });

  it('is captioned where the one that looks the same could not be', async () => {
    let calls = 0;
    const caption = () =>
      ++calls === 1 ? Promise.reject(new UnsupportedImage('none')) : Promise.resolve(resultOf());
    assert.deepEqual(await all({ caption }, input('a', LOOK), input('b', LOOK)), ['a failed', 'b captioned']);
  });

  it('looks most like the nearest, the first of several, within eight bits', () => {
    assert.equal(distance([0, 0], [-1, -1]), 64);
    assert.equal(distance([0x80000000, 5], [0, 4]), 2);
    const originals = createOriginals();
    const add = (image: string, look: Look) =>
      originals.add({ image, look, captioned: Promise.resolve(true) });
    assert.equal(originals.like([0, 0]), undefined);
    add('nine', [0x1ff, 0]);
    assert.equal(originals.like([0, 0]), undefined);
    add('eight', [0xff, 0]);
    assert.equal(originals.like([0, 0])?.image, 'eight');
    add('also eight', [0, 0xff]);
    assert.equal(originals.like([0, 0])?.image, 'eight');
    add('two', [3, 0]);
    add('also two', [0, 3]);
    assert.equal(originals.like([0, 0])?.image, 'two');
  });
});

describe('a file of results', () => {
  const RECIPE: Recipe = {
    model: { name: 'm', hash: 'h' },
    options: { beamWidth: 3 },
    duplicatesCount: false,
  };
  const read = (file: string) => readFileSync(file, 'utf8');

  it('has a line for each content and name, which later runs find', () => {
    const file = at('results.jsonl');
    const here = relative(temporary.path, process.cwd());
    const image = join(temporary.path, 'a.jpg');
    const results = openResults(file, RECIPE);
    assert.equal(results.find(image, 's'), null);
    assert.equal(results.find(image, 's'), 'done');
    results.append(image, 's', { captions: [1] });
    results.append('b.jpg', 's', { captions: [2] });
    for (let i = 0; i < 2; i++)
      results.appendFailure('c.jpg', undefined, { code: 'ImageNotFound', message: 'none' });
    results.appendFailure('c.jpg', 't', { code: 'ImageNotFound', message: 'none' });
    results.close();
    const made = '"sha256":"s","model":{"name":"m","hash":"h"},"options":{"beamWidth":3}';
    const relativeTo = `"relativeTo":${JSON.stringify(here)}`;
    const error = '"error":{"code":"ImageNotFound","message":"none"}';
    const lines = [
      `{"image":${JSON.stringify(image)},${made},"captions":[1]}`,
      `{"image":"b.jpg",${relativeTo},${made},"captions":[2]}`,
      `{"image":"c.jpg",${relativeTo},${error}}`,
      `{"image":"c.jpg",${relativeTo},"sha256":"t",${error}}`,
    ];
    assert.equal(read(file), `${lines.join('\n')}\n`);

    const again = openResults(file, RECIPE);
    assert.equal(again.find(image, 's'), 'done');
    assert.equal(again.find('./b.jpg', 's'), 'done');
    assert.equal(again.find('b.jpg', 'other'), null);
    const { model, options } = RECIPE;
    assert.deepEqual(again.find('new.jpg', 's'), { sha256: 's', model, options, captions: [2] });
    again.appendFailure(join(process.cwd(), 'c.jpg'), undefined, { code: 'ImageNotFound', message: 'none' });
    again.close();
    assert.equal(read(file), `${lines.join('\n')}\n`);
    for (const other of [
      { ...RECIPE, model: { name: 'm', hash: 'other' } },
      { ...RECIPE, options: {} },
    ]) {
      const different = openResults(file, other);
      assert.equal(different.find(image, 's'), null);
      different.close();
    }
    assert.deepEqual(
      readdirSync(temporary.path).filter((name) => name.startsWith('results')),
      ['results.jsonl'],
    );
  });

  it('is of one model with all that was asked for; pictures beside it do not count', () => {
    const model = { name: 'm', hash: 'h' };
    const recipe = (flags: object) =>
      recipeOf({ model, plan: { options: { beamWidth: 3 } } as never }, flags);
    const plain = { model, options: { beamWidth: 3 }, duplicatesCount: false };
    assert.deepEqual(recipe({}), plain);
    assert.deepEqual(recipe({ explainTo: 'a', traceTo: 'b', json: true }), plain);
    assert.deepEqual(recipe({ skipDuplicates: true }), { ...plain, duplicatesCount: true });
    assert.deepEqual(recipe({ explain: true }), { ...plain, options: { beamWidth: 3, explain: true } });
    assert.deepEqual(recipe({ trace: true }), { ...plain, options: { beamWidth: 3, trace: true } });
  });

  it('counts duplicates as done where they are passed over', () => {
    const file = at('duplicates.jsonl');
    const first = openResults(file, RECIPE);
    first.append('a.jpg', 's', { duplicateOf: 'b.jpg' });
    first.close();
    for (const [duplicatesCount, found] of [
      [false, null],
      [true, 'done'],
    ] as const) {
      const results = openResults(file, { ...RECIPE, duplicatesCount });
      assert.equal(results.find('a.jpg', 's'), found);
      assert.equal(results.find('c.jpg', 's'), null);
      results.close();
    }
  });

  it('that holds something else is refused, with the line', () => {
    const file = at('other.jsonl');
    const good = '{"image":"a.jpg"}\n';
    for (const [text, what] of [
      [`${good}{"image":7}\n`, 'line 2 is no result'],
      ['note', 'line 1 is no result'],
      [`${good}\n{"name":"a`, 'line 3 is no result'],
    ] as const) {
      writeFileSync(file, text);
      assert.throws(() => openResults(file, RECIPE), {
        code: 'InvalidRequest',
        message: `--resume: ${file}: ${what}`,
      });
    }
    writeFileSync(file, '');
    openResults(file, RECIPE).close();
    assert.throws(
      () => openResults(at('no/such'), RECIPE),
      (error) => {
        assert.ok(error instanceof InvalidRequest && error.cause instanceof Error);
        assert.equal(error.message, `--resume: ${at('no/such')}: cannot be opened (ENOENT)`);
        return codeOf(error.cause) === 'ENOENT';
      },
    );
    assert.throws(() => openResults('/dev/null', RECIPE), {
      message: '--resume: /dev/null: is not a regular file',
    });
  });

  it('is read line by line, wherever pieces end', () => {
    const file = at('long.txt');
    const text = ['', 'ä'.repeat(600_000), 'b', '', 'c'.repeat(1 << 20)].join('\n');
    writeFileSync(file, text);
    const open = openSync(file, 'r');
    const lines = [...linesOf(open)].map(({ bytes, offset, ended }) => [
      bytes.length,
      bytes.toString('utf8', 0, 2),
      offset,
      ended,
    ]);
    assert.deepEqual(lines, [
      [0, '', 0, true],
      [1_200_000, 'ä', 1, true],
      [1, 'b', 1_200_002, true],
      [0, '', 1_200_004, true],
      [1 << 20, 'cc', 1_200_005, false],
    ]);
    closeSync(open);
  });

  it('without an end of its line is no results', () => {
    const file = at('endless.txt');
    for (const [length, ends] of [
      [16 << 20, true],
      [(16 << 20) + 1, false],
    ] as const) {
      writeFileSync(file, Buffer.alloc(length, 0x61));
      const open = openSync(file, 'r');
      const all = () => [...linesOf(open)].length;
      if (ends) assert.equal(all(), 1);
      else assert.throws(all, new RangeError('a line has more than 16777216 bytes'));
      closeSync(open);
    }
    assert.throws(() => openResults(file, RECIPE), {
      code: 'InvalidRequest',
      message: `--resume: ${file}: a line has more than 16777216 bytes`,
    });
  });
});

describe('pictures', () => {
  it('are asked for by flags, numbers only with JSON', () => {
    assert.deepEqual(pictureCall({}), { explain: false, trace: false });
    assert.deepEqual(pictureCall({ explainTo: 'a' }), { explain: true, trace: false });
    assert.deepEqual(pictureCall({ traceTo: 'a' }), { explain: false, trace: true });
    assert.deepEqual(pictureCall({ json: true, explain: true, trace: true }), { explain: true, trace: true });
    assert.throws(() => pictureCall({ explain: true }), {
      message: '--explain needs --json; --explain-to DIR writes pictures',
    });
    assert.throws(() => pictureCall({ trace: true }), {
      message: '--trace needs --json; --trace-to DIR writes pictures',
    });
  });

  it('are called by their place and what any file system takes of the name', async () => {
    const result = resultOf({
      trace: [{ parent: null, step: 0, word: '<S>', logProbability: 0, total: 0, fate: 'alive' }],
    });
    const names = ['/x/größe 1.tar.jpg', `${'n'.repeat(80)}.png`, '-'];
    for (const [i, image] of names.entries()) {
      await writePictures({ image, at: i + 9, bytes: BYTES, result }, { traceTo: at('deep/trees') });
    }
    await writePictures({ image: 'a.jpg', at: 0, bytes: BYTES, result }, {});
    assert.deepEqual(readdirSync(at('deep/trees')), [
      '0010-gr__e_1_tar.svg',
      `0011-${'n'.repeat(60)}.svg`,
      '0012--.svg',
    ]);
    writeFileSync(at('taken'), '');
    mkdirSync(at('free'));
    await assert.rejects(
      writePictures({ image: 'a', at: 0, bytes: BYTES, result }, { traceTo: at('taken') }),
      {
        code: 'InvalidRequest',
        message: `${at('taken')} cannot be written (EEXIST)`,
      },
    );
  });
});
