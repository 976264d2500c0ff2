import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { parseTokenizer } from '../../../src/model/tokenizer/parse-tokenizer.ts';
import { TokenizerError } from '../../../src/model/tokenizer/tokenizer-error.ts';
import { goldenOf, TOKENIZERS, tokenizerJson, vocabularyOf } from '../../caption/vocabulary/tokenizers.ts';

for (const name of TOKENIZERS) {
  describe(`the tokenizer ${name}`, () => {
    test('cuts texts as the Python library does', async () => {
      const { tokenizer } = await vocabularyOf(name);
      for (const { text, ids } of goldenOf(name).encoded) assert.deepEqual(tokenizer.encode(text), ids, text);
    });

    test('makes the same texts of any ids', async () => {
      const { vocabulary } = await vocabularyOf(name);
      for (const { ids, text } of goldenOf(name).decoded) {
        assert.equal(vocabulary.text(ids), text, JSON.stringify(ids));
      }
    });
  });
}

describe('a tokenizer.json is refused', () => {
  const bert = () => JSON.parse(tokenizerJson('bert'));
  const cases: [string, string, RegExp][] = [
    ['that is no JSON', '{"model":', /^is not JSON$/],
    ['that is a list', '[]', /no model|model of type none/],
    ['that is nothing', 'null', /^is not an object$/],
    ['that is a text', '"{}"', /^is not an object$/],
    ['without a model', '{}', /model of type none; BPE, WordPiece, Unigram are known/],
    [
      'of an unknown model',
      JSON.stringify({ ...bert(), model: { type: 'WordLevel', vocab: {} } }),
      /WordLevel/,
    ],
    ['without a vocabulary', JSON.stringify({ ...bert(), model: { type: 'BPE' } }), /no vocabulary/],
    [
      'whose vocabulary is empty',
      JSON.stringify({ ...bert(), added_tokens: [], model: { type: 'BPE', vocab: {}, merges: [] } }),
      /empty/,
    ],
    [
      'whose ids are no numbers',
      JSON.stringify({ ...bert(), model: { type: 'WordPiece', vocab: { a: 'b' } } }),
      /list of tokens/,
    ],
    [
      'whose pieces have no text',
      JSON.stringify({ ...bert(), model: { type: 'Unigram', vocab: [[1, 2]] } }),
      /list of tokens/,
    ],
    [
      'with an id beyond any vocabulary',
      JSON.stringify({ ...bert(), added_tokens: [{ id: 1 << 22, content: 'far' }] }),
      /added_tokens/,
    ],
    [
      'with nothing for a piece',
      JSON.stringify({ ...bert(), model: { type: 'Unigram', vocab: [null] } }),
      /list of tokens/,
    ],
    ['without a decoder', JSON.stringify({ ...bert(), decoder: null }), /no decoder/],
    [
      'with decoders that are no list',
      JSON.stringify({ ...bert(), decoder: { type: 'Sequence', decoders: 3 } }),
      /no decoder/,
    ],
    ['with a decoder of no name', JSON.stringify({ ...bert(), decoder: { type: 7 } }), /no decoder/],
    [
      'with an id below 0',
      JSON.stringify({ ...bert(), added_tokens: [{ id: -1, content: 'x' }] }),
      /added_tokens/,
    ],
    ['of an unknown decoder', JSON.stringify({ ...bert(), decoder: { type: 'CTC' } }), /decoder of type CTC/],
    [
      'with a pattern in its decoder',
      JSON.stringify({ ...bert(), decoder: { type: 'Replace', pattern: { Regex: 'a' }, content: '' } }),
      /Replace/,
    ],
    ['without added tokens', JSON.stringify({ ...bert(), added_tokens: undefined }), /added_tokens/],
    ['of an unknown normalizer', JSON.stringify({ ...bert(), normalizer: { type: 'Rot13' } }), /Rot13/],
    ['that cuts in an unknown way', JSON.stringify({ ...bert(), pre_tokenizer: { type: 'Axe' } }), /Axe/],
  ];
  for (const [what, json, message] of cases) {
    test(what, async () => {
      await assert.rejects(parseTokenizer(json), (error: Error) => {
        assert.ok(error instanceof TokenizerError, String(error));
        assert.match(error.message, message);
        assert.doesNotMatch(error.message, /\n/);
        return true;
      });
    });
  }

  test('by this error and no other, whatever is damaged', async () => {
    let refused = 0;
    const values = fc.constantFrom(null, 7, 'x', [], {}, [null], { type: 'Sequence', decoders: 3 }, [[1]]);
    const place = fc.array(fc.nat(), { minLength: 1, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...TOKENIZERS), place, values, async (name, way, value) => {
        const file = JSON.parse(tokenizerJson(name));
        let at = file;
        for (const [depth, step] of way.entries()) {
          const keys = Object.keys(at);
          const key = keys[step % Math.max(1, keys.length)] ?? 'x';
          if (depth === way.length - 1 || typeof at[key] !== 'object' || at[key] === null) at[key] = value;
          else at = at[key];
          if (at[key] === value) break;
        }
        try {
          const { encode, bytes, size } = await parseTokenizer(JSON.stringify(file));
          for (let id = 0; id < size; id++) bytes(id);
          encode('a man');
        } catch (error) {
          assert.ok(error instanceof TokenizerError, String(error));
          refused++;
        }
      }),
      { numRuns: 300, seed: 31 },
    );
    assert.ok(refused > 100, `only ${refused} refused`);
  });

  test('but not for the name of its model, which old ones do not have', async () => {
    for (const name of TOKENIZERS) {
      const file = JSON.parse(tokenizerJson(name));
      delete file.model.type;
      const { encode } = await parseTokenizer(JSON.stringify(file));
      const { text, ids } = goldenOf(name).encoded[0]!;
      assert.deepEqual(encode(text), ids);
    }
  });

  test('whose merges are damaged, when it is asked for the pieces of a text at last', async () => {
    const gpt2 = JSON.parse(tokenizerJson('gpt2'));
    const { encode } = await parseTokenizer(JSON.stringify({ ...gpt2, model: { ...gpt2.model, merges: 7 } }));
    assert.throws(() => encode('a'), TokenizerError);
  });
});

test('an id that no token has adds nothing, and unknown is what the model says', async () => {
  for (const name of TOKENIZERS) {
    const { bytes, size } = (await vocabularyOf(name)).tokenizer;
    assert.deepEqual([bytes(size), bytes(size + 1, true)], ['', ''], name);
  }
  const { bytes, encode } = (await vocabularyOf('bert')).tokenizer;
  const [man] = encode('man');
  assert.deepEqual([bytes(man!), bytes(man!, true)], [' man', 'man']);
  const unknownIn = async (model: object) => {
    const bert = JSON.parse(tokenizerJson('bert'));
    const file = { ...bert, added_tokens: [], model: { ...bert.model, unk_token: undefined, ...model } };
    return (await parseTokenizer(JSON.stringify(file))).unknownId;
  };
  const vocab = { what: 0, a: 1 };
  assert.equal(await unknownIn({ vocab, unk_token: 'what' }), 0);
  assert.equal(await unknownIn({ vocab }), null);
  assert.equal(await unknownIn({ vocab, unk_token: 'none' }), null);
  const pieces = [
    ['a', 0],
    ['b', -1],
  ];
  assert.equal(await unknownIn({ type: 'Unigram', vocab: pieces, unk_id: 0 }), 0);
});
