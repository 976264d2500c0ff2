/**
 * Sizes of tensors as far as they are known before anything runs: polynomials over named sizes, such as
 * `rows * 12` or `length + 1`. All named sizes are at least 0, which is what `sign` goes by.
 */

/** Product of names, sorted, joined by `*` (empty: a number), to its coefficient; no coefficient is 0. */
export type Size = ReadonlyMap<string, number>;

export const number = (value: number): Size => new Map(value === 0 ? [] : [['', value]]);
export const symbol = (name: string): Size => new Map([[name, 1]]);

/** Null unless it is a number. */
export function asNumber(size: Size): number | null {
  if (size.size === 0) return 0;
  return size.size === 1 ? (size.get('') ?? null) : null;
}

export function add(a: Size, b: Size, factor = 1): Size {
  const sum = new Map(a);
  for (const [names, coefficient] of b) {
    const value = (sum.get(names) ?? 0) + factor * coefficient;
    if (value === 0) sum.delete(names);
    else sum.set(names, value);
  }
  return sum;
}

export const subtract = (a: Size, b: Size): Size => add(a, b, -1);

export function multiply(a: Size, b: Size): Size {
  let product: Size = new Map();
  for (const [left, x] of a) {
    for (const [right, y] of b) product = add(product, new Map([[join(left, right), x * y]]));
  }
  return product;
}

/** Null unless it comes out even for all values of the names. */
export function divide(a: Size, b: Size): Size | null {
  if (b.size === 0) return null;
  const [names, coefficient] = leadingOf(b);
  let quotient: Size = new Map();
  let rest = a;
  while (rest.size > 0) {
    const [own, value] = leadingOf(rest);
    const left = without(own, names);
    if (left === null || value % coefficient !== 0) return null;
    const term: Size = new Map([[left, value / coefficient]]);
    quotient = add(quotient, term);
    rest = subtract(rest, multiply(term, b));
    // It would have come out even by now.
    if (quotient.size > a.size) return null;
  }
  return quotient;
}

/** The term with the most factors. */
function leadingOf(size: Size): [string, number] {
  const degree = (names: string) => (names === '' ? 0 : names.split('*').length);
  return [...size].sort(([a], [b]) => degree(b) - degree(a) || (a < b ? -1 : 1))[0]!;
}

export const equal = (a: Size, b: Size): boolean => subtract(a, b).size === 0;

/** -1, 0 or 1 where that holds for all values of the names, else null. */
export function sign(size: Size): -1 | 0 | 1 | null {
  if (size.size === 0) return 0;
  const coefficients = [...size.values()];
  if (!size.has('')) return null;
  if (coefficients.every((c) => c > 0)) return 1;
  return coefficients.every((c) => c < 0) ? -1 : null;
}

/** Never below zero. */
export const notNegative = (size: Size): boolean => [...size.values()].every((c) => c >= 0);

export const product = (sizes: readonly Size[]): Size => sizes.reduce(multiply, number(1));

/** The same for equal sizes. */
export function keyOf(size: Size): string {
  return [...size]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([names, coefficient]) => `${coefficient}*${names}`)
    .join('+');
}

/** All names in it. */
export const namesOf = (size: Size): string[] =>
  [...size.keys()].flatMap((names) => (names === '' ? [] : names.split('*')));

function join(a: string, b: string): string {
  if (a === '' || b === '') return a + b;
  return [...a.split('*'), ...b.split('*')].sort().join('*');
}

function without(names: string, divisor: string): string | null {
  if (divisor === '') return names;
  const left = names.split('*');
  for (const name of divisor.split('*')) {
    const place = left.indexOf(name);
    if (place < 0) return null;
    left.splice(place, 1);
  }
  return left.join('*');
}
