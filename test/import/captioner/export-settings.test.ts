/** What configurations of transformers ask for, as its documentation and `GenerationConfig` have it. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { readSettings } from '../../../src/import/captioner/export-settings.ts';
import { temporaryDirectory } from '../../support/bundles.ts';

const { make, dispose } = temporaryDirectory();
after(dispose);
let folders = 0;

const PLAIN = {
  model_type: 'vision-encoder-decoder',
  encoder: { model_type: 'vit' },
  decoder: { model_type: 'gpt2' },
  decoder_start_token_id: 5,
  eos_token_id: 6,
};

/** @param generation `null`: there is no file of it */
async function settingsOf(config: object | string, generation: object | string | null = null) {
  const directory = make(`settings-${++folders}`);
  const text = (value: object | string) => (typeof value === 'string' ? value : JSON.stringify(value));
  writeFileSync(join(directory, 'config.json'), text(config));
  if (generation !== null) writeFileSync(join(directory, 'generation_config.json'), text(generation));
  return readSettings(directory);
}

describe('how an export is asked', () => {
  it('is what transformers takes for granted where nothing is said', async () => {
    assert.deepEqual(await settingsOf(PLAIN), {
      kind: 'plain',
      architecture: 'vit + gpt2',
      startIds: [5],
      endId: 6,
      longest: undefined,
      promptEnds: { first: [], last: [6] },
      decoding: { beamWidth: 1, maxLength: 21, minLength: 0, lengthNormalization: 1, bannedWords: [] },
      changed: [],
      search: { earlyStopping: false },
    });
    // Nulls say nothing, in either file.
    const nulls = { num_beams: null, max_length: null, eos_token_id: null, forced_eos_token_id: null };
    assert.deepEqual(await settingsOf({ ...PLAIN, num_beams: null }, nulls), await settingsOf(PLAIN));
  });

  it('stands in the file of generation alone where there is one, ids in either', async () => {
    const config = { ...PLAIN, num_beams: 4, min_length: 3, decoder: { ...PLAIN.decoder, max_length: 30 } };
    const alone = await settingsOf(config);
    assert.deepEqual(
      [alone.decoding.beamWidth, alone.decoding.minLength, alone.decoding.maxLength],
      [4, 2, 30],
    );
    const { decoding, startIds, endId } = await settingsOf(config, { eos_token_id: 9 });
    assert.deepEqual([decoding.beamWidth, decoding.minLength, decoding.maxLength], [1, 0, 21]);
    assert.deepEqual([startIds, endId], [[5], 9]);
    // What is above goes before what is within.
    const own = { ...config, max_length: 40 };
    assert.equal((await settingsOf(own)).decoding.maxLength, 40);
  });

  it('begins with what is said first, and with what is forced', async () => {
    const { decoder_start_token_id: _start, ...without } = PLAIN;
    const bos = await settingsOf({ ...without, bos_token_id: 3 });
    assert.deepEqual([bos.startIds, bos.promptEnds], [[3], { first: [3], last: [6] }]);
    const forced = await settingsOf({
      ...PLAIN,
      bos_token_id: 3,
      forced_bos_token_id: 0,
      forced_eos_token_id: 6,
    });
    assert.deepEqual(forced.startIds, [5, 0]);
    assert.deepEqual(forced.search, { earlyStopping: false, forcesEnd: true });
    const text = { model_type: 'bart', forced_bos_token_id: 2, max_position_embeddings: 100 };
    const prompted = await settingsOf({
      model_type: 'florence2',
      bos_token_id: 1,
      eos_token_id: 6,
      text_config: text,
    });
    assert.deepEqual(
      [prompted.kind, prompted.architecture, prompted.startIds, prompted.longest],
      ['prompted', 'florence2', [1, 2], 100],
    );
  });

  it('is of a length that counts the start, and of words that do not', async () => {
    const lengths = async (generation: object) => {
      const { decoding, changed } = await settingsOf(PLAIN, generation);
      return [decoding.maxLength, decoding.minLength, ...changed];
    };
    assert.deepEqual(await lengths({ max_new_tokens: 10, max_length: 50 }), [11, 0]);
    assert.deepEqual(await lengths({ max_length: 12, min_length: 4 }), [12, 3]);
    assert.deepEqual(await lengths({ max_length: 12, min_length: 30 }), [12, 10]);
    assert.deepEqual(await lengths({ max_length: 1, min_length: 3 }), [1, 0]);
    assert.deepEqual(await lengths({ max_length: 30, min_length: 9, min_new_tokens: 5 }), [30, 5]);
    assert.deepEqual(await lengths({ max_length: 500 }), [128, 0, 'max_length 500 is 128 here']);
  });

  it('is within what searches here do, which is said', async () => {
    const held = async (generation: object) => {
      const { decoding, changed } = await settingsOf(PLAIN, generation);
      return [decoding, changed] as const;
    };
    const [most, none] = await held({ num_beams: 10, length_penalty: 2, no_repeat_ngram_size: 2 });
    assert.deepEqual([most.beamWidth, most.lengthNormalization, most.noRepeatNgram, none], [10, 2, 2, []]);
    const [, changed] = await held({ num_beams: 11, length_penalty: -0.5, no_repeat_ngram_size: 99 });
    assert.deepEqual(
      changed.map((one) => one.split(' ')[0]),
      ['no_repeat_ngram_size', 'num_beams', 'length_penalty'],
    );
    for (const early_stopping of [true, false, 'never'] as const) {
      const { search } = await settingsOf(PLAIN, { early_stopping });
      assert.deepEqual(search, { earlyStopping: early_stopping });
    }
  });

  it('says what is not heeded, unless it changes nothing', async () => {
    const neutral = {
      bad_words_ids: null,
      diversity_penalty: 0,
      do_sample: false,
      encoder_no_repeat_ngram_size: 0,
      num_beam_groups: 1,
      repetition_penalty: 1,
      suppress_tokens: null,
      transformers_version: '4.57.6',
      use_cache: true,
    };
    assert.deepEqual((await settingsOf(PLAIN, neutral)).changed, []);
    const asked = {
      bad_words_ids: [[3]],
      diversity_penalty: 0.5,
      do_sample: true,
      encoder_no_repeat_ngram_size: 2,
      num_beam_groups: 2,
      repetition_penalty: 1.2,
      suppress_tokens: [4],
    };
    assert.deepEqual(
      (await settingsOf(PLAIN, asked)).changed,
      Object.keys(asked).map((key) => `${key} is not heeded here`),
    );
  });

  it('has as many positions as its decoder counts', async () => {
    const longest = async (decoder: object) =>
      (await settingsOf({ ...PLAIN, decoder: { ...PLAIN.decoder, ...decoder } })).longest;
    assert.equal(await longest({ n_positions: 64 }), 64);
    assert.equal(await longest({ model_type: 'bert', max_position_embeddings: 66 }), 66);
    // create_position_ids_from_input_ids: the first position is that behind the padding's id.
    assert.equal(await longest({ model_type: 'roberta', max_position_embeddings: 514 }), 512);
    assert.equal(
      await longest({ model_type: 'roberta', max_position_embeddings: 514, pad_token_id: 0 }),
      513,
    );
    const { decoding, changed } = await settingsOf(
      { ...PLAIN, decoder: { model_type: 'gpt2', n_positions: 15 } },
      { max_length: 16 },
    );
    assert.deepEqual([decoding.maxLength, changed], [15, ['max_length 16 is 15 here']]);
  });
});

