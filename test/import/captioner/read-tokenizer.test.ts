import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Tokenizer } from '../../../src/caption/vocabulary/pieces.ts';
import { SourceError } from '../../../src/errors.ts';
import { checkWidth, readTokenizer } from '../../../src/import/captioner/read-tokenizer.ts';
import { tokenizerJson } from '../../caption/vocabulary/tokenizers.ts';

test('a tokenizer that is damaged anywhere is refused when its captioner is imported', async () => {
  const file = JSON.parse(tokenizerJson('gpt2'));
  const { decoder: _decoder, ...withoutDecoder } = file;
  const damaged: [string, RegExp][] = [
    ['{', /it is not JSON/],
    [JSON.stringify(withoutDecoder), /it has no decoder/],
    [JSON.stringify({ ...file, model: { ...file.model, merges: 7 } }), /it cannot be used/],
  ];
  for (const [json, message] of damaged) {
    await assert.rejects(readTokenizer('tokenizer.json', json), (error) => {
      assert.ok(error instanceof SourceError, String(error));
      assert.equal(error.code, 'SourceUnsupported');
      assert.match(error.message, /tokenizer\.json/);
      assert.match(error.message, message);
      return true;
    });
  }
  assert.ok((await readTokenizer('tokenizer.json', tokenizerJson('gpt2'))).size > 256);
});

test('a tokenizer with texts that the network cannot say belongs to another one', () => {
  const pieces = ['<s>', 'a', 'b', '', '<mask>'];
  const tokenizer = { size: 5, special: new Set([0, 4]), bytes: (id) => pieces[id]! } as Partial<Tokenizer>;
  const check = (logits: number) => checkWidth('tokenizer.json', tokenizer as Tokenizer, logits);
  for (const logits of [6, 5, 4, 3]) check(logits);
  for (const logits of [2, 1]) {
    assert.throws(() => check(logits), {
      code: 'VocabularyMismatch',
      message: new RegExp(`tokenizer\\.json.*at most ${logits} tokens.*found 5`),
    });
  }
});
