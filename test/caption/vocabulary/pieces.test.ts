import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { saysTwice } from '../../../src/caption/confidence/says-twice.ts';
import { GENDERED_WORDS, planCaptions } from '../../../src/caption/plan.ts';
import { pieceVocabulary, type Tokenizer } from '../../../src/caption/vocabulary/pieces.ts';
import {
  type PlannedWords,
  sumsOfWords,
  type Vocabulary,
} from '../../../src/caption/vocabulary/vocabulary.ts';
import { InvalidRequest } from '../../../src/errors.ts';
import { TOKENIZERS, type TokenizerName, vocabularyOf } from './tokenizers.ts';

/** A caption's ids from its text, as the tokenizer cuts it. */
async function saidIn(name: TokenizerName, text: string) {
  const { tokenizer, vocabulary } = await vocabularyOf(name);
  const ids = [...vocabulary.startIds, ...tokenizer.encode(text), vocabulary.endId];
  return { ids, vocabulary, tokenizer };
}

const wordsIn = (vocabulary: Vocabulary, ids: readonly number[]) =>
  vocabulary.words(ids).map(({ word }) => word);

describe('the words of a caption', () => {
  const sentence = "a woman's teddy bear, large and brown.";
  const words: Record<TokenizerName, string> = {
    gpt2: "a woman 's teddy bear , large and brown .",
    roberta: "a woman 's teddy bear , large and brown .",
    bert: "a woman ' s teddy bear , large and brown .",
    t5: "a woman's teddy bear , large and brown .",
    llama: "a woman ' s teddy bear , large and brown .",
  };
  for (const name of TOKENIZERS) {
    test(`are whole, with stops on their own: ${name}`, async () => {
      const { ids, vocabulary } = await saidIn(name, sentence);
      assert.equal(wordsIn(vocabulary, ids).join(' '), words[name]);
    });

    test(`have all ids between start and end: ${name}`, async () => {
      const { ids, vocabulary, tokenizer } = await saidIn(name, 'a man riding a motorcycle near mansions');
      const special = [...tokenizer.special].find((id) => id !== vocabulary.endId);
      const strewn = ids.flatMap((id, i) => (i > 0 && special !== undefined ? [special, id] : [id]));
      for (const said of special === undefined ? [ids] : [ids, strewn]) {
        const sum = vocabulary.words(said).reduce((n, word) => n + word.ids, 0);
        assert.equal(sum, said.length - vocabulary.startIds.length - 1);
        assert.equal(wordsIn(vocabulary, said).join(' '), 'a man riding a motorcycle near mansions');
      }
      // Cut off, and from where no start is.
      assert.equal(wordsIn(vocabulary, ids.slice(0, -1)).at(-1), 'mansions');
      assert.deepEqual(vocabulary.words(ids.slice(vocabulary.startIds.length, -1)), vocabulary.words(ids));
      assert.deepEqual(vocabulary.words([...vocabulary.startIds, vocabulary.endId]), []);
      assert.equal(vocabulary.text([...vocabulary.startIds, vocabulary.endId]), '');
    });
  }

  test('have letters whole that are spread over pieces', async () => {
    const { ids, vocabulary } = await saidIn('gpt2', 'a sign says 日本 at the café');
    assert.equal(wordsIn(vocabulary, ids).join(' '), 'a sign says 日本 at the café');
    assert.ok(vocabulary.words(ids).find(({ word }) => word === '日本')!.ids > 2);
  });

  test('have blanks in them that nothing comes behind', async () => {
    const { ids, vocabulary, tokenizer } = await saidIn('gpt2', 'a man');
    const [blank] = tokenizer.encode(' ');
    const said = [blank!, ...ids.slice(1, -1), blank!, blank!];
    assert.deepEqual(vocabulary.words([0, ...said, 0]), [
      { word: 'a', ids: 2 },
      { word: 'man', ids: said.length - 2 },
    ]);
    assert.deepEqual(vocabulary.words([0, blank!, 0]), []);
  });

  test('repeat each other in capital letters too', async () => {
    const { ids, vocabulary } = await saidIn('gpt2', 'A hat and a Hat');
    assert.ok(saysTwice(wordsIn(vocabulary, ids)));
  });
});

test('a word has the sum of the numbers of its pieces', () => {
  const words = [
    { word: 'man', ids: 1 },
    { word: 'liness', ids: 3 },
    { word: '.', ids: 2 },
  ];
  assert.deepEqual(sumsOfWords(words, [-1, -2, -4, -8, -16, -32]), [-1, -14, -48]);
});

