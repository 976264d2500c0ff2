/** A `tokenizer.json` that is damaged, or of a kind that is not known here. */
export class TokenizerError extends Error {
  override readonly name = 'TokenizerError';
}
