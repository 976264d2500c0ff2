/** What commands print and what they end with. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { CommanderError } from 'commander';
import type { Caption } from '../../../src/caption/result.ts';
import { captionLines, laterIsLikelier } from '../../../src/cli/shared/caption-lines.ts';
import { complain, inFlags } from '../../../src/cli/shared/complain.ts';
import { csvTable } from '../../../src/cli/shared/csv.ts';
import * as exit from '../../../src/cli/shared/exit.ts';
import { sayFailure } from '../../../src/cli/shared/failure.ts';
import { startProgress } from '../../../src/cli/shared/progress.ts';
import { reviewNote } from '../../../src/cli/shared/review-note.ts';
import { InvalidRequest, ModelUnusable, OutputFailed, SourceError } from '../../../src/errors.ts';

const ESCAPE = '\u001b[2J';

/** Captions of these probabilities. */
function captions(...probabilities: number[]): Caption[] {
  return probabilities.map((probability, i) => ({
    text: `caption ${i}`,
    probability,
    logProbability: Math.log(probability),
    words: [],
    truncated: false,
  }));
}

/** What is written to standard error. */
function errorOf(t: TestContext, work: () => void): string {
  const said: string[] = [];
  const { mock } = t.mock.method(process.stderr, 'write', (text: string) => said.push(text) > 0);
  work();
  mock.restore();
  return said.join('');
}

/** As if it were a terminal, or none. */
function setTty(t: TestContext, stream: 'stdout' | 'stderr', isTTY: boolean): void {
  const before = process[stream].isTTY;
  process[stream].isTTY = isTTY;
  t.after(() => {
    process[stream].isTTY = before;
  });
}

describe('captions', () => {
  it('are numbered lines with six decimals, or as many as show something', () => {
    const [first, ...others] = captions(0.25, 1e-6, 9.94e-7, 0);
    assert.equal(
      captionLines([{ ...first!, text: `a dog${ESCAPE}` }, ...others]),
      '  0) a dog\\u001b[2J (p=0.250000)\n' +
        '  1) caption 1 (p=0.000001)\n' +
        '  2) caption 2 (p=9.9e-7)\n' +
        '  3) caption 3 (p=0.0e+0)\n',
    );
    assert.equal(captionLines([]), '');
  });

  it('may be likelier than those above', () => {
    assert.equal(laterIsLikelier(captions(0.3, 0.2, 0.1)), false);
    assert.equal(laterIsLikelier(captions(0.3, 0.3)), false);
    assert.equal(laterIsLikelier(captions(0.3, 0.1, 0.2)), true);
    assert.equal(laterIsLikelier(captions(0.1, 0.2)), true);
    assert.equal(laterIsLikelier(captions(0.1)), false);
    assert.equal(laterIsLikelier([]), false);
  });

  it('below a confidence that was asked for are noted', () => {
    const doubtful = { confidence: 0.256, needsReview: true };
    assert.equal(reviewNote(doubtful, 0.5), 'needs review: confidence 0.26');
    assert.equal(reviewNote(doubtful, 0), 'needs review: confidence 0.26');
    assert.equal(reviewNote(doubtful, undefined), null);
    assert.equal(reviewNote({ confidence: 0.9, needsReview: false }, 0.5), null);
  });
});

