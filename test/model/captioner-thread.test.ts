import assert from 'node:assert/strict';
import { it } from 'node:test';
import { CaptionerHung, Overloaded } from '../../src/errors.ts';
import { lossOf } from '../../src/model/captioner-thread.ts';

it('an image whose thread ended has failed for what that ended of', () => {
  const crash = new Error('crashed');
  const lost = lossOf(crash);
  assert.ok(lost instanceof CaptionerHung);
  assert.equal(lost.cause, crash);
  const full = Object.assign(new Error('no memory'), { code: 'ERR_WORKER_OUT_OF_MEMORY' });
  const overloaded = lossOf(full);
  assert.ok(overloaded instanceof Overloaded);
  assert.equal(overloaded.cause, full);
});
