/** Marsaglia's xorshift32: the same numbers on every machine, which fuzz tests need to be repeatable. */
export interface Random {
  /** A whole number from 0 to `below` - 1. */
  below(below: number): number;
}

/** @param seed any whole number but 0 */
export function xorshift(seed: number): Random {
  let state = seed >>> 0;
  return {
    below(below) {
      state ^= state << 13;
      state >>>= 0;
      state ^= state >>> 17;
      state ^= state << 5;
      state >>>= 0;
      return state % below;
    },
  };
}
