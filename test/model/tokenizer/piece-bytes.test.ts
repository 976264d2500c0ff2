/** What the decoders of the Python library `tokenizers` 0.22 make of a token behind another one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DecoderJson, pieceBytes } from '../../../src/model/tokenizer/piece-bytes.ts';

function texts(decoder: DecoderJson, tokens: readonly string[], isFirst = false): string[] {
  const bytesOf = pieceBytes(decoder);
  return tokens.map((token) => Buffer.from(bytesOf(token, isFirst), 'latin1').toString());
}

test('word pieces have a blank before them, or go on, and lose blanks before stops', () => {
  const tokens = [
    'dog',
    '##s',
    '.',
    '?',
    '!',
    ',',
    "'",
    "n't",
    "'m",
    'do not',
    "'s",
    "'ve",
    "'re",
    "it's",
    'a .',
    "x ' y",
    '...',
    '~',
  ];
  const cleaned = [
    ' dog',
    's',
    '.',
    '?',
    '!',
    ',',
    " '",
    "n't",
    "'m",
    " don't",
    "'s",
    "'ve",
    "'re",
    " it's",
    ' a.',
    " x'y",
    '...',
    ' ~',
  ];
  assert.deepEqual(texts({ type: 'WordPiece', prefix: '##', cleanup: true }, tokens), cleaned);
  assert.deepEqual(texts({ type: 'WordPiece' }, tokens), cleaned);
  const plain = tokens.map((token) => (token === '##s' ? 's' : ` ${token}`));
  assert.deepEqual(texts({ type: 'WordPiece', cleanup: false }, tokens), plain);
  // Where a text begins a token is as it is.
  const first = ['dog', '##s', '.', 'do not', 'a .'];
  assert.deepEqual(texts({ type: 'WordPiece' }, first, true), ['dog', '##s', '.', 'do not', 'a.']);
  assert.deepEqual(texts({ type: 'WordPiece', prefix: '@@' }, ['@@s', '##s']), ['s', ' ##s']);
});

test('bytes are characters of their own, or numbers', () => {
  assert.deepEqual(texts({ type: 'ByteLevel' }, ['Ġa', 'Ã©', 'ĠĊ', '日', '~!']), [
    ' a',
    'é',
    ' \n',
    '日',
    '~!',
  ]);
  const fallback: DecoderJson = { type: 'Sequence', decoders: [{ type: 'ByteFallback' }, { type: 'Fuse' }] };
  const tokens = ['<0x41>', 'a<0x42>', '<0x43>b', '<0xZZ>', '<0x7a>', '日'];
  assert.deepEqual(texts(fallback, tokens), ['A', 'a<0x42>', '<0x43>b', '<0xZZ>', 'z', '日']);
  assert.equal(pieceBytes(fallback)('<0xE6>', false), '\xe6');
});

test('signs stand for blanks', () => {
  assert.deepEqual(texts({ type: 'Metaspace' }, ['▁a', '▁b▁c', '_']), [' a', ' b c', '_']);
  assert.deepEqual(texts({ type: 'Metaspace', replacement: '_' }, ['_a', '_b▁c']), [' a', ' b▁c']);
  const replace = { type: 'Replace', pattern: { String: '▁' } };
  assert.deepEqual(texts({ ...replace, content: ' ' }, ['▁a', 'b▁▁']), [' a', 'b  ']);
  assert.deepEqual(texts(replace, ['▁a']), ['a']);
  const both = {
    type: 'Sequence',
    decoders: [
      { ...replace, content: '_' },
      { type: 'Metaspace', replacement: '_' },
    ],
  };
  assert.deepEqual(texts(both, ['▁a']), [' a']);
});
