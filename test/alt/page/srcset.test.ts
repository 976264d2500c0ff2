import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseSrcset } from '../../../src/alt/page/srcset.ts';
import { ends } from '../../support/ends.ts';

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
