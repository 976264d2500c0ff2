/** Operators that take their inputs element by element. */
import type { ElementType } from '../../../../onnx/graph.ts';
import { DATA_TYPES } from '../../../../onnx/schema.ts';
import { type Fact, fresh, integerOf, isInteger, MAX_CONTENT, type Rule } from './fact.ts';
import { add, asNumber, divide, equal, multiply, number, type Size, sign, subtract } from './size.ts';

/** One result of one element of each input; null where it cannot be told. */
type Compute = (values: readonly Size[], integers: boolean) => Size | null;

const truth = (value: boolean | null): Size | null => (value === null ? null : number(value ? 1 : 0));

function compare(test: (sign: number) => boolean): Compute {
  return ([a, b]) => {
    const found = sign(subtract(a!, b!));
    return truth(found === null ? null : test(found));
  };
}

/** Of numbers alone, rounded as float32 where they are floats. */
function numeric(compute: (...values: number[]) => number): Compute {
  return (values, integers) => {
    const numbers = values.map(asNumber);
    if (!numbers.every((n) => n !== null)) return null;
    const result = compute(...numbers);
    return number(integers ? Math.trunc(result) : Math.fround(result));
  };
}

/** As polynomials where they are integers. */
function integral(
  polynomial: (a: Size, b: Size) => Size | null,
  floats: (a: number, b: number) => number,
): Compute {
  return (values, integers) =>
    integers ? polynomial(values[0]!, values[1]!) : numeric(floats)(values, false);
}

const quotient = (a: Size, b: Size): Size | null => {
  const [x, y] = [asNumber(a), asNumber(b)];
  return x !== null && y !== null && y !== 0 ? number(Math.trunc(x / y)) : divide(a, b);
};

const COMPUTED: Record<string, Compute | null> = {
  Add: integral(add, (a, b) => a + b),
  Sub: integral(subtract, (a, b) => a - b),
  Mul: integral(multiply, (a, b) => a * b),
  Div: integral(quotient, (a, b) => a / b),
  Mod: numeric((a, b) => a % b),
  Pow: numeric((a, b) => a ** b),
  Sqrt: numeric(Math.sqrt),
  Reciprocal: numeric((x) => 1 / x),
  Neg: ([a]) => subtract(number(0), a!),
  Floor: numeric(Math.floor),
  Ceil: numeric(Math.ceil),
  Not: numeric((x) => 1 - x),
  And: numeric((a, b) => a * b),
  Or: numeric((a, b) => Math.max(a, b)),
  Equal: compare((s) => s === 0),
  Less: compare((s) => s < 0),
  LessOrEqual: compare((s) => s <= 0),
  Greater: compare((s) => s > 0),
  GreaterOrEqual: compare((s) => s >= 0),
  Min: (values) => extreme(values, -1),
  Max: (values) => extreme(values, 1),
  Where: ([condition, a, b]) => {
    if (equal(a!, b!)) return a!;
    const chosen = asNumber(condition!);
    return chosen === null ? null : chosen === 0 ? b! : a!;
  },
};

/** Element by element, but of data alone. */
const DATA_ONLY =
  'Abs Tanh Erf Relu Sigmoid Exp Log Sin Cos Clip Gelu FastGelu QuickGelu BiasGelu LeakyRelu Softplus Sign Round IsNaN HardSigmoid Xor Dropout';
for (const op of DATA_ONLY.split(' ')) COMPUTED[op] = null;

const TRUTHS = /^(Equal|Less|Greater|Not$|And$|Or$|Xor$|IsNaN$)/;

function extreme(values: readonly Size[], wanted: 1 | -1): Size | null {
  return values.reduce<Size | null>((best, value) => {
    if (best === null) return null;
    const found = sign(subtract(value, best));
    if (found === null) return equal(value, best) ? best : null;
    return found === wanted ? value : best;
  }, values[0]!);
}

/** Null: another kind of operator. */
export function elementwise(op: string): Rule | null {
  if (op === 'Cast') return cast;
  if (!Object.hasOwn(COMPUTED, op)) return null;
  const compute = COMPUTED[op] ?? null;
  return (_, inputs) => {
    const operands = inputs.filter((input) => input !== undefined);
    const first = op === 'Where' ? operands[1] : operands[0];
    const type: ElementType | null = TRUTHS.test(op) ? 'bool' : (first?.type ?? null);
    const dims = dimsOf(operands);
    const result: Fact = { type, dims, content: null };
    return [{ ...result, content: compute && contentOf(compute, operands, result, first?.type ?? null) }];
  };
}

function dimsOf(inputs: readonly Fact[]): readonly Size[] | null {
  if (inputs.some(({ dims }) => dims === null)) return null;
  return inputs.map(({ dims }) => dims!).reduce(broadcast);
}

function contentOf(
  compute: Compute,
  inputs: readonly Fact[],
  { dims }: Fact,
  type: ElementType | null,
): readonly Size[] | null {
  const count = dims && asNumber(dims.reduce(multiply, number(1)));
  if (count === null || count > MAX_CONTENT || inputs.length === 0) return null;
  // Each of the full size or of one element; broadcasts of anything else are not followed.
  if (!inputs.every(({ content }) => content && (content.length === 1 || content.length === count)))
    return null;
  const elements: Size[] = [];
  for (let i = 0; i < count; i++) {
    const values = inputs.map(({ content }) => content![content!.length === 1 ? 0 : i]!);
    const element = compute(values, isInteger(type));
    if (element === null) return null;
    elements.push(element);
  }
  return elements;
}

const cast: Rule = (node, [x]) => {
  const code = integerOf(node, 'to', 0);
  const type = (Object.entries(DATA_TYPES).find(([, value]) => value === code)?.[0] ??
    null) as ElementType | null;
  return [{ type, dims: x?.dims ?? null, content: castContent(x, type) }];
};

function castContent(x: Fact | undefined, type: ElementType | null): readonly Size[] | null {
  if (!x?.content || type === null) return null;
  const known = type === 'bool' ? x.content.map(truthOf) : x.content.map((size) => castSize(size, x, type));
  return known.every((size) => size !== null) ? known : null;
}

function truthOf(size: Size): Size | null {
  const found = asNumber(size) ?? sign(size);
  return truth(found === null ? null : found !== 0);
}

function castSize(size: Size, from: Fact, type: ElementType): Size | null {
  if (isInteger(from.type) && isInteger(type)) return size;
  const value = asNumber(size);
  if (value === null) return null;
  if (isInteger(type)) return number(Math.trunc(value));
  return type === 'float32' ? number(Math.fround(value)) : null;
}

/** Sizes of two values that meet. */
export function broadcast(a: readonly Size[], b: readonly Size[]): readonly Size[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const x = a[i - rank + a.length] ?? number(1);
    const y = b[i - rank + b.length] ?? number(1);
    return meet(x, y);
  });
}

function meet(a: Size, b: Size): Size {
  if (equal(a, b)) return a;
  const [x, y] = [asNumber(a), asNumber(b)];
  if (x === 1) return b;
  if (y === 1) return a;
  // A number above one is what the other must be, or be stretched to.
  if (x !== null) return a;
  if (y !== null) return b;
  return fresh();
}
