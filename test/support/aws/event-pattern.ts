/**
 * Which events a rule of EventBridge takes, as far as rules here use patterns; what is not known is refused.
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
 */

type Pattern = { [name: string]: Pattern | unknown[] };

/** @param event the whole of it: `source`, `detail-type`, `detail`, … */
export function matchesPattern(pattern: object, event: object): boolean {
  return Object.entries(pattern as Pattern).every(([name, wanted]) => {
    const value = (event as Record<string, unknown>)[name];
    if (Array.isArray(wanted)) return wanted.some((one) => isMatch(one, value));
    return typeof value === 'object' && value !== null && matchesPattern(wanted, value);
  });
}

function isMatch(wanted: unknown, value: unknown): boolean {
  // Of a list any element may match.
  if (Array.isArray(value)) return value.some((one) => isMatch(wanted, one));
  if (typeof wanted !== 'object' || wanted === null) return wanted === value;
  const [[operator, argument] = ['', null], ...others] = Object.entries(wanted);
  if (others.length > 0) throw new Error('one operator in each object');
  switch (operator) {
    case 'exists':
      return (value !== undefined) === argument;
    case 'numeric':
      return typeof value === 'number' && isInRange(argument as (string | number)[], value);
    case 'anything-but':
      return value !== undefined && ![argument].flat().some((one) => isMatch(one, value));
    case 'prefix':
      return typeof value === 'string' && value.startsWith(argument as string);
    case 'suffix':
      return typeof value === 'string' && hasSuffix(argument as string | object, value);
    case 'wildcard':
      return typeof value === 'string' && wildcard(argument as string).test(value);
    default:
      throw new Error(`${operator} is not judged here`);
  }
}

function hasSuffix(wanted: string | object, value: string): boolean {
  if (typeof wanted === 'string') return value.endsWith(wanted);
  const { 'equals-ignore-case': any } = wanted as { 'equals-ignore-case': string };
  return value.toLowerCase().endsWith(any.toLowerCase());
}

/** `\*` and `\\` stand for the characters themselves. */
function wildcard(pattern: string): RegExp {
  if (/(^|[^\\])(\\\\)*\*\*/.test(pattern)) throw new Error('consecutive wildcards are refused');
  const parts = pattern.match(/\\[*\\]|\*|[^*\\]+|\\/g) ?? [];
  const source = parts.map((part) => {
    if (part === '*') return '.*';
    if (part === '\\') throw new Error('a backslash has to be escaped');
    return (part.startsWith('\\') ? part.slice(1) : part).replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
  });
  return new RegExp(`^${source.join('')}$`, 's');
}

function isInRange(limits: (string | number)[], value: number): boolean {
  for (let i = 0; i < limits.length; i += 2) {
    const bound = limits[i + 1] as number;
    const holds = { '>': value > bound, '>=': value >= bound, '<': value < bound, '<=': value <= bound };
    const operator = limits[i] as string;
    if (!(operator in holds)) throw new Error(`${operator} is not judged here`);
    if (!holds[operator as keyof typeof holds]) return false;
  }
  return true;
}
