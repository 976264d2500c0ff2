/** What `alt` refuses, prints and checks, without a model: any function captions. */
import assert from 'node:assert/strict';
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it, type TestContext } from 'node:test';
import { Command } from 'commander';
import type { CaptionResult } from '../../../src/caption/result.ts';
import { addAltCommand } from '../../../src/cli/alt/alt.ts';
import { ALT_CSV } from '../../../src/cli/alt/alt-csv.ts';
import { checkPages } from '../../../src/cli/alt/check.ts';
import { expandPages, readPage, shownSource } from '../../../src/cli/alt/pages.ts';
import { altTextOf, objection } from '../../../src/cli/alt/text-of.ts';
import { ImageTooLarge, InvalidRequest } from '../../../src/errors.ts';
import { codeOf } from '../../../src/files/system-error.ts';
import { temporaryDirectory } from '../../support/bundles.ts';

const temporary = temporaryDirectory();
after(() => temporary.dispose());
const at = (name: string) => join(temporary.path, name);

function write(name: string, content: string): string {
  writeFileSync(at(name), content);
  return at(name);
}

/** What is written to both streams meanwhile. */
async function said(t: TestContext, work: () => Promise<unknown>) {
  const texts = { stdout: '', stderr: '' };
  const mocks = (['stdout', 'stderr'] as const).map((stream) => {
    const write = process[stream].write.bind(process[stream]);
    return t.mock.method(process[stream], 'write', (text: string | Buffer) => {
      // What the test runner reports meanwhile are bytes.
      if (typeof text !== 'string') return write(text);
      texts[stream] += text;
      return true;
    });
  });
  const returned = await work();
  for (const { mock } of mocks) mock.restore();
  return { ...texts, returned };
}

describe('flags that contradict each other', () => {
  const three = 'name images, or pages with --html or --check: one of the three';
  const cases: [words: string, message: string][] = [
    ['', three],
    ['a.jpg --check p.html', three],
    ['a.jpg --html p.html', three],
    ['--html p.html --check p.html', three],
    ['--check p.html --csv', '--csv is for images; --html and --check know --json'],
    ['--html p.html --csv', '--csv is for images; --html and --check know --json'],
    ['--check p.html --root .', '--root needs --html'],
    ['a.jpg --root .', '--root needs --html'],
    ['a.jpg --overwrite', '--overwrite needs --write-xmp'],
    ['a.jpg --sidecar', '--sidecar needs --write-xmp'],
    ['--html p.html --write-xmp', '--write-xmp is for images, not for pages'],
    ['--check p.html --write-xmp', '--write-xmp is for images, not for pages'],
    ['a.jpg - --write-xmp', '--write-xmp cannot write into standard input'],
    ['a.jpg --top 2', '--top: an image has one alternative text; caption --top prints more'],
  ];
  for (const [words, message] of cases) {
    it(words || 'no arguments', async () => {
      const program = new Command();
      addAltCommand(program);
      const parsed = program.parseAsync(['alt', ...words.split(' ').filter(Boolean)], { from: 'user' });
      await assert.rejects(parsed, new InvalidRequest(message));
    });
  }
});

describe('a text', () => {
  const [captioned] = [
    {
      captions: [
        { text: 'a dog .', probability: 0.25, logProbability: -1.4, words: [], truncated: false },
        { text: 'a cat .', probability: 0.1, logProbability: -2.3, words: [], truncated: false },
      ],
      model: { name: 'm', hash: 'h' },
      width: 9,
      height: 7,
    } as unknown as CaptionResult,
  ];
  const plan = { options: {} } as never;
  const textOf = (image: string, caption: () => Promise<CaptionResult>) =>
    altTextOf(image, { caption, plan } as never);

  it('is made of the best caption, with what is known of it', async () => {
    const image = write('a.jpg', 'bytes');
    const line = {
      alt: 'A dog.',
      caption: 'a dog .',
      probability: 0.25,
      logProbability: -1.4,
      model: { name: 'm', hash: 'h' },
    };
    const bytes = Buffer.from('bytes');
    assert.deepEqual(await textOf(image, async () => captioned!), { bytes, line, isSpacer: false });
    const doubtful = { ...captioned!, confidence: 0.2, needsReview: true };
    assert.deepEqual(await textOf(image, async () => doubtful), {
      bytes,
      line: { ...line, confidence: 0.2, needsReview: true },
      isSpacer: false,
    });
    for (const [width, height, isSpacer] of [
      [1, 7, true],
      [9, 1, true],
      [2, 2, false],
    ] as const) {
      const outcome = await textOf(image, async () => ({ ...captioned!, width, height }));
      assert.equal('isSpacer' in outcome && outcome.isSpacer, isSpacer);
    }
  });

  it('that cannot be made is the outcome of its image', async () => {
    const image = write('b.jpg', 'bytes');
    const tooLarge = () => Promise.reject(new ImageTooLarge('9 pixels'));
    assert.deepEqual(await textOf(image, tooLarge), {
      error: { code: 'ImageTooLarge', message: '9 pixels' },
    });
    const missing = await textOf(at('none.jpg'), async () => captioned!);
    assert.equal('error' in missing && missing.error.code, 'ImageNotFound');
  });

  it('is not written when it is empty, or in doubt', () => {
    assert.equal(objection({ alt: '' }, {}), 'the caption is empty');
    assert.equal(objection({ alt: 'A dog.' }, { minConfidence: 0.5 }), null);
    const doubtful = { alt: 'A dog.', confidence: 0.2, needsReview: true };
    assert.equal(objection(doubtful, { minConfidence: 0.5 }), 'needs review: confidence 0.20');
    assert.equal(objection(doubtful, {}), null);
  });

  it('is a row of a table', () => {
    assert.equal(ALT_CSV.header, 'image,alt,probability,caption,confidence,code,message\r\n');
    const line = { image: 'a.jpg', alt: 'A dog.', probability: 0.25, caption: 'a dog .', confidence: 0.5 };
    assert.equal(ALT_CSV.row(line), 'a.jpg,A dog.,0.25,a dog .,0.5,,\r\n');
    const error = { code: 'ImageNotFound', message: 'none' } as const;
    assert.equal(ALT_CSV.row({ image: 'b.jpg', error }), 'b.jpg,,,,,ImageNotFound,none\r\n');
  });
});

