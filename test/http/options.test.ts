import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { type CaptionOptionsInput, OPTIONS } from '../../src/caption/options.ts';
import { COFFEE } from '../support/samples.ts';
import { appWith, assertProblem, captioner, post, postJson } from './harness.ts';

const coffee = readFileSync(COFFEE);
const image = coffee.toString('base64');

/** What the core was asked for by the requests so far. */
const asked: (CaptionOptionsInput | undefined)[] = [];
const app = appWith({
  caption: (bytes, plan, call) => {
    asked.push(plan?.asked);
    return captioner.caption(bytes, plan, call);
  },
});

interface Values {
  /** In a query, and what it means. */
  good: [text: string, value: unknown][];
  badTexts: string[];
  badValues: unknown[];
}

const SWITCH: Values = {
  good: [
    ['1', true],
    ['true', true],
    ['0', false],
    ['false', false],
  ],
  badTexts: ['', '2', 'yes', 'TRUE'],
  badValues: [1, 'true', null],
};

const VALUES: Record<keyof CaptionOptionsInput, Values> = {
  beamWidth: {
    good: [
      ['1', 1],
      ['10', 10],
    ],
    badTexts: ['0', '11', '-1', '2.5', '', ' ', '3 ', 'three', '0x2', 'NaN', 'Infinity', '１'],
    badValues: [0, 11, 2.5, '3', null, [3], true],
  },
  maxLength: { good: [['5', 5]], badTexts: ['0', '129', ''], badValues: [0, 129, null] },
  minLength: { good: [['3', 3]], badTexts: ['-1', '129', '19', ''], badValues: [-1, 19] },
  lengthNormalization: {
    good: [
      ['0.5', 0.5],
      ['5e-1', 0.5],
    ],
    badTexts: ['-0.1', '5.1', '1,5', ''],
    badValues: [-0.1, 5.1, '1'],
  },
  bannedWords: {
    good: [
      ['dog', ['dog']],
      ['dog,white', ['dog', 'white']],
    ],
    badTexts: ['', 'dog,', 'x'.repeat(101), Array(201).fill('x').join(',')],
    badValues: ['dog', [''], [1], ['x'.repeat(101)], Array(201).fill('x')],
  },
  requiredWords: {
    good: [['dog,red', ['dog', 'red']]],
    badTexts: ['', 'a,b,c,d,e'],
    badValues: ['dog', [''], ['a', 'b', 'c', 'd', 'e']],
  },
  prefix: { good: [['a+dog', 'a dog']], badTexts: ['x'.repeat(1001)], badValues: [1, ['a']] },
  genderNeutral: SWITCH,
  avoidRepeats: SWITCH,
  noRepeatNgram: { good: [['2', 2]], badTexts: ['-1', '11', '1.5', ''], badValues: [-1, 11, '2'] },
  minConfidence: { good: [['0.5', 0.5]], badTexts: ['-0.1', '1.1', ''], badValues: [-0.1, 1.1, '1', null] },
  count: { good: [['2', 2]], badTexts: ['0', '4', '11', ''], badValues: [0, 4, '1'] },
};

for (const [name, { good, badTexts, badValues }] of Object.entries(VALUES)) {
  describe(`the option ${name}`, () => {
    it('means the same in a query and in JSON', async () => {
      for (const [text, value] of good) {
        const query = await post(app, `/captions?${name}=${text}`, coffee, 'image/jpeg');
        assert.equal(query.status, 200, text);
        assert.deepEqual(asked.at(-1), { [name]: value });
        const json = await postJson(app, '/captions', { image, [name]: value });
        assert.equal(json.status, 200, text);
        assert.deepEqual(asked.at(-1), { [name]: value });
      }
    });

    it('is refused by name when it is out of bounds or of another kind', async () => {
      const before = asked.length;
      for (const text of badTexts) {
        const path = `/captions?${new URLSearchParams({ [name]: text })}`;
        const { detail } = assertProblem(await post(app, path, coffee, 'image/jpeg'), 'InvalidRequest');
        assert.ok(detail!.includes(name), `${text}: ${detail}`);
      }
      for (const value of badValues) {
        const answer = await postJson(app, '/captions', { image, [name]: value });
        const { detail } = assertProblem(answer, 'InvalidRequest');
        assert.ok(detail!.includes(name), `${JSON.stringify(value)}: ${detail}`);
      }
      assert.equal(asked.length, before);
    });
  });
}

describe('a query', () => {
  const REFUSED: [query: string, named: string][] = [
    ['beamWidth=2&beamWidth=2', 'beamWidth'],
    ['prefix=a&prefix=b', 'prefix'],
    ['trace=1&trace=1', 'trace'],
    ['bannedWords=a&bannedWords=', 'bannedWords'],
    ['bannedWords=a&bannedWords=b&bannedWord=c', 'bannedWord'],
    ['requiredWords=a,b&requiredWords=c,d&requiredWords=e', 'requiredWords'],
    ['beam=2', 'beam'],
    ['BeamWidth=2', 'BeamWidth'],
    ['beamWidth%20=2', 'beamWidth '],
    ['__proto__=1', '__proto__'],
    ['constructor=1', 'constructor'],
    ['trace=yes', 'trace'],
    ['beamWidth=2&count=3', 'count'],
    ['maxLength=4&minLength=3', 'minLength'],
  ];
  for (const [query, named] of REFUSED) {
    it(`${query} is refused by name`, async () => {
      const answer = await post(app, `/captions?${query}`, coffee, 'image/jpeg');
      assert.ok(assertProblem(answer, 'InvalidRequest').detail!.includes(named));
    });
  }

  for (const { name, kind } of OPTIONS) {
    if (kind !== 'array') continue;
    it(`${name} may be given item by item, separated by commas, or both`, async () => {
      for (const items of [['dog,red,cup'], ['dog', 'red', 'cup'], ['dog,red', 'cup']]) {
        const query = items.map((item) => `${name}=${item}`).join('&');
        const { status } = await post(app, `/captions?${query}`, coffee, 'image/jpeg');
        assert.equal(status, 200, query);
        assert.deepEqual(asked.at(-1), { [name]: ['dog', 'red', 'cup'] });
      }
    });
  }

  it('names everything that is wrong in it', async () => {
    const answer = await post(app, '/captions?beamWidth=0&maxLength=x&tray=1', coffee, 'image/jpeg');
    const { detail } = assertProblem(answer, 'InvalidRequest');
    for (const name of ['beamWidth', 'maxLength', 'tray']) assert.ok(detail!.includes(name), detail);
  });
});
