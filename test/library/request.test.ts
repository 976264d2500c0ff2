import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type CaptionRequest, splitRequest } from '../../src/library/request.ts';

const { signal } = new AbortController();
const NOTHING = { signal: undefined, deadline: undefined, trace: undefined, explain: undefined };

test('a request is taken apart, what is undefined is left out', () => {
  assert.deepEqual(splitRequest(), { options: {}, call: NOTHING });
  assert.deepEqual(splitRequest({ ...NOTHING, count: undefined }), { options: {}, call: NOTHING });
  const asked = { signal, deadline: 7, trace: true, explain: false, count: 1, avoidRepeats: false };
  assert.deepEqual(splitRequest(asked), {
    options: { count: 1, avoidRepeats: false },
    call: { signal, deadline: 7, trace: true, explain: false },
  });
  assert.equal(splitRequest({ deadline: new Date(9) }).call.deadline, 9);
  assert.equal(splitRequest({ deadline: Number.POSITIVE_INFINITY }).call.deadline, Number.POSITIVE_INFINITY);
});

describe('a request of the wrong kind is named:', () => {
  const wrong: [request: unknown, says: RegExp][] = [
    [null, /^options:/],
    ['count', /^options:/],
    [7, /^options:/],
    [{ signal: {} }, /^signal:/],
    [{ signal: null }, /^signal:/],
    [{ deadline: '2026-01-01' }, /^deadline:/],
    [{ deadline: Number.NaN }, /^deadline:/],
    [{ deadline: new Date('tomorrow') }, /^deadline:/],
    [{ deadline: null }, /^deadline:/],
    [{ trace: 'yes' }, /^trace:/],
    [{ explain: 1 }, /^explain:/],
    [{ explain: null }, /^explain:/],
  ];
  for (const [request, message] of wrong) {
    test(JSON.stringify(request), () => {
      assert.throws(() => splitRequest(request as CaptionRequest), { code: 'InvalidRequest', message });
    });
  }
});
