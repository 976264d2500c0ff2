import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Command } from 'commander';
import {
  addDecodingFlags,
  decodingOptions,
  helpOf,
  numberOf,
} from '../../../src/cli/shared/decoding-flags.ts';

/** The options that these words ask for. */
function optionsOf(...words: string[]): object {
  const command = addDecodingFlags(new Command()).exitOverride();
  return decodingOptions(command.parse(words, { from: 'user' }).opts());
}

describe('flags of the search', () => {
  it('are options as they were given, and nothing for what was not', () => {
    assert.deepEqual(optionsOf(), {});
    assert.deepEqual(
      optionsOf(
        ...[
          '--beam',
          '4',
          '--top',
          '2',
          '--max-length',
          '9',
          '--min-length',
          '0',
          '--length-normalization',
          '0.5',
        ],
        ...['--ban', 'a', '--ban', 'b', '--require', 'red ball', '--prefix', 'two'],
        ...['--gender-neutral', '--avoid-repeats', '--unique-ngrams', '2', '--min-confidence', '0.25'],
      ),
      {
        beamWidth: 4,
        count: 2,
        maxLength: 9,
        minLength: 0,
        lengthNormalization: 0.5,
        bannedWords: ['a', 'b'],
        requiredWords: ['red ball'],
        prefix: 'two',
        genderNeutral: true,
        avoidRepeats: true,
        noRepeatNgram: 2,
        minConfidence: 0.25,
      },
    );
  });

  it('have none for numbers beside captions, which are asked for otherwise', () => {
    const flags = addDecodingFlags(new Command()).options.map(({ long }) => long);
    assert.ok(!flags.includes('--trace') && !flags.includes('--explain'), flags.join());
    assert.equal(new Set(flags).size, flags.length);
  });

  it('say what they do, within which bounds, and what holds without', () => {
    assert.equal(
      helpOf('beamWidth'),
      'hypotheses that the search keeps alive, 1 to 10 (default: the model’s)',
    );
    assert.match(helpOf('bannedWords'), /^words that no caption may contain.* \(repeatable\)$/);
    assert.equal(helpOf('prefix'), 'words that every caption begins with (default: none)');
    for (const { description } of addDecodingFlags(new Command()).options) {
      assert.doesNotMatch(description, /[{}]|undefined/);
    }
  });

  it('take for a number what is one alone', () => {
    assert.deepEqual(['1', ' 2 ', '1e1', '', ' ', 'x', '1x'].map(numberOf), [1, 2, 10, NaN, NaN, NaN, NaN]);
  });
});