describe('a piece in a trace', () => {
  test('says whether it goes on with a word', async () => {
    const { ids, vocabulary, tokenizer } = await saidIn('gpt2', "man's manliness .");
    assert.deepEqual(vocabulary.piece(ids[0]!, 0), { word: '<S>' });
    assert.deepEqual(vocabulary.piece(ids.at(-1)!, 9), { word: '</S>' });
    const told = ids.slice(1, -1).map((id, i) => vocabulary.piece(id, i + 1));
    const text = told.map(({ word, continues }) => (continues ? word : ` ${word}`)).join('');
    assert.equal(text, " man 's manliness .");
    assert.ok(!told[0]!.continues && told.some(({ continues }) => continues));
    // The same piece at the start of a caption and later.
    const [man] = tokenizer.encode('man');
    assert.deepEqual(
      [vocabulary.piece(man!, 1).continues, vocabulary.piece(man!, 2).continues],
      [undefined, true],
    );
  });

  test('is never empty', async () => {
    for (const name of TOKENIZERS) {
      const { vocabulary } = await vocabularyOf(name);
      for (let id = 0; id < vocabulary.size + 3; id++)
        assert.notEqual(vocabulary.piece(id, 3).word, '', name);
    }
  });
});

/** What becomes of the pieces of a text. */
function follow(vocabulary: Vocabulary, planned: PlannedWords, ids: readonly number[]) {
  const { constraint, bannedIds } = vocabulary.constraint(planned);
  let state: number | null = constraint.start;
  for (const id of ids) state = state === null || bannedIds.has(id) ? null : constraint.next(state, id);
  return state === null ? 'refused' : constraint.accepts(state) ? 'accepted' : 'not yet';
}

for (const name of TOKENIZERS) {
  describe(`plans for ${name}`, async () => {
    const { tokenizer, vocabulary } = await vocabularyOf(name);
    const cut = (text: string) => tokenizer.encode(text);
    const plan = (asked: Parameters<typeof planCaptions>[0]) =>
      planCaptions(asked, { defaults: {}, vocabulary, calibrated: false, explains: false }).words;

    test('ban a word in any spelling, and none that it is a part of', () => {
      const planned = plan({ bannedWords: ['man'] });
      for (const text of ['man', 'a man', 'a man.', "the man's hat", 'Man', 'A MAN', 'a man and a cat']) {
        if (cut(text).some((id) => tokenizer.special.has(id))) continue;
        assert.notEqual(follow(vocabulary, planned, cut(text)), 'accepted', text);
        // However it is spelt: each letter for itself.
        const letters = [...text].map((letter, i) =>
          cut(i === 0 ? letter : `x${letter}`).slice(i === 0 ? 0 : 1),
        );
        if (name === 'gpt2' || name === 'roberta') {
          assert.notEqual(follow(vocabulary, planned, letters.flat()), 'accepted', text);
        }
      }
      for (const text of ['a manual', 'a woman', 'two mansions', 'manned', 'a human']) {
        assert.equal(follow(vocabulary, planned, cut(text)), 'accepted', text);
      }
    });

    test('take letters for what they are that are spread over pieces', () => {
      if (cut('日本').some((id) => tokenizer.special.has(id))) return;
      assert.equal(follow(vocabulary, plan({ bannedWords: ['日本'] }), cut('a 日本 sign')), 'refused');
      assert.equal(follow(vocabulary, plan({ bannedWords: ['日'] }), cut('a 日本 sign')), 'accepted');
      assert.equal(follow(vocabulary, plan({ requiredWords: ['日本'] }), cut('a 日本 sign')), 'accepted');
    });

    test('ban words that name a gender', () => {
      const planned = plan({ genderNeutral: true });
      for (const word of GENDERED_WORDS) {
        const ids = cut(`a ${word} .`);
        if (ids.some((id) => tokenizer.special.has(id))) continue;
        assert.notEqual(follow(vocabulary, planned, ids), 'accepted', word);
      }
      assert.equal(follow(vocabulary, planned, cut('a person and two children')), 'accepted');
    });

    test('ask for phrases of whole words', () => {
      const planned = plan({ requiredWords: ['teddy bear', 'cat'] });
      for (const text of ['a teddy bear and a cat', 'cat with a teddy bear.', 'teddy bear, cat']) {
        assert.equal(follow(vocabulary, planned, cut(text)), 'accepted', text);
      }
      for (const text of ['a teddy and a bear cat', 'a teddy bear and a category', 'a teddy bear', 'a cat']) {
        assert.equal(follow(vocabulary, planned, cut(text)), 'not yet', text);
      }
    });

    test('lead to a phrase piece by piece', () => {
      const { constraint } = vocabulary.constraint(plan({ requiredWords: ['teddy bear'] }));
      const ids = cut(' teddy bear');
      let state = constraint.start;
      for (const id of ids) {
        assert.ok(constraint.wanted(state).includes(id));
        state = constraint.next(state, id)!;
      }
      assert.ok(constraint.accepts(state));
      const after = constraint.next(state, cut(' with')[0]!)!;
      assert.deepEqual(constraint.wanted(after), []);
      assert.ok(constraint.accepts(after));
    });

    test('ask for a prefix that ends with a word', () => {
      const planned = plan({ prefix: 'a young man' });
      for (const text of ['a young man riding a horse', 'a young man', 'a young man.']) {
        assert.equal(follow(vocabulary, planned, cut(text)), 'accepted', text);
      }
      assert.equal(follow(vocabulary, planned, cut('a young')), 'not yet');
      assert.equal(
        follow(vocabulary, planned, [...cut('a young man'), ...cut('amanual').slice(1)]),
        'refused',
      );
      assert.equal(follow(vocabulary, planned, cut('the young man')), 'refused');
    });

    test('cross to other threads', () => {
      const planned = plan({ bannedWords: ['man', '<UNK>'], requiredWords: ['a cat'], prefix: 'two' });
      assert.deepEqual(structuredClone(planned), planned);
      assert.deepEqual(JSON.parse(JSON.stringify(planned)), planned);
    });

    test('ask for nothing where nobody did', () => {
      const planned = plan({});
      assert.deepEqual(planned, { never: [], wishes: { banned: [], prefixes: [], required: [] } });
      assert.equal(vocabulary.constraint(planned).constraint.wanted(0).length, 0);
    });

    test('are refused where a word is to be said and not to be said', () => {
      const contradictions = [
        { prefix: 'a man', bannedWords: ['Man'] },
        { requiredWords: ["a man's hat"], genderNeutral: true },
        { requiredWords: ['the teddy bear'], bannedWords: ['teddy bear'] },
      ];
      for (const asked of contradictions) {
        assert.throws(() => plan(asked), {
          code: 'InvalidRequest',
          message: /^".*" is both required and banned$/,
        });
      }
      assert.ok(plan({ prefix: 'a manual', bannedWords: ['man'] }));
    });

    test('never name start or end', () => {
      for (const id of [...vocabulary.startIds, vocabulary.endId]) {
        const marker = Buffer.from(tokenizer.bytes(id), 'latin1').toString();
        assert.throws(
          () => plan({ prefix: `a ${marker}` }),
          (error) => error instanceof InvalidRequest && error.problems[0]!.field === 'prefix',
        );
        assert.ok(!vocabulary.constraint(plan({ bannedWords: [marker] })).bannedIds.has(vocabulary.endId));
      }
    });
  });
}

