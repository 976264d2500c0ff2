import type { Tokenizer } from '../../caption/vocabulary/pieces.ts';
import { SourceError } from '../../errors.ts';
import { parseTokenizer } from '../../model/tokenizer/parse-tokenizer.ts';
import { TokenizerError } from '../../model/tokenizer/tokenizer-error.ts';

/**
 * The tokenizer of an export, built as a whole: what is damaged shows here and not where a caption is asked for a word.
 * @param json the text of `file`
 * @throws SourceError `SourceUnsupported`
 */
export async function readTokenizer(file: string, json: string): Promise<Tokenizer> {
  try {
    const tokenizer = await parseTokenizer(json);
    tokenizer.encode('a photograph');
    return tokenizer;
  } catch (cause) {
    if (!(cause instanceof TokenizerError)) throw cause;
    const expected = 'a tokenizer of Hugging Face (BPE, WordPiece or Unigram)';
    throw new SourceError('SourceUnsupported', { file, expected, actual: `it ${cause.message}` }, { cause });
  }
}

/**
 * What the network cannot say was made for another one; special tokens beyond its width are harmless.
 * @param logits width of the decoder's softmax
 * @throws SourceError `VocabularyMismatch`
 */
export function checkWidth(file: string, { size, special, bytes }: Tokenizer, logits: number): void {
  for (let id = size - 1; id >= logits; id--) {
    if (special.has(id) || bytes(id) === '') continue;
    throw new SourceError('VocabularyMismatch', {
      file,
      expected: `at most ${logits} tokens, as the decoder has`,
      actual: `${size}`,
      remedy: 'Use the tokenizer that belongs to these weights.',
    });
  }
}
