import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { NativeParts } from '../../src/caption/ports.ts';
import { condemn, createGate, gated, leaveNative } from '../../src/model/native-gate.ts';

const NAMES = ['encode', 'start', 'step'] as const;
type Part = (...args: unknown[]) => Promise<unknown>;

/** Native parts that do `work`, behind a gate. */
function behind(gate: SharedArrayBuffer, work: Part): Record<(typeof NAMES)[number], Part> {
  const parts = Object.fromEntries(NAMES.map((name) => [name, (...args: unknown[]) => work(name, ...args)]));
  return gated(gate, parts as unknown as NativeParts) as never;
}

describe('a thread', () => {
  it('is not condemned before it has loaded its model, nor again', () => {
    const gate = createGate();
    assert.equal(condemn(gate), false);
    leaveNative(gate);
    assert.equal(condemn(gate), true);
    assert.equal(condemn(gate), false);
  });

  for (const name of NAMES) {
    it(`is not condemned amid ${name}, and is between its calls`, async () => {
      const gate = createGate();
      leaveNative(gate);
      const seen: unknown[] = [];
      const parts = behind(gate, async (...args) => {
        seen.push(condemn(gate));
        return args;
      });
      assert.deepEqual(await parts[name](1, 2), [name, 1, 2]);
      assert.deepEqual(await parts[name](3), [name, 3]);
      assert.deepEqual(seen, [false, false]);
      assert.equal(condemn(gate), true);
    });

    it(`is out of ${name} where that fails, too`, async () => {
      const gate = createGate();
      leaveNative(gate);
      const failure = new Error('failed');
      await assert.rejects(behind(gate, () => Promise.reject(failure))[name](), failure);
      assert.equal(condemn(gate), true);
    });

    it(`that is condemned never begins ${name}`, async () => {
      const gate = createGate();
      leaveNative(gate);
      condemn(gate);
      const begun = behind(gate, async () => assert.fail('begun'))[name]();
      const next = new Promise((resolve) => setImmediate(resolve, 'still waiting'));
      assert.equal(await Promise.race([begun, next]), 'still waiting');
    });
  }
});