test('a word that a tokenizer cannot spell is refused by the option that has it', async () => {
  const { vocabulary } = await vocabularyOf('bert');
  const model = { defaults: {}, vocabulary, calibrated: false, explains: false };
  for (const [asked, field] of [
    [{ prefix: ' a 日本 sign' }, 'prefix'],
    [{ requiredWords: ['a cat', 'the 日本'] }, 'requiredWords'],
  ] as const) {
    assert.throws(
      () => planCaptions({ ...asked, requiredWords: [...(asked.requiredWords ?? [])] }, model),
      (error) => {
        assert.ok(error instanceof InvalidRequest);
        const message = 'the model does not know the word "日本" and cannot say it';
        assert.deepEqual(error.problems, [{ field, message }]);
        return true;
      },
    );
  }
});

test('a phrase of very many pieces is refused', async () => {
  const { vocabulary } = await vocabularyOf('gpt2');
  const phrase = 'x y'.padEnd(40, 'qz');
  assert.throws(
    () =>
      planCaptions(
        { requiredWords: [phrase] },
        { defaults: {}, vocabulary, calibrated: false, explains: false },
      ),
    (error) => error instanceof InvalidRequest && /more than 24 pieces/.test(error.message),
  );
});

test('the unknown piece and other special ones can be banned by name', async () => {
  const { tokenizer, vocabulary } = await vocabularyOf('bert');
  const banned = (word: string) => {
    const { words } = planCaptions(
      { bannedWords: [word] },
      { defaults: {}, vocabulary, calibrated: false, explains: false },
    );
    return [...vocabulary.constraint(words).bannedIds];
  };
  assert.deepEqual(banned('<UNK>'), [tokenizer.unknownId]);
  assert.deepEqual(banned('[UNK]'), [tokenizer.unknownId]);
  assert.deepEqual(banned('[PAD]'), [0]);
  assert.deepEqual(banned('[SEP]'), [], 'the end of every caption');
  assert.deepEqual(banned('dog'), []);
});

test('plans of one kind of vocabulary are not taken for another', async () => {
  const { vocabulary } = await vocabularyOf('gpt2');
  const planned = { banned: [], prefix: [], required: [] };
  assert.throws(() => vocabulary.constraint(planned), { name: 'TypeError', message: /of whole words/ });
});

