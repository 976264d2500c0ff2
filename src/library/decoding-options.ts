/**
 * How captions are searched for; what is left out is as the model was tuned. A word is a word of the model's list, in
 * small letters; a number out of its bounds is refused, `InvalidRequest`.
 */
export interface DecodingOptions {
  /** Hypotheses that the search keeps alive, 1 to 10. @default the model's, mostly 3 */
  beamWidth?: number | undefined;
  /** Longest caption in words, its beginning and its end counted as one each; 1 to 60. @default the model's */
  maxLength?: number | undefined;
  /** Shortest caption in words, beginning and end not counted; at most `maxLength - 2`. @default the model's */
  minLength?: number | undefined;
  /** Captions are ranked by log-probability / length^this, 0 to 5; 0 ranks by probability. @default the model's */
  lengthNormalization?: number | undefined;
  /** Words that no caption may contain, at most 200, beside those that the model bans itself. @default none */
  bannedWords?: string[] | undefined;
  /** Words, or phrases with spaces between their words, that every caption must contain. @default none */
  requiredWords?: string[] | undefined;
  /** Words that every caption begins with, separated by spaces. @default none */
  prefix?: string | undefined;
  /** True keeps to words that do not name a gender: `person`, not `man`. @default false */
  genderNeutral?: boolean | undefined;
  /** True puts captions that say a thing twice ("a hat and a hat") behind all others found. @default the model's */
  avoidRepeats?: boolean | undefined;
  /** No run of so many words, or pieces of words, comes twice in a caption; 0 allows all. @default the model's */
  noRepeatNgram?: number | undefined;
  /** A result whose confidence is below this, 0 to 1, needs a person: `needsReview`. @default the model's */
  minConfidence?: number | undefined;
  /** Captions in the result, at most `beamWidth`. @default as many as were found */
  count?: number | undefined;
}