describe('an export is refused', () => {
  const { eos_token_id: _end, ...endless } = PLAIN;
  const { decoder_start_token_id: _start, ...startless } = PLAIN;
  const { encoder: _encoder, ...blind } = PLAIN;
  const REFUSED: [what: string, config: object | string, generation: object | string | null, says: object][] =
    [
      [
        'of another kind',
        { model_type: 'blip' },
        null,
        { code: 'SourceUnsupported', message: /found model_type "blip"/ },
      ],
      [
        'without an encoder',
        blind,
        null,
        { code: 'SourceUnsupported', message: /vision-encoder-decoder or florence2/ },
      ],
      [
        'whose encoder has no name',
        { ...PLAIN, encoder: {} },
        null,
        { code: 'SourceDamaged', message: /encoder\.model_type/ },
      ],
      [
        'without an end',
        endless,
        null,
        { code: 'SourceUnsupported', message: /config\.json.*"eos_token_id"/ },
      ],
      [
        'without a start',
        startless,
        null,
        { code: 'SourceUnsupported', message: /"decoder_start_token_id"/ },
      ],
      ['of no JSON', '{', null, { code: 'SourceDamaged', message: /config\.json.*expected JSON/ }],
      [
        'whose ids are words',
        { ...PLAIN, eos_token_id: 'x' },
        null,
        { code: 'SourceDamaged', message: /eos_token_id/ },
      ],
      [
        'with a list of no ends',
        { ...PLAIN, eos_token_id: [] },
        null,
        { code: 'SourceDamaged', message: /eos_token_id/ },
      ],
      [
        'whose generation is no JSON',
        PLAIN,
        '[',
        { code: 'SourceDamaged', message: /generation_config\.json/ },
      ],
      [
        'whose generation has no beams',
        PLAIN,
        { num_beams: 0 },
        { code: 'SourceDamaged', message: /generation_config\.json.*num_beams/ },
      ],
    ];
  for (const [what, config, generation, says] of REFUSED) {
    it(what, () => assert.rejects(settingsOf(config, generation), says));
  }

  it('without a configuration', async () => {
    await assert.rejects(readSettings(make('empty')), { code: 'SourceUnreadable', message: /config\.json/ });
  });
});
