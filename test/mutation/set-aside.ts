/** Changes that no test can or should notice, each with its reason. */
import type { Mutant } from './mutants.ts';

interface SetAside {
  /** As in the file, white space aside. */
  from: string;
  to: string;
  because: string;
}

/** File to what may be changed in it. */
const SET_ASIDE: Record<string, readonly SetAside[]> = {};

export function reasonFor({ file, from, to }: Mutant): string | null {
  const found = SET_ASIDE[file]?.find(
    (entry) => plain(entry.from) === plain(from) && plain(entry.to) === plain(to),
  );
  return found?.because ?? null;
}

function plain(code: string): string {
  return code.replace(/\s+/g, '');
}
