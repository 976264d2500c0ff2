/** `config.json` and `generation_config.json` of transformers: what kind of network an export is, and how it is asked. */
import { join } from 'node:path';
import * as z from 'zod';
import {
  MAX_BEAM_WIDTH,
  MAX_CAPTION_LENGTH,
  MAX_LENGTH_NORMALIZATION,
  MAX_NGRAM,
} from '../../caption/options.ts';
import { describeProblems, problemsIn, SourceError } from '../../errors.ts';
import type { CaptionerManifest } from '../../model/manifest.ts';
import { readJson } from './export-files.ts';

export interface ExportSettings {
  /** 'prompted': asks its encoder a question beside the image. */
  kind: 'plain' | 'prompted';
  /** Of encoder and decoder. */
  architecture: string;
  startIds: number[];
  endId: number;
  /** Longest caption that the decoder has positions for; `undefined` where its configuration does not say. */
  longest: number | undefined;
  /** Around a prompt. */
  promptEnds: { first: number[]; last: number[] };
  decoding: CaptionerManifest['decoding'];
  /** What generation was told that is less or more here, a sentence each. */
  changed: string[];
  search: CaptionerManifest['search'];
}

const id = z.int().nonnegative().nullish();
const ids = z.union([z.int().nonnegative(), z.array(z.int().nonnegative()).min(1)]).nullish();

/** Settings of generation stand in either file; nulls mean nothing. */
const generation = {
  decoder_start_token_id: id,
  bos_token_id: id,
  eos_token_id: ids,
  forced_bos_token_id: id,
  forced_eos_token_id: ids,
  num_beams: z.int().positive().nullish(),
  max_length: z.int().positive().nullish(),
  max_new_tokens: z.int().positive().nullish(),
  min_length: z.int().nonnegative().nullish(),
  min_new_tokens: z.int().nonnegative().nullish(),
  length_penalty: z.number().nullish(),
  no_repeat_ngram_size: z.int().nonnegative().nullish(),
  early_stopping: z.union([z.boolean(), z.literal('never')]).nullish(),
};
const generationSchema = z.object(generation);
type Generation = z.output<typeof generationSchema>;

/** What decoders say of themselves. */
const decoderSchema = z.looseObject({
  ...generation,
  model_type: z.string().optional(),
  max_position_embeddings: z.int().positive().nullish(),
  n_positions: z.int().positive().nullish(),
  pad_token_id: id,
});
const configSchema = z.looseObject({
  ...generation,
  model_type: z.string(),
  encoder: z.looseObject({ model_type: z.string() }).optional(),
  decoder: decoderSchema.required({ model_type: true }).optional(),
  text_config: decoderSchema.optional(),
});
type Config = z.output<typeof configSchema>;

const KINDS: Record<string, ExportSettings['kind']> = {
  'vision-encoder-decoder': 'plain',
  florence2: 'prompted',
};

/** @throws SourceError */
export async function readSettings(directory: string): Promise<ExportSettings> {
  const file = join(directory, 'config.json');
  const config = checked(file, configSchema, await readJson(file));
  const kind = KINDS[config.model_type];
  if (kind === undefined || (kind === 'plain' && !(config.encoder && config.decoder))) {
    throw new SourceError('SourceUnsupported', {
      file,
      expected: `an image captioner (model_type ${Object.keys(KINDS).join(' or ')})`,
      actual: `model_type ${JSON.stringify(config.model_type)}`,
    });
  }
  const beside = join(directory, 'generation_config.json');
  const given = await readJson(beside).catch((error: unknown) => {
    if (error instanceof SourceError && error.code === 'SourceUnreadable') return null;
    throw error;
  });
  const generation = given === null ? null : checked(beside, generationSchema, given);
  const settings = settingsOf(file, kind, config, generation);
  const said = given === null ? [config, config.decoder, config.text_config] : [given];
  return { ...settings, changed: [...settings.changed, ...unheard(said)] };
}

function settingsOf(
  file: string,
  kind: ExportSettings['kind'],
  config: Config,
  generation: Generation | null,
): ExportSettings {
  const configs: Generation[] = [config, config.decoder ?? {}, config.text_config ?? {}];
  const said = merged(generation === null ? configs : [generation]);
  const tokens = merged([generation ?? {}, ...configs]);
  const start = tokens.decoder_start_token_id ?? tokens.bos_token_id;
  const [end, ...otherEnds] = [tokens.eos_token_id ?? []].flat();
  if (start === undefined || end === undefined) {
    const expected = start === undefined ? '"decoder_start_token_id"' : '"eos_token_id"';
    throw new SourceError('SourceUnsupported', { file, expected, actual: 'none' });
  }
  const longest = positionsOf(config.decoder ?? config.text_config ?? {});
  const listed = (id: number | undefined) => (id === undefined ? [] : [id]);
  const { decoding, changed } = decodingOf(said, longest);
  return {
    kind,
    architecture:
      kind === 'plain' ? `${config.encoder!.model_type} + ${config.decoder!.model_type}` : config.model_type,
    startIds: [start, ...listed(tokens.forced_bos_token_id)],
    endId: end,
    longest,
    promptEnds: { first: listed(tokens.bos_token_id), last: [end] },
    decoding,
    changed: [...changed, ...otherEnds.map((id) => `eos_token_id ${id} ends no caption here, ${end} does`)],
    search: {
      earlyStopping: said.early_stopping ?? DEFAULTS.early_stopping,
      ...(tokens.forced_eos_token_id !== undefined && { forcesEnd: true }),
    },
  };
}

