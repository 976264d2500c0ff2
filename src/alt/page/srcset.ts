/** HTML standard, section 4.8.4.2.1: an address, and how wide or dense the image at it is. */
export interface Candidate {
  url: string;
  /** `800w`, `2x`; an address alone means `1x`. */
  unit: 'w' | 'x';
  amount: number;
}

const SPACE = /[\t\n\f\r ]/;
const SPACES = /[\t\n\f\r ]*/y;
const SPACES_AND_COMMAS = /[\t\n\f\r ,]*/y;
/** Above 0. */
const WIDTH = /^0*[1-9]\d*$/;
/** HTML standard, section 2.3.4.3, and not below 0. */
const DENSITY = /^(?:\d+(?:\.\d+)?|\.\d+)(?:e[+-]?\d+)?$/i;
const ADDRESS = /[^\t\n\f\r ]*/y;

/**
 * The candidates of a `srcset`, those with wrong descriptors left out: "parse a srcset attribute" of the standard, which
 * looks at each character once.
 */
export function parseSrcset(srcset: string): Candidate[] {
  const candidates: Candidate[] = [];
  let at = 0;
  const take = (pattern: RegExp): string => {
    pattern.lastIndex = at;
    const [taken] = pattern.exec(srcset)!;
    at += taken.length;
    return taken;
  };
  for (take(SPACES_AND_COMMAS); at < srcset.length; take(SPACES_AND_COMMAS)) {
    const address = take(ADDRESS);
    const url = withoutCommas(address);
    let descriptors: string[] = [];
    if (url === address) {
      take(SPACES);
      const end = descriptorsEnd(srcset, at);
      descriptors = splitOutsideParentheses(srcset.slice(at, end));
      at = end;
    }
    const size = sizeOf(descriptors);
    if (size !== null) candidates.push({ url, ...size });
  }
  return candidates;
}

function withoutCommas(address: string): string {
  let end = address.length;
  while (address[end - 1] === ',') end--;
  return address.slice(0, end);
}

/** Of the comma that no parentheses are around. */
function descriptorsEnd(srcset: string, from: number): number {
  let within = false;
  for (let at = from; at < srcset.length; at++) {
    const character = srcset[at];
    if (character === ',' && !within) return at;
    if (character === '(') within = true;
    if (character === ')') within = false;
  }
  return srcset.length;
}

function splitOutsideParentheses(text: string): string[] {
  const tokens: string[] = [];
  let start = 0;
  let within = false;
  for (let at = 0; at <= text.length; at++) {
    const character = text[at];
    if (character === undefined || (!within && SPACE.test(character))) {
      if (at > start) tokens.push(text.slice(start, at));
      start = at + 1;
    }
    if (character === '(') within = true;
    if (character === ')') within = false;
  }
  return tokens;
}

/** `null` where the standard drops the candidate. */
function sizeOf(descriptors: readonly string[]): Pick<Candidate, 'unit' | 'amount'> | null {
  // A height comes beside a width and says nothing more.
  const sizes = descriptors.filter((token) => !/^\d+h$/.test(token));
  const [size = '1x', ...more] = sizes;
  if (more.length > 0) return null;
  const number = size.slice(0, -1);
  if (size.endsWith('w')) return WIDTH.test(number) ? { unit: 'w', amount: Number(number) } : null;
  return size.endsWith('x') && DENSITY.test(number) ? { unit: 'x', amount: Number(number) } : null;
}
