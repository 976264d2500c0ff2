/** English words that name nothing to be seen: how sure the network is of them says nothing about the caption. */
const FUNCTION_WORDS: ReadonlySet<string> = new Set(
  `a an the , . 's n't and or of in on at to by for from with into onto over under through up down off out near next
  behind around along across against beside between during after before above below inside outside toward towards
  while as is are was be being that which who whom his her their its it he she they them him there`.split(
    /\s+/,
  ),
);

/** Whether a word, in any case, names nothing to be seen. */
export function isFunctionWord(word: string): boolean {
  return FUNCTION_WORDS.has(word.toLowerCase());
}
