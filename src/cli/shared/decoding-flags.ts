/** The decoding options that several commands share, as flags: made of the core's table of options. */
import { type Command, Option } from 'commander';
import {
  type CaptionOptionsInput,
  flagOf,
  OPTIONS,
  type OptionName,
  type OptionRow,
} from '../../caption/options.ts';
import { inNames } from '../../errors.ts';

/** Those that commands look at themselves. */
export interface DecodingFlags {
  minConfidence?: number;
  top?: number;
}

/** Asked for in ways of their own: see `pictures.ts`. */
const EXTRAS: readonly OptionName[] = ['trace', 'explain'];
const DECODING = OPTIONS.filter(({ name }) => !EXTRAS.includes(name));

/** How text after a flag of each kind is read; commander takes the others as they come. */
const READ: Partial<Record<OptionRow['kind'], (text: string, before: unknown) => unknown>> = {
  number: numberOf,
  array: (word, words = []) => [...(words as string[]), word],
};

export function addDecodingFlags(command: Command): Command {
  for (const { name, flag, kind } of DECODING) {
    const option = new Option(flag, helpOf(name));
    const read = READ[kind];
    command.addOption(read === undefined ? option : option.argParser(read));
  }
  return command;
}

/** `hypotheses that the search keeps alive, 1 to 10 (default: the model’s)` */
export function helpOf(option: OptionName): string {
  const { text, bounds, otherwise, kind } = OPTIONS.find(({ name }) => name === option)!;
  const range = bounds === null ? '' : `, ${bounds[0]} to ${bounds[1]}`;
  const note = kind === 'array' ? 'repeatable' : `default: ${otherwise}`;
  return `${inNames(text, flagOf)}${range} (${note})`;
}

/** A flag's number; NaN, which every bound refuses, for anything else (`Number('')` would be 0). */
export function numberOf(text: string): number {
  return text.trim() === '' ? Number.NaN : Number(text);
}

/** The options that flags ask for, as they were given; not checked yet. */
export function decodingOptions(flags: DecodingFlags): CaptionOptionsInput {
  const given = DECODING.map(({ name }) => [name, (flags as Record<string, unknown>)[attributeOf(name)]]);
  return Object.fromEntries(given.filter(([, value]) => value !== undefined));
}

/** Commander's name of the flag: `--max-length` is `maxLength`. */
function attributeOf(name: OptionName): string {
  return new Option(flagOf(name)).attributeName();
}
