import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cardOf, readCard } from '../../../src/import/hub/card.ts';

const CARDS: [name: string, markdown: string, license: string | null, baseModels: string[]][] = [
  [
    'what it names',
    '---\nlicense: apache-2.0\nbase_model: a/b\ntags:\n- x\n---\n# A\n',
    'apache-2.0',
    ['a/b'],
  ],
  [
    'lists',
    '---\nlicense:\n- mit\n- cc0-1.0\nbase_model:\n- a/b\n- c/d\n---\n',
    'mit, cc0-1.0',
    ['a/b', 'c/d'],
  ],
  ['a mark of the byte order, and lines of Windows', '\ufeff---\r\nlicense: mit\r\n---\r\n', 'mit', []],
  [
    'a licence of its own',
    '---\nlicense: other\nlicense_name: mine\nlicense_link: https://a.example/l\n---\n',
    'mine (https://a.example/l)',
    [],
  ],
  ['another without a name', '---\nlicense: other\n---\n', 'other', []],
  ['no licence', '---\nlibrary_name: transformers.js\n---\n', null, []],
  ['no beginning', '# A\n\n---\nlicense: mit\n---\n', null, []],
  ['no end', '---\nlicense: mit\n', null, []],
  ['no YAML', '---\nlicense: [mit\n---\n', null, []],
  ['YAML that is no map', '---\n- license\n---\n', null, []],
  ['fields of other kinds', '---\nlicense: 3\nbase_model: {a: b}\nlicense_name: []\n---\n', null, []],
  ['one field of another kind', '---\nlicense: mit\nbase_model: {a: b}\n---\n', 'mit', []],
  ['nothing', '', null, []],
];

for (const [name, markdown, license, baseModels] of CARDS) {
  test(`a card with ${name}`, () => assert.deepEqual(cardOf(markdown), { license, baseModels }));
}

test('a folder without a card', async () => {
  assert.deepEqual(await readCard('/nowhere'), { license: null, baseModels: [] });
});
