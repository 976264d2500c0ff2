import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  idsOf,
  parseVocabulary,
  repairVocabulary,
  VocabularyError,
  wordsOf,
} from '../../src/caption/vocabulary.ts';

const LIST = 'a 969108\n</S> 586368\n<S> 586368\n. 440479\ndog 7';

test('ids are line numbers, start and end are found by token, the unknown word comes last', () => {
  assert.deepEqual(parseVocabulary(LIST), {
    words: ['a', '</S>', '<S>', '.', 'dog', '<UNK>'],
    startId: 2,
    endId: 1,
    unknownId: 5,
  });
  const swapped = parseVocabulary('a 9\n<S> 5\n</S> 5');
  assert.equal(swapped.startId, 1);
  assert.equal(swapped.endId, 2);
});

test('a newline at the end, Windows line ends and a byte order mark change nothing', () => {
  const expected = parseVocabulary(LIST);
  for (const text of [`${LIST}\n`, LIST.replaceAll('\n', '\r\n'), `\uFEFF${LIST}`]) {
    assert.deepEqual(parseVocabulary(text), expected);
  }
});

const REFUSED: { name: string; text: string; line: number; reason: RegExp }[] = [
  { name: 'no <S>', text: 'a 1\n</S> 1', line: 0, reason: /<S>/ },
  { name: 'no </S>', text: 'a 1\n<S> 1', line: 0, reason: /<\/S>/ },
  { name: 'nothing', text: '', line: 1, reason: /blank/ },
  { name: 'a duplicate', text: 'a 3\n<S> 2\n</S> 2\na 1', line: 4, reason: /duplicate of line 1/ },
  { name: 'a blank line', text: 'a 3\n\n<S> 2\n</S> 2', line: 2, reason: /blank/ },
  { name: 'a line of spaces', text: 'a 3\n   \n<S> 2\n</S> 2', line: 2, reason: /blank/ },
  { name: 'a Python bytes literal', text: "a 3\n<S> 2\n</S> 2\nb'dog' 1", line: 4, reason: /Python/ },
  { name: 'a double quoted one', text: '<S> 2\n</S> 2\nb"n\'t" 1', line: 3, reason: /Python/ },
  { name: 'no count', text: 'a\n<S> 2\n</S> 2', line: 1, reason: /word count/ },
  { name: 'a count that is none', text: 'a x\n<S> 2\n</S> 2', line: 1, reason: /word count/ },
  { name: 'three fields', text: 'a b 3\n<S> 2\n</S> 2', line: 1, reason: /word count/ },
  { name: 'the unknown word listed', text: '<UNK> 3\n<S> 2\n</S> 2', line: 1, reason: /UNK/ },
  { name: 'bytes that are not UTF-8', text: 'caf\uFFFD 3\n<S> 2\n</S> 2', line: 1, reason: /UTF-8/ },
];

for (const { name, text, line, reason } of REFUSED) {
  test(`refuses ${name} and says line and reason`, () => {
    assert.throws(
      () => parseVocabulary(text),
      (error) => {
        assert.ok(error instanceof VocabularyError);
        const problem = error.problems.find((p) => p.line === line);
        assert.match(problem?.reason ?? 'no problem on that line', reason);
        return true;
      },
    );
  });
}

test('a long list of problems is cut in the message, not in the data', () => {
  const text = `<S> 1\n</S> 1\n${'\n'.repeat(50)}a 1`;
  assert.throws(
    () => parseVocabulary(text),
    (error) =>
      error instanceof VocabularyError && error.problems.length === 50 && /and 45 more/.test(error.message),
  );
});

test('repair names each line that it mended, and what it writes is right', () => {
  const { vocabulary, text, mended } = repairVocabulary("b'a' 9\n\nb'<S>' 5\n</S> 5\ndog\ndog 2");
  assert.deepEqual(vocabulary.words, ['a', '<S>', '</S>', 'dog', 'dog#6', '<UNK>']);
  assert.deepEqual(parseVocabulary(text), vocabulary);
  assert.deepEqual(
    mended.map((line) => /^line (\d+)/.exec(line)?.[1]),
    ['1', '2', '3', '5', '6'],
  );
});

test('repair gives back the apostrophes that a Python 3 rewrite took', () => {
  const damaged = '<S> 9\n</S> 9\n"s" 7\n"" 6\n"nt" 5\n"" 4\n"re" 3\n"oclock" 2';
  assert.throws(() => parseVocabulary(damaged), VocabularyError);
  const { vocabulary } = repairVocabulary(damaged);
  assert.deepEqual(vocabulary.words.slice(2, -1), ["'s", "''", "n't", "'", "'re", "o'clock"]);
});

test('repair leaves a right list alone and cannot invent the start word', () => {
  const { mended, text } = repairVocabulary(LIST);
  assert.deepEqual(mended, []);
  assert.equal(text, LIST);
  assert.throws(() => repairVocabulary("b'a' 9\n</S> 3"), VocabularyError);
});

test('start and end are stripped only where they stand', () => {
  const vocabulary = parseVocabulary(LIST);
  assert.deepEqual(wordsOf([2, 0, 4, 3, 1], vocabulary), ['a', 'dog', '.']);
  assert.deepEqual(wordsOf([2, 0, 4], vocabulary), ['a', 'dog']);
  assert.deepEqual(wordsOf([2, 1], vocabulary), []);
  assert.deepEqual(wordsOf([2], vocabulary), []);
});

test('ids past the list are the unknown word, and are banned with it', () => {
  const vocabulary = parseVocabulary(LIST);
  assert.deepEqual(wordsOf([2, 5, 7, 1], vocabulary), ['<UNK>', '<UNK>']);
  assert.deepEqual([...idsOf(['<UNK>', 'dog', 'cat'], vocabulary, 8)].sort(), [4, 5, 6, 7]);
});
