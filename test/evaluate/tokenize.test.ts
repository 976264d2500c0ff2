import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { tokenize } from '../../src/evaluate/tokenize.ts';

interface TokenizedCaption {
  caption: string;
  tokens: string[];
}

const asked: TokenizedCaption[] = JSON.parse(
  readFileSync(new URL('fixtures/tokens.json', import.meta.url), 'utf8'),
);

test('there are captions to compare', () => {
  assert.ok(asked.length > 120);
});

for (const { caption, tokens } of asked) {
  test(`tokenizes as PTBTokenizer does: ${caption}`, () => {
    assert.deepEqual(tokenize(caption), tokens);
  });
}

test('an empty caption has no tokens', () => {
  assert.deepEqual(tokenize(''), []);
  assert.deepEqual(tokenize(' \t\n'), []);
});

test('a line break separates words like a space', () => {
  assert.deepEqual(tokenize('a man\nand a dog.\r\n'), ['a', 'man', 'and', 'a', 'dog']);
});

test('tokens of any text are lower case and without white space', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (caption) => {
      for (const token of tokenize(caption)) {
        assert.match(token, /^\S+$/);
        assert.equal(token, token.toLowerCase());
      }
    }),
  );
});

test('plain words come back as they are', () => {
  const words = fc.array(fc.stringMatching(/^[b-z]{2,9}$/), { maxLength: 20 });
  const cut = new Set(['cannot', 'gonna', 'gotta', 'wanna', 'lemme', 'gimme']);
  fc.assert(
    fc.property(words, (all) => {
      const kept = all.filter((word) => !cut.has(word));
      assert.deepEqual(tokenize(kept.join(' ')), kept);
      assert.deepEqual(tokenize(kept.map((word) => word.toUpperCase()).join(' , ')), kept);
    }),
  );
});
