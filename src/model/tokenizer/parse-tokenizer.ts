/** The tokenizer of a bundle whose ids are pieces of words: `tokenizer.json` as Hugging Face writes it. */
import type { Tokenizer } from '../../caption/vocabulary/pieces.ts';
import { type DecoderJson, isDecoder, pieceBytes, utf8 } from './piece-bytes.ts';
import { TokenizerError } from './tokenizer-error.ts';

/** What `tokenizer_config.json` may say that `tokenizer.json` does not. */
export interface TokenizerConfig {
  clean_up_tokenization_spaces?: boolean;
}

/** As far as it is read here. */
interface TokenizerJson {
  added_tokens: readonly { id: number; content: string; special?: boolean }[];
  model: { type?: string; vocab: Record<string, number> | [string, number][]; [key: string]: unknown };
  decoder: DecoderJson;
}

const MODELS = ['BPE', 'WordPiece', 'Unigram'];

/**
 * @param json the text of `tokenizer.json`
 * @throws TokenizerError in one line
 */
export async function parseTokenizer(json: string, config: TokenizerConfig = {}): Promise<Tokenizer> {
  const file = readJson(json);
  const library = await import('@huggingface/tokenizers');
  const make = (tokenizer: object) => attempt(() => new library.Tokenizer(tokenizer, {}));
  // Building the whole takes twice as long as all else here, and most captions ask for no word: only its parts are tried.
  make({ ...file, added_tokens: [], model: { type: 'BPE', vocab: {}, merges: [] } });
  let whole: InstanceType<typeof library.Tokenizer> | undefined;
  const tokens = tokensOf(file);
  const bytesOf = pieceBytes(file.decoder);
  const special = new Set(file.added_tokens.filter((token) => token.special === true).map(({ id }) => id));
  return {
    size: tokens.length,
    // When it is asked for: for all ids at once it takes as long as reading the file.
    bytes(id, isFirst = false) {
      const token = tokens[id] ?? '';
      return token === '' || special.has(id) ? utf8(token) : bytesOf(token, isFirst);
    },
    special,
    unknownId: unknownIdOf(file, tokens),
    closesUp: config.clean_up_tokenization_spaces === true,
    encode(text) {
      whole ??= make(file);
      const built = whole;
      return attempt(() => built.encode(text, { add_special_tokens: false }).ids);
    },
  };
}

/** The library checks little, and fails in its own ways. */
function attempt<Result>(work: () => Result): Result {
  try {
    return work();
  } catch (cause) {
    throw new TokenizerError(`cannot be used: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
}

function readJson(json: string): TokenizerJson {
  let file: Partial<TokenizerJson> | null;
  try {
    file = JSON.parse(json);
  } catch (cause) {
    throw new TokenizerError('is not JSON', { cause });
  }
  if (typeof file !== 'object' || file === null) throw new TokenizerError('is not an object');
  const { model, decoder, added_tokens: added } = file;
  const type = model && typeof model === 'object' ? (model.type ?? typeOf(model)) : undefined;
  if (model === undefined || type === undefined || !MODELS.includes(type)) {
    throw new TokenizerError(`has a model of type ${type ?? 'none'}; ${MODELS.join(', ')} are known`);
  }
  if (typeof model.vocab !== 'object' || model.vocab === null) throw new TokenizerError('has no vocabulary');
  if (!isDecoder(decoder)) throw new TokenizerError('has no decoder');
  const isAdded = Array.isArray(added) && added.every((one) => isId(one?.id) && isText(one.content));
  if (!isAdded) throw new TokenizerError('has added_tokens that are no list of ids and contents');
  return { ...file, model: { ...model, type }, decoder, added_tokens: added };
}

/** Of files that old versions wrote. */
function typeOf(model: object): string | undefined {
  if ('merges' in model) return 'BPE';
  if ('continuing_subword_prefix' in model) return 'WordPiece';
  return 'unk_id' in model ? 'Unigram' : undefined;
}

function isId(id: unknown): id is number {
  return Number.isInteger(id) && (id as number) >= 0 && (id as number) < 1 << 22;
}

function isText(text: unknown): text is string {
  return typeof text === 'string';
}

/** With holes where no token has an id. */
function tokensOf({ model: { vocab }, added_tokens: added }: TokenizerJson): (string | undefined)[] {
  const tokens: string[] = [];
  const put = (token: unknown, id: unknown) => {
    if (!isText(token) || !isId(id)) throw new TokenizerError('has a vocabulary that is no list of tokens');
    tokens[id] = token;
  };
  if (Array.isArray(vocab)) for (const [id, entry] of vocab.entries()) put(entry?.[0], id);
  else for (const token in vocab) put(token, vocab[token]);
  for (const { content, id } of added) put(content, id);
  if (tokens.length === 0) throw new TokenizerError('has an empty vocabulary');
  return tokens;
}

function unknownIdOf({ model }: TokenizerJson, tokens: readonly (string | undefined)[]): number | null {
  if (isId(model.unk_id)) return model.unk_id;
  const id = isText(model.unk_token) ? tokens.indexOf(model.unk_token) : -1;
  return id < 0 ? null : id;
}
