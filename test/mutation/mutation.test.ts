import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { readCoverage, runs } from './covers.ts';
import { isWording, type Mutant, mutantsOf, mutated } from './mutants.ts';
import { allPlaces, sourcesOf, testsOf } from './places.ts';
import { headline } from './report.ts';
import { interval, sampleOf } from './sample.ts';

async function mutantsIn(content: string): Promise<Mutant[]> {
  const root = mkdtempSync(join(tmpdir(), 'mutants-'));
  try {
    writeFileSync(join(root, 'a.ts'), content);
    return await mutantsOf(root, 'a.ts');
  } finally {
    rmSync(root, { recursive: true });
  }
}

test('a change leaves a program, and means what Stryker meant', async () => {
  const content = 'export const at = (a: number | null, b: number) =>\n  a ?? b ?? 1;\n';
  const programs = (await mutantsIn(content)).map((mutant) => mutated(content, mutant).split('\n')[1]);
  assert.ok(programs.includes('  (a ?? b && 1);') === false, 'mixes ?? and && without parentheses');
  assert.ok(programs.includes('  (a && b) ?? 1;'));
});

test('places are counted as editors do', async () => {
  const [mutant] = await mutantsIn("const a = 'ä';\nexport const b = 'one' + a;\n").then((all) =>
    all.filter(({ from }) => from === "'one'"),
  );
  assert.deepEqual([mutant?.line, mutant?.column], [2, 18]);
});

test('texts for people are told from other strings', async () => {
  const mutants = await mutantsIn("export const a = ['key', 'some words', `of one thing`];\n");
  assert.deepEqual(
    mutants.filter(isWording).map(({ from }) => from),
    ["'some words'", '`of one thing`'],
  );
});

test('a sample is the same one each time, and others with another seed', async () => {
  const mutants = await mutantsIn('export const a = (x: number) => x + 1 + 2 + 3 + 4 + 5 + 6 + 7 + 8 + 9;\n');
  const texts = (sample: readonly Mutant[]) => sample.map(({ from, to }) => `${from} ${to}`);
  assert.deepEqual(texts(sampleOf(mutants, 4, '1')), texts(sampleOf(mutants.toReversed(), 4, '1')));
  assert.notDeepEqual(texts(sampleOf(mutants, 4, '1')), texts(sampleOf(mutants, 4, '2')));
  assert.equal(sampleOf(mutants, Infinity, '1').length, mutants.length);
});

test('the interval is that of Wilson, worked out by hand', () => {
  const { low, high } = interval(85, 100);
  assert.ok(Math.abs(low - 0.7672) < 1e-4 && Math.abs(high - 0.9069) < 1e-4, `${low} ${high}`);
  assert.deepEqual(interval(0, 0), { low: 0, high: 1 });
});

test('what V8 counted says whether a place was reached', () => {
  const directory = mkdtempSync(join(tmpdir(), 'coverage-'));
  const range = (startOffset: number, endOffset: number, count: number) => ({
    startOffset,
    endOffset,
    count,
  });
  const functions = [{ ranges: [range(0, 100, 1)] }, { ranges: [range(10, 50, 3), range(20, 30, 0)] }];
  const url = pathToFileURL('/tree/src/a.ts').href;
  writeFileSync(join(directory, '1.json'), JSON.stringify({ result: [{ url, functions }] }));
  writeFileSync(join(directory, '2.json'), '{"result": [');
  const coverage = readCoverage(directory, '/tree');
  rmSync(directory, { recursive: true });
  assert.deepEqual(
    [5, 15, 25, 100].map((offset) => runs(coverage, 'src/a.ts', offset)),
    [true, true, false, false],
  );
  assert.equal(runs(coverage, 'src/b.ts', 5), false);
});

test('every folder, and every file beside them, has tests', () => {
  for (const place of allPlaces()) {
    assert.ok(sourcesOf(place).length > 0 && testsOf(place).length > 0, place);
  }
  assert.ok(testsOf('src/alt/words').every((file) => file.startsWith('test/alt/words/')));
  assert.deepEqual(testsOf('src/errors.ts'), ['test/errors.test.ts']);
  assert.throws(() => sourcesOf('test/alt'), /only src and infra/);
});

test('the headline says what the sample says of the whole', () => {
  const verdicts = [
    ...Array.from({ length: 85 }, () => ({ verdict: 'killed' })),
    ...Array.from({ length: 15 }, () => ({ verdict: 'survived' })),
  ] as Parameters<typeof headline>[0]['verdicts'];
  assert.equal(
    headline({ place: 'src/a', changes: 900, wording: 2, setAside: 1, verdicts }),
    'src/a  85.0 %: 85 of 100 of 900, 95 %: 76.7 % to 90.7 %; 0 late, 0 not reached; 1 set aside, 2 texts',
  );
});
