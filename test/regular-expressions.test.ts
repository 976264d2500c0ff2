/**
 * No regular expression of the product takes more than linear time, whatever it is given: recheck decides that by its
 * automaton, which knows neither look-around nor back-references, so what reads foreign text does without them.
 */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseSync, Visitor } from 'oxc-parser';
import { check } from 'recheck';
import { PHRASE } from '../src/caption/options.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Files whose expressions see no foreign text, or a bounded one each. */
const EXCUSED_FILES: Record<string, string> = {
  'src/evaluate/ptb-patterns.ts': 'captions of at most MAX_CAPTION_CHARACTERS',
  'src/evaluate/tokenize.ts': 'captions of at most MAX_CAPTION_CHARACTERS',
  'src/http/page/html-page.ts': 'pages that come with the program',
  'src/http/page/inline-page.ts': 'pages that come with the program',
};

/** Beginnings of single expressions that take longer, and what bounds the text that they see. */
const EXCUSED: [file: string, beginning: string, why: string][] = [
  ['src/alt/page/picture-source.ts', '^(?:[\\w-]*(?:placeholder|', 'names of at most 255 characters'],
  ['src/s3/result-key.ts', '\\uFFFD+$', 'keys of at most 1,024 bytes'],
];

/** What comes of `new RegExp`, by file: none of them depends on foreign text. */
const MADE: Record<string, readonly RegExp[]> = { 'src/caption/options.ts': [PHRASE] };

interface Expression {
  file: string;
  source: string;
  flags: string;
}

const files = globSync('src/**/*.{ts,js}', { cwd: ROOT }).filter((file) => !(file in EXCUSED_FILES));
const read = files.map(expressionsIn);
const all = read.flatMap(({ written }) => written);
const isExcused = ({ file, source }: Expression) =>
  EXCUSED.some(([where, beginning]) => file === where && source.startsWith(beginning));

describe('regular expressions', { concurrency: true }, () => {
  const made = Object.entries(MADE).flatMap(([file, expressions]) =>
    expressions.map(({ source, flags }) => ({ file, source, flags })),
  );
  for (const expression of [...all.filter((one) => !isExcused(one)), ...made]) {
    const { file, source, flags } = expression;
    test(`${file}: /${source}/${flags} takes linear time`, async () => {
      // Without a time-out, so that the verdict does not depend on the machine.
      const verdict = await check(source, flags, { checker: 'automaton', timeout: null });
      assert.equal(verdict.status, 'safe', explained(verdict));
    });
  }

  test('are written out, or made where the list says', () => {
    const makers = files.filter((_, i) => read[i]!.made > 0);
    assert.deepEqual(makers.sort(), Object.keys(MADE).sort());
  });

  test('are all there that have an excuse', () => {
    for (const file of Object.keys(EXCUSED_FILES)) {
      const { written, made } = expressionsIn(file);
      assert.ok(written.length + made > 0, file);
    }
    assert.equal(all.filter(isExcused).length, EXCUSED.length);
  });
});

function expressionsIn(file: string): { written: Expression[]; made: number } {
  const { program, errors } = parseSync(file, readFileSync(`${ROOT}/${file}`, 'utf8'));
  assert.deepEqual(errors, [], file);
  const written: Expression[] = [];
  let made = 0;
  const countMade = ({ callee }: { callee: object }) => {
    if ('name' in callee && callee.name === 'RegExp') made++;
  };
  new Visitor({
    Literal(node) {
      if ('regex' in node) written.push({ file, source: node.regex.pattern, flags: node.regex.flags });
    },
    NewExpression: countMade,
    CallExpression: countMade,
  }).visit(program);
  return { written, made };
}

function explained(verdict: Awaited<ReturnType<typeof check>>): string {
  if (verdict.status === 'vulnerable') {
    return `${verdict.complexity.summary}, for example ${verdict.attack.pattern}`;
  }
  return verdict.status === 'unknown' ? JSON.stringify(verdict.error) : verdict.status;
}
