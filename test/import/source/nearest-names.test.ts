import assert from 'node:assert/strict';
import { test } from 'node:test';
import { editDistance, nearestNames } from '../../../src/import/source/nearest-names.ts';

test('the distance counts letters inserted, dropped and changed', () => {
  assert.equal(editDistance('kitten', 'sitting'), 3);
  assert.equal(editDistance('', 'abc'), 3);
  assert.equal(editDistance('abc', ''), 3);
  assert.equal(editDistance('same', 'same'), 0);
});

test('the nearest names come first', () => {
  const names = ['global_step', 'lstm/basic_lstm_cell/kernel_1', 'lstm/cell/kernel', 'logits/weights'];
  assert.deepEqual(nearestNames('lstm/basic_lstm_cell/kernel', names, 2), [
    'lstm/basic_lstm_cell/kernel_1',
    'lstm/cell/kernel',
  ]);
  assert.deepEqual(nearestNames('anything', []), []);
});