describe('a tokenizer whose pieces are letters', () => {
  const LETTERS = [..."\0|abcdefghijklmnopqrstuvwxyz .,!?'"];
  const END = 1;
  const encode = (text: string) => [...text].map((letter) => LETTERS.indexOf(letter));
  /** The end is not among the special ids. */
  const letters: Tokenizer = {
    size: LETTERS.length,
    bytes: (id) => LETTERS[id] ?? '',
    special: new Set([0]),
    unknownId: -1,
    closesUp: false,
    encode,
  };
  const made = (changes: Partial<Tokenizer> = {}) =>
    pieceVocabulary({ ...letters, ...changes }, { startIds: [0], endId: END, logits: LETTERS.length });
  const wanted = { banned: [], prefix: '', required: [] };

  test('has an end that is no text, whoever says so', () => {
    const { text, words, constraint, plan } = made();
    assert.equal(text([0, ...encode('a man'), END]), 'a man');
    assert.equal(text([0, ...encode('a'), END, ...encode(' man')]), 'a man');
    assert.deepEqual(words([0, ...encode('a'), END, ...encode('s it'), END]), [
      { word: 'as', ids: 3 },
      { word: 'it', ids: 3 },
    ]);
    assert.deepEqual(words([0, ...encode('as it is '), END]), [
      { word: 'as', ids: 2 },
      { word: 'it', ids: 3 },
      { word: 'is', ids: 4 },
    ]);
    assert.equal(follow(made(), plan({ ...wanted, required: ['man'] }), encode('man')), 'accepted');
    assert.throws(() => plan({ ...wanted, prefix: 'a | b' }), InvalidRequest);
    const { constraint: said } = constraint(plan({ ...wanted, banned: ['as'] }));
    const state = [...encode('a'), END, ...encode('s')].reduce((at, id) => said.next(at, id)!, said.start);
    assert.ok(!said.accepts(state));
  });

  test('has a start where all of its ids are, and nowhere else', () => {
    const startIds = [0, ...encode('a')];
    const { text } = pieceVocabulary(letters, { startIds, endId: END, logits: LETTERS.length });
    assert.equal(text([...startIds, ...encode('man'), END]), 'man');
    assert.equal(text([...encode('man'), END]), 'man');
  });

  test('tells the tokenizer which piece is the first of a text', () => {
    const bytes = (id: number, isFirst?: boolean) => (isFirst ? 'A' : LETTERS[id]!);
    assert.equal(made({ bytes }).text([0, 0, ...encode('man man'), END]), 'Aan man');
  });

  test('loses the blanks before stops where it is asked to', () => {
    // As clean_up_tokenization of transformers 4.57 replaces.
    const said = [0, ...encode(" it 's a man , he is n't . i 'm ? we 've ! you 're a ' b . . a n 't"), END];
    const closed = "it's a man, he isn't. i'm? we've! you're a'b.. a n 't";
    assert.equal(made({ closesUp: true }).text(said), closed);
    assert.equal(made().text([0, ...encode('a man .'), END]), 'a man .');
  });

  test('names what is no text, and a blank', () => {
    const { piece } = made();
    assert.deepEqual(piece(0, 2), { word: '\0' });
    assert.deepEqual(piece(999, 2), { word: '<UNK>' });
    assert.deepEqual(piece(encode(' ')[0]!, 2), { word: '␣' });
    assert.deepEqual(piece(encode('m')[0]!, 2), { word: 'm', continues: true });
  });

  test('spells phrases of up to 24 pieces, the blank before them counted', () => {
    const planned = made().plan({ ...wanted, required: ['m'.repeat(23)] });
    assert.ok('wishes' in planned);
    assert.equal(planned.wishes.required[0]!.within.length, 24);
    for (const required of [['m'.repeat(24)], ['man', `a ${'m'.repeat(30)}`]]) {
      assert.throws(
        () => made().plan({ ...wanted, required }),
        (error) => {
          assert.ok(error instanceof InvalidRequest);
          const message = `"${required.at(-1)}" has more than 24 pieces as the model writes it`;
          assert.deepEqual(error.problems, [{ field: 'requiredWords', message }]);
          return true;
        },
      );
    }
  });

  test('bans nothing by a text without words, and says which word it cannot spell', () => {
    const planned = made().plan({ ...wanted, banned: [' ', '\t'], prefix: 'a man' });
    assert.ok('wishes' in planned);
    assert.deepEqual(planned.wishes.banned, []);
    // A phrase of which a part is said is no contradiction.
    assert.ok(made().plan({ ...wanted, banned: ['a cat', 'old man'], prefix: 'a man' }));
    assert.throws(
      () => made().plan({ ...wanted, banned: ['old man'], prefix: 'an old man' }),
      InvalidRequest,
    );
    assert.throws(
      () => made().plan({ ...wanted, prefix: ' a 7 man' }),
      (error) => error instanceof InvalidRequest && /the word "7"/.test(error.problems[0]!.message),
    );
  });
});
