/** What can be changed in a file: Stryker's mutators say what, the text of the file is changed in place. */
import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import { Instrumenter } from '@stryker-mutator/instrumenter';

export interface Mutant {
  file: string;
  /** Both from 1. */
  line: number;
  column: number;
  /** Name of Stryker's mutator. */
  mutator: string;
  /** What stands there, and what is put in its place. */
  from: string;
  to: string;
  /** Offset of `from` in the file, in UTF-16 units, as V8 counts. */
  offset: number;
}

type Logger = ConstructorParameters<typeof Instrumenter>[0];
const nothing = () => undefined;
const never = () => false;
const silent: Logger = {
  isTraceEnabled: never,
  isDebugEnabled: never,
  isInfoEnabled: never,
  isWarnEnabled: never,
  isErrorEnabled: never,
  isFatalEnabled: never,
  trace: nothing,
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  fatal: nothing,
};

/** Those whose replacement binds otherwise than what it replaces. */
const OPERATORS = ['ArithmeticOperator', 'ConditionalExpression', 'EqualityOperator', 'LogicalOperator'];

/** @param file path within `root`, which the mutants have, too */
export async function mutantsOf(root: string, file: string): Promise<Mutant[]> {
  const content = readFileSync(join(root, file), 'utf8');
  const { mutants } = await new Instrumenter(silent).instrument([{ name: file, mutate: true, content }], {
    plugins: null,
    ignorers: [],
    excludedMutations: [],
  });
  const lines = lineStarts(content);
  return mutants
    .map(({ location: { start, end }, mutatorName, replacement }): Mutant => {
      const offset = lines[start.line]! + start.column;
      const from = content.slice(offset, lines[end.line]! + end.column);
      const bare = replacement ?? '';
      const to = OPERATORS.includes(mutatorName) && !/^(case|default|for)\b/.test(bare) ? `(${bare})` : bare;
      return {
        file,
        line: start.line + 1,
        column: start.column + 1,
        mutator: mutatorName,
        from,
        to,
        offset,
      };
    })
    .filter((mutant) => isProgram(mutated(content, mutant)));
}

export function mutated(content: string, { offset, from, to }: Mutant): string {
  return content.slice(0, offset) + to + content.slice(offset + from.length);
}

/** Wording for people: no test shall hold it. */
export function isWording({ mutator, from }: Mutant): boolean {
  return mutator === 'StringLiteral' && from.includes(' ');
}

function lineStarts(content: string): number[] {
  return [0, ...[...content.matchAll(/\n/g)].map(({ index }) => index + 1)];
}

function isProgram(content: string): boolean {
  try {
    stripTypeScriptTypes(content);
    return true;
  } catch {
    return false;
  }
}