describe('a failure', () => {
  it('is one line on standard error, in the names of flags and without what acts on a terminal', (t) => {
    const problems = [{ field: 'beamWidth', message: 'at most {count}' }];
    const said = errorOf(t, () => {
      complain(`a${ESCAPE}.jpg`, { code: 'UnsupportedImage', message: `no\nimage${ESCAPE}` });
      complain('b.jpg', `so${ESCAPE}`);
      complain('c.jpg', { code: 'InvalidRequest', message: 'not this', problems });
    });
    assert.equal(
      said,
      'show-and-tell: a\\u001b[2J.jpg: UnsupportedImage: no\\u000aimage\\u001b[2J\n' +
        'show-and-tell: b.jpg: so\\u001b[2J\n' +
        'show-and-tell: c.jpg: InvalidRequest: --beam: at most --top\n',
    );
  });

  it('that is a bug keeps the lines of its stack', () => {
    assert.equal(
      inFlags({ code: 'InternalError', message: `a\n  at b${ESCAPE}` }),
      'InternalError: a\n  at b\\u001b[2J',
    );
  });

  it('ends a command with its own status, that of an image alone with 3', () => {
    const codes = Object.keys(exit.EXIT_CODES) as (keyof typeof exit.EXIT_CODES)[];
    const statuses = codes.map((code) => [code, exit.EXIT_CODES[code], exit.severity({ code, message: '' })]);
    assert.deepEqual(statuses, [
      ['InvalidRequest', 2, 3],
      ['UnsupportedImage', 3, 3],
      ['ImageTooLarge', 3, 3],
      ['ImageNotFound', 3, 3],
      ['ObjectRefused', 3, 3],
      ['Overloaded', 4, 3],
      ['DeadlineExceeded', 4, 3],
      ['CaptionerHung', 4, 3],
      ['UpstreamUnavailable', 4, 4],
      ['ModelUnusable', 4, 4],
      ['InternalError', 70, 70],
    ]);
    assert.deepEqual([exit.EXIT_OK, exit.EXIT_ALT_MISSING, exit.EXIT_OUTPUT_FAILED], [0, 5, 74]);
  });
});

describe('the end of a command that fails', () => {
  const problem = { file: `a${ESCAPE}.pb`, expected: 'a graph', actual: 'none' };
  const noSpace = Object.assign(new Error('full'), { code: 'ENOSPC' });
  const cases: [title: string, error: unknown, status: number, said: RegExp][] = [
    ['help', new CommanderError(0, 'commander.help', '(outputHelp)'), 0, /^$/],
    ['a wrong flag', new CommanderError(1, 'commander.unknownOption', 'unknown'), 2, /^$/],
    ['no place to write', new OutputFailed(`b${ESCAPE}`, noSpace), 74, /: b\\u001b\[2J cannot .*ENOSPC.*\n$/],
    ['no weights', new SourceError('SourceDamaged', problem), 4, /: SourceDamaged: a\\u001b\[2J\.pb: .*\n$/],
    [
      'a wrong wish',
      new InvalidRequest([{ field: 'beamWidth', message: 'no' }]),
      2,
      /: InvalidRequest: --beam: no\n$/,
    ],
    [
      'no model',
      new ModelUnusable({ file: 'c', expected: 'd', actual: 'e', remedy: 'f' }),
      4,
      /: ModelUnusable: c.*\n$/,
    ],
    ['a bug', new TypeError('oops'), 70, /: InternalError: TypeError: oops\n {4}at /],
  ];
  for (const [title, error, status, said] of cases) {
    it(`is one line and its status: ${title}`, (t) => {
      let found: number | undefined;
      const text = errorOf(t, () => {
        found = sayFailure(error);
      });
      assert.equal(found, status);
      assert.match(text, said);
      assert.ok(text === '' || text.startsWith('show-and-tell: '), text);
    });
  }
});

describe('a table', () => {
  const table = csvTable<{ name: string; size: number }>({
    name: ({ name }) => name,
    size: ({ size }) => size,
    none: () => undefined,
  });
  const item = { name: `a${ESCAPE}`, size: 7 };

  it('has its columns by name, and its cells as they are', (t) => {
    setTty(t, 'stdout', false);
    assert.equal(table.header, 'name,size,none\r\n');
    assert.equal(table.row(item), `a${ESCAPE},7,\r\n`);
  });

  it('has nothing on a terminal that acts on it', (t) => {
    setTty(t, 'stdout', true);
    assert.equal(table.row(item), 'a\\u001b[2J,7,\r\n');
  });
});

describe('a bar', () => {
  it('is drawn on a terminal alone, and for more than one thing', (t) => {
    const drawn = (isTTY: boolean, total: number | null) =>
      errorOf(t, () => {
        setTty(t, 'stderr', isTTY);
        const bar = startProgress(total, 'images');
        bar.tick('1 failed');
        bar.set(1, 4);
        bar.hide();
        bar.stop();
      });
    for (const [isTTY, total] of [
      [false, 7],
      [false, null],
      [true, 0],
      [true, 1],
    ] as const) {
      assert.equal(drawn(isTTY, total), '', `${isTTY} ${total}`);
    }
    for (const total of [2, null]) {
      const text = drawn(true, total);
      assert.match(text, /0\/[02] images, /);
      assert.ok(text.includes('\r\u001b[K'));
    }
  });
});