/** Their positions are counted from behind the padding's id on, with which the first ones are filled. */
const LIKE_ROBERTA = ['roberta', 'camembert', 'xlm-roberta', 'data2vec-text'];

function positionsOf(decoder: z.output<typeof decoderSchema>): number | undefined {
  const all = decoder.n_positions ?? decoder.max_position_embeddings ?? undefined;
  if (all === undefined || !LIKE_ROBERTA.includes(decoder.model_type ?? '')) return all;
  return all - 1 - (decoder.pad_token_id ?? 1);
}

/** What generation may be told and no search here does, with what says no, as null and empty lists do. */
const UNHEARD: Record<string, unknown> = {
  bad_words_ids: null,
  begin_suppress_tokens: null,
  constraints: null,
  diversity_penalty: 0,
  do_sample: false,
  encoder_no_repeat_ngram_size: 0,
  encoder_repetition_penalty: 1,
  exponential_decay_length_penalty: null,
  force_words_ids: null,
  guidance_scale: 1,
  num_beam_groups: 1,
  penalty_alpha: 0,
  renormalize_logits: false,
  repetition_penalty: 1,
  sequence_bias: null,
  suppress_tokens: null,
};

function unheard(said: readonly unknown[]): string[] {
  const entries = said.flatMap((generation) => Object.entries(generation ?? {}));
  const saysNo = (value: unknown, no: unknown) =>
    value == null || value === no || (Array.isArray(value) && value.length === 0);
  const keys = entries.flatMap(([key, value]) =>
    Object.hasOwn(UNHEARD, key) && !saysNo(value, UNHEARD[key]) ? [key] : [],
  );
  return [...new Set(keys)].map((key) => `${key} is not heeded here`);
}

type Said = { [K in keyof Generation]?: NonNullable<Generation[K]> };

/** Files of older versions have all of them; whoever has one says nothing by it. */
const DEFAULTS = {
  num_beams: 1,
  max_length: 20,
  min_length: 0,
  length_penalty: 1,
  no_repeat_ngram_size: 0,
  early_stopping: false,
} as const satisfies Said;

/** What the first of them says that says anything. */
function merged(sources: readonly Generation[]): Said {
  const entries = sources.toReversed().flatMap((source) => Object.entries(source));
  return Object.fromEntries(
    entries.filter(([key, value]) => value != null && value !== (DEFAULTS as Said)[key as keyof Said]),
  );
}

function decodingOf(said: Said, longest = MAX_CAPTION_LENGTH): Pick<ExportSettings, 'decoding' | 'changed'> {
  const changed: string[] = [];
  const within = (name: keyof Said, value: number, least: number, most: number) => {
    const held = Math.min(Math.max(value, least), most);
    if (held !== value) changed.push(`${name} ${value} is ${held} here`);
    return held;
  };

  const { num_beams, min_length, length_penalty, no_repeat_ngram_size } = { ...DEFAULTS, ...said };
  // A length that is asked for counts the start, that which is taken otherwise does not.
  const length = said.max_length ?? DEFAULTS.max_length + 1;
  const longestWanted = said.max_new_tokens === undefined ? length : said.max_new_tokens + 1;
  const least = said.min_new_tokens ?? Math.max(0, min_length - 1);
  const maxLength = within('max_length', longestWanted, 1, Math.min(longest, MAX_CAPTION_LENGTH));
  const ngram = within('no_repeat_ngram_size', no_repeat_ngram_size, 0, MAX_NGRAM);
  const decoding = {
    beamWidth: within('num_beams', num_beams, 1, MAX_BEAM_WIDTH),
    maxLength,
    minLength: Math.min(least, Math.max(0, maxLength - 2)),
    lengthNormalization: within('length_penalty', length_penalty, 0, MAX_LENGTH_NORMALIZATION),
    bannedWords: [],
    ...(ngram > 0 ? { noRepeatNgram: ngram } : {}),
  };
  return { decoding, changed };
}

function checked<T>(file: string, schema: z.ZodType<T>, json: unknown): T {
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new SourceError('SourceDamaged', {
    file,
    expected: 'the configuration of a model of transformers',
    actual: describeProblems(problemsIn(parsed.error)),
  });
}
