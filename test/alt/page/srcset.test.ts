import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseSrcset } from '../../../src/alt/page/srcset.ts';
import { ends } from '../ends.ts';

const urls = (srcset: string) => parseSrcset(srcset).map(({ url }) => url);

describe('a srcset', () => {
  it('has addresses with a width, a density, or neither', () => {
    assert.deepEqual(parseSrcset(' a.jpg 800w,\n b.jpg 1.5x , c.jpg'), [
      { url: 'a.jpg', unit: 'w', amount: 800 },
      { url: 'b.jpg', unit: 'x', amount: 1.5 },
      { url: 'c.jpg', unit: 'x', amount: 1 },
    ]);
  });

  it('has commas inside of addresses, and none at their ends', () => {
    assert.deepEqual(urls('a,b.jpg 1x, data:image/png;base64,AA== 2x'), [
      'a,b.jpg',
      'data:image/png;base64,AA==',
    ]);
    assert.deepEqual(urls(',, a.jpg,,, b.jpg, '), ['a.jpg', 'b.jpg']);
    assert.deepEqual(urls('a.jpg,b.jpg'), ['a.jpg,b.jpg']);
    for (const nothing of ['', ' ', ',', ' , ,']) assert.deepEqual(urls(nothing), [], nothing);
  });

  it('drops candidates whose descriptors are wrong, and no others', () => {
    for (const wrong of [
      '1',
      '0w',
      '-1w',
      '1.5w',
      '-1x',
      '1x 2x',
      '1w 1x',
      'x',
      '1X',
      '1x(',
      'wide',
      '(1x, 2x)',
    ]) {
      assert.deepEqual(
        urls(`a.jpg ${wrong}, b.jpg 1x`).slice(-1),
        wrong.endsWith('(') ? [] : ['b.jpg'],
        wrong,
      );
      assert.ok(!urls(`a.jpg ${wrong}, b.jpg`).includes('a.jpg'), wrong);
    }
    assert.deepEqual(urls('a.jpg 800w 600h, b.jpg 1e1x, c.jpg .5x'), ['a.jpg', 'b.jpg', 'c.jpg']);
  });

  it('has numbers as HTML writes them', () => {
    for (const [descriptors, unit, amount] of [
      ['', 'x', 1],
      ['0800w', 'w', 800],
      ['10w', 'w', 10],
      ['0x', 'x', 0],
      ['12.50x', 'x', 12.5],
      ['.5x', 'x', 0.5],
      ['1e2x', 'x', 100],
      ['1E+2x', 'x', 100],
      ['15e-1x', 'x', 1.5],
      ['.5e1x', 'x', 5],
      ['600h', 'x', 1],
      ['7h 2x 60h', 'x', 2],
      ['\t3w\f60h\r\n', 'w', 3],
    ] as const)
      assert.deepEqual(
        parseSrcset(`a.jpg ${descriptors}, b.jpg`),
        [
          { url: 'a.jpg', unit, amount },
          { url: 'b.jpg', unit: 'x', amount: 1 },
        ],
        descriptors,
      );
    for (const wrong of [
      ...[
        '00w',
        'a1w',
        '1aw',
        '1.0w',
        '1e1w',
        '+1w',
        'w',
        '1W',
        'x1x',
        '1xx',
        '1.x',
        '1.5.5x',
        '1..5x',
        '.x',
      ],
      ...[
        'e1x',
        '1ex',
        '1e1.5x',
        '1e1e1x',
        '+1x',
        '-.5x',
        '1 x',
        'h',
        '6ha',
        'a6h',
        '1x)',
        '(1x)',
        '6h 1x 1x',
        '6a',
      ],
    ])
      assert.deepEqual(urls(`a.jpg ${wrong}, b.jpg`), ['b.jpg'], wrong);
  });

  it('ends an address at white space of HTML alone', () => {
    for (const space of ['\t', '\n', '\f', '\r', ' '])
      assert.deepEqual(parseSrcset(`${space},a.jpg${space}2x${space},${space}b.jpg`), [
        { url: 'a.jpg', unit: 'x', amount: 2 },
        { url: 'b.jpg', unit: 'x', amount: 1 },
      ]);
    assert.deepEqual(urls('a\u00a0b.jpg\v2x'), ['a\u00a0b.jpg\v2x']);
    assert.deepEqual(urls('a.jpg (b, c) 1x, d.jpg (e) , f.jpg'), ['f.jpg']);
    assert.deepEqual(urls('a.jpg,,, b.jpg 2x'), ['a.jpg', 'b.jpg']);
  });

  it('takes linear time, whatever it is made of', () => {
    for (const piece of [
      ',',
      ' ',
      'a',
      'a,',
      'a ',
      'a, ',
      '(',
      'a (',
      ')',
      'a 1x,',
      ' ,',
      'a 1',
      'a 1x 1',
      '1',
    ]) {
      for (const start of ['', 'a ', 'a 1x(']) {
        ends(() => parseSrcset(start + piece.repeat(300_000)));
      }
    }
  });
});