describe('pages', () => {
  it('are files by their names, as they stand or below directories', async () => {
    mkdirSync(at('site'));
    for (const name of ['a.html', 'b.HTM', 'c.xhtml', 'd.jpg', 'html']) write(`site/${name}`, '');
    assert.deepEqual(await expandPages([at('site'), 'd.jpg']), [
      at('site/a.html'),
      at('site/b.HTM'),
      'd.jpg',
    ]);
  });

  it('that cannot be read say why', async () => {
    const large = write('large.html', '');
    truncateSync(large, 16 << 20);
    assert.equal((await readPage(large)).file.length, 16 << 20);
    truncateSync(large, (16 << 20) + 1);
    await assert.rejects(
      readPage(large),
      new InvalidRequest('the page has 16777217 bytes, more than 16777216'),
    );
    await assert.rejects(readPage('/dev/null'), new InvalidRequest('not a regular file'));
    await assert.rejects(readPage(at('none.html')), (error) => {
      assert.ok(error instanceof InvalidRequest && error.cause instanceof Error);
      assert.deepEqual([error.message, codeOf(error.cause)], ['no such file', 'ENOENT']);
      return true;
    });
    mkdirSync(at('empty'));
    await assert.rejects(readPage(at('empty')), { code: 'InvalidRequest', message: /pages/ });
  });

  it('name addresses in short, and in one line', () => {
    assert.equal(shownSource('a\n\u001b b.jpg'), 'a b.jpg');
    assert.equal(shownSource(''), '(no address)');
    assert.equal(shownSource('x'.repeat(100)), 'x'.repeat(100));
    assert.equal(shownSource('x'.repeat(101)), `${'x'.repeat(99)}…`);
  });

  it('are checked: what is missing is printed, line by line, and what cannot be read', async (t) => {
    const bad = write(
      'bad.html',
      '<p>\n<img src="a.jpg"><img alt=" " src="b\u009b.jpg">\n<img alt="" src="c.jpg">',
    );
    const good = write('good.html', '<img alt="A dog." src="a.jpg">');
    const none = at('no.html');
    assert.deepEqual(await said(t, () => checkPages([bad, good], {} as never)), {
      stdout: `${bad}:2: no alt text: a.jpg\n${bad}:2: blank alt text: b .jpg\n`,
      stderr: '',
      returned: 5,
    });
    const json = await said(t, () => checkPages([bad], { json: true } as never));
    assert.equal(json.returned, 5);
    assert.deepEqual(
      json.stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
      [
        { page: bad, line: 2, src: 'a.jpg', rule: 'image-alt' },
        { page: bad, line: 2, src: 'b\u009b.jpg', rule: 'image-alt' },
      ],
    );
    assert.ok(json.stdout.includes('\\u009b'));
    assert.deepEqual(await said(t, () => checkPages([good], {} as never)), {
      stdout: '',
      stderr: '',
      returned: 0,
    });
    const failed = await said(t, () => checkPages([none, bad], {} as never));
    assert.equal(failed.returned, 3);
    assert.match(failed.stderr, /^show-and-tell: [^\n]*no\.html: InvalidRequest: [^\n]*\n$/);
    assert.match(failed.stdout, /a\.jpg/);
  });
});
