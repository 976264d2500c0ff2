import assert from 'node:assert/strict';
import { test } from 'node:test';
import { idsOf, idsOfText, wordAt, wordsOf } from '../../../src/caption/vocabulary/whole-words.ts';
import {
  parseVocabulary,
  repairVocabulary,
  VocabularyError,
} from '../../../src/caption/vocabulary/word-list.ts';

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

/** What a list is refused for, line by line. */
function problemsOf(text: string) {
  try {
    parseVocabulary(text);
  } catch (error) {
    assert.ok(error instanceof VocabularyError);
    return { problems: error.problems.map(({ line, reason }) => [line, reason]), message: error.message };
  }
  assert.fail('accepted');
}

test('each line is told for what is wrong with it, in the words of a message', () => {
  const { problems, message } = problemsOf('a 3\n<UNK> 3\nb"n\'t" 1\n"s" 2\na 1\ndog\n');
  assert.deepEqual(problems, [
    [2, '<UNK> is appended after the last line, not listed'],
    [3, 'b"n\'t" is a Python 3 bytes literal, not a word'],
    [4, '"s" is a word that lost its apostrophe (a Python 3 rewrite of the list)'],
    [5, 'duplicate of line 1: a'],
    [6, 'expected "word count", found "dog"'],
    [0, 'no line for <S>'],
    [0, 'no line for </S>'],
  ]);
  const shown = problems.slice(0, 5).map(([line, reason]) => `line ${line}: ${reason}`);
  assert.equal(message, `${shown.join('; ')}; and 2 more`);
});

test('a list with up to five problems is told whole, the list itself without a line', () => {
  assert.equal(problemsOf('a 1\n\nb 1').message, 'line 2: blank line; no line for <S>; no line for </S>');
  assert.equal(
    problemsOf('\n\n\na 1').message,
    'line 1: blank line; line 2: blank line; line 3: blank line; no line for <S>; no line for </S>',
  );
});

test('a third line with a word is a duplicate of the first', () => {
  assert.deepEqual(problemsOf('<S> 2\n</S> 2\na 1\na 1\na 1').problems, [
    [4, 'duplicate of line 3: a'],
    [5, 'duplicate of line 3: a'],
  ]);
});

test('words may have quotation marks that no rewrite left, and any blanks before their count', () => {
  const { words } = parseVocabulary("<S> 2\n</S> 2\n\" 1\n  's\t 1 \nb's 1\nb\"' 1");
  assert.deepEqual(words, ['<S>', '</S>', '"', "'s", "b's", 'b"\'', '<UNK>']);
});

test('only one byte order mark and one newline are no part of the list', () => {
  assert.deepEqual(problemsOf('a 3\n<S> 2\n</S> 2\n\n').problems, [[4, 'blank line']]);
  assert.equal(parseVocabulary('\uFEFF\uFEFFa 3\n<S> 2\n</S> 2').words[0], '\uFEFFa'.trim());
});

test('repair says what it did, line by line', () => {
  const { text, mended } = repairVocabulary('<S> 9\n</S> 9\n\nb\'dog\' 5\ncat\n"s" x\ncat 2\n');
  assert.equal(text, "<S> 9\n</S> 9\ndog 5\ncat 1\n's 1\ncat#7 2");
  assert.deepEqual(mended, [
    'line 3: blank line dropped, later ids move down by one',
    "line 4: b'dog' is dog",
    'line 5: count of cat set to 1',
    `line 6: "s" is 's`,
    `line 6: count of 's set to 1`,
    'line 7: duplicate of line 5, kept as cat#7',
  ]);
});

test('repair knows the words that lose more than one apostrophe, and leaves half-quoted ones alone', () => {
  const { vocabulary } = repairVocabulary('<S> 9\n</S> 9\n"doeuvres" 1\n"x 1\nx" 1\n"y" 1');
  assert.deepEqual(vocabulary.words.slice(2, -1), ["d'oeuvres", '"x', 'x"', "'y"]);
});

test('words that every object of JavaScript has are words like any other', () => {
  const { vocabulary } = repairVocabulary('<S> 9\n</S> 9\n"constructor" 1\ntoString 1');
  assert.deepEqual(vocabulary.words.slice(2, -1), ["'constructor", 'toString']);
});

test('ids of words that are no words of the list', () => {
  const vocabulary = parseVocabulary(LIST);
  // The first word is one: its id is 0.
  assert.deepEqual([...idsOf(['a', 'cat'], vocabulary, 8)], [0]);
  assert.deepEqual([...idsOf(['<UNK>'], vocabulary, 6)], [5]);
  assert.equal(wordAt(0, vocabulary), 'a');
  assert.equal(wordAt(99, vocabulary), '<UNK>');
});

test('the first word of a text that cannot be said is told; the first of the list can', () => {
  const vocabulary = parseVocabulary(LIST);
  assert.deepEqual(idsOfText('A\tdog .', vocabulary), { ids: [0, 4, 3], unknown: null });
  assert.deepEqual(idsOfText('a cat <S>', vocabulary).unknown, 'cat');
  for (const marker of ['<s>', '</s>', '<unk>'])
    assert.equal(idsOfText(`a ${marker}`, vocabulary).unknown, marker);
  assert.deepEqual(idsOfText('   ', vocabulary), { ids: [], unknown: null });
  // As other lists write them: in lower case they are words like any other, but for their ids.
  const lower = { ...vocabulary, words: ['a', '</s>', '<s>', '.', 'dog', '<unk>'] };
  for (const marker of ['<s>', '</s>', '<unk>'])
    assert.equal(idsOfText(`a ${marker}`, lower).unknown, marker);
});

test('a caption that is nothing but its end is empty', () => {
  const vocabulary = parseVocabulary(LIST);
  assert.deepEqual(wordsOf([], vocabulary), []);
  assert.deepEqual(wordsOf([1], vocabulary), []);
  assert.deepEqual(wordsOf([0, 2, 1, 4], vocabulary), ['a', '<S>', '</S>', 'dog']);
});

test('a list that is refused says so by its name, and "and more" only where there is more', () => {
  assert.throws(() => parseVocabulary('a'), { name: 'VocabularyError' });
  const six = problemsOf('\n\n\n\na 1');
  assert.equal(six.problems.length, 6);
  assert.match(six.message, /; and 1 more$/);
});

test('repair drops lines of blanks, and reads past blanks before a word', () => {
  const { text } = repairVocabulary('<S> 9\n   \n  </S> 9\n dog  3 ');
  assert.equal(text, '<S> 9\n</S> 9\ndog 3');
});

test('of words that stand twice the first one counts', () => {
  const vocabulary = {
    ...parseVocabulary(LIST),
    words: ['a', 'dog', '<S>', '</S>', 'dog', '<UNK>'],
    startId: 2,
    endId: 3,
  };
  assert.deepEqual([...idsOf(['dog'], vocabulary, 6)], [1]);
  assert.deepEqual(idsOfText('dog', vocabulary).ids, [1]);
});
