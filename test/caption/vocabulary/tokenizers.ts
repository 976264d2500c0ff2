/** Small tokenizers of each kind, with what the Python library says of them: `test/fixtures/tokenizers/make.py`. */
import { readFileSync } from 'node:fs';
import { pieceVocabulary, type Tokenizer } from '../../../src/caption/vocabulary/pieces.ts';
import type { Vocabulary } from '../../../src/caption/vocabulary/vocabulary.ts';
import { parseTokenizer, type TokenizerConfig } from '../../../src/model/tokenizer/parse-tokenizer.ts';

/** Byte-level BPE twice, WordPiece, Unigram, BPE that falls back to bytes; where captions start and end. */
const ENDS = {
  gpt2: { startIds: [0], endId: 0 },
  roberta: { startIds: [0], endId: 2 },
  bert: { startIds: [2], endId: 3 },
  t5: { startIds: [0], endId: 1 },
  llama: { startIds: [1], endId: 2 },
};
export type TokenizerName = keyof typeof ENDS;
export const TOKENIZERS = Object.keys(ENDS) as TokenizerName[];

export interface Golden {
  config: TokenizerConfig;
  size: number;
  encoded: { text: string; ids: number[] }[];
  decoded: { ids: number[]; text: string }[];
}

export function tokenizerJson(name: TokenizerName): string {
  return read(`${name}.json`);
}

export function goldenOf(name: TokenizerName): Golden {
  return JSON.parse(read(`${name}.golden.json`));
}

export async function vocabularyOf(
  name: TokenizerName,
): Promise<{ tokenizer: Tokenizer; vocabulary: Vocabulary }> {
  const { config, size } = goldenOf(name);
  const tokenizer = await parseTokenizer(tokenizerJson(name), config);
  return { tokenizer, vocabulary: pieceVocabulary(tokenizer, { ...ENDS[name], logits: size }) };
}

function read(file: string): string {
  return readFileSync(new URL(`../../fixtures/tokenizers/${file}`, import.meta.url), 'utf8');
}
