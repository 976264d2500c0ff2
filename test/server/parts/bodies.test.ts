/** Which bodies are cut, and when there is no place for another; how that goes over connections is in `../slow-bodies.test.ts`. */
import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { describe, it, type TestContext } from 'node:test';
import { type BodyCut, createBodies, LEAST_IN_WINDOW, WINDOW_MS } from '../../../src/server/bodies.ts';

/** Bodies of at most 10 bytes together, and who was cut for what. */
function bodiesOf(maxBytes = 10, windowMs?: number) {
  const cuts: [name: string, code: BodyCut['code'], message: string][] = [];
  const bodies = createBodies({
    maxBytes,
    ...(windowMs !== undefined && { windowMs }),
    onCut: ({ code, message }, incoming) => cuts.push([(incoming as unknown as Named).name, code, message]),
  });
  return { bodies, cuts };
}

interface Named {
  name: string;
  complete: boolean;
}

/** A body by its name. */
function incoming(name: string): IncomingMessage & Named {
  const stream = Object.assign(new Readable({ read() {} }), { name, complete: false });
  return stream as unknown as IncomingMessage & Named;
}

const FULL = 'too many bytes are on their way, and these took longest';

describe('bodies on their way', () => {
  it('hold what has come of them until they are answered, and reach the app whole', async () => {
    const { bodies, cuts } = bodiesOf();
    const [one, other] = [incoming('one'), incoming('other')];
    const releases = [bodies.watch(one), bodies.watch(other)];
    assert.equal(bodies.full, false);
    one.push(Buffer.alloc(4, 'a'));
    other.push('bbbbb', 'latin1');
    assert.equal(bodies.full, false);
    one.push(Buffer.alloc(1, 'c'));
    assert.equal(bodies.full, true);
    one.push(null);
    assert.equal(Buffer.concat(await one.toArray()).toString(), 'aaaac');
    releases[0]!();
    assert.equal(bodies.full, false);
    // Once is enough.
    releases[0]!();
    other.push(Buffer.alloc(4));
    assert.equal(bodies.full, false);
    other.push(Buffer.alloc(1));
    assert.equal(bodies.full, true);
    releases[1]!();
    assert.equal(bodies.full, false);
    assert.deepEqual(cuts, []);
  });

  it('are cut, the oldest first, but not what is whole, as soon as there is more than fits', () => {
    const { bodies, cuts } = bodiesOf();
    const [whole, first, second, third] = ['whole', 'first', 'second', 'third'].map(incoming) as [
      IncomingMessage & Named,
      IncomingMessage & Named,
      IncomingMessage & Named,
      IncomingMessage & Named,
    ];
    const release = [whole, first, second, third].map((body) => bodies.watch(body));
    whole.push(Buffer.alloc(4));
    whole.complete = true;
    first.push(Buffer.alloc(3));
    second.push(Buffer.alloc(3));
    assert.deepEqual(cuts, []);
    third.push(Buffer.alloc(1));
    assert.deepEqual(cuts, [['first', 'BODIES_FULL', FULL]]);
    // What still comes of it is dropped, and counts no more.
    assert.equal(first.push(Buffer.alloc(100)), true);
    assert.equal(first.readableLength, 3);
    third.push(Buffer.alloc(2));
    assert.equal(cuts.length, 1);
    assert.equal(bodies.full, true, 'what was cut is held until its connection is closed');
    release[1]!();
    third.push(Buffer.alloc(2));
    assert.deepEqual(cuts.slice(1), [['second', 'BODIES_FULL', FULL]]);
    release[2]!();
    assert.equal(bodies.full, false);
    release[3]!();
    release[0]!();
    assert.equal(bodies.full, false);
  });

  it('are not cut where all of them are whole', () => {
    const { bodies, cuts } = bodiesOf();
    const late = incoming('late');
    bodies.watch(late);
    late.complete = true;
    late.push(Buffer.alloc(11));
    assert.deepEqual(cuts, []);
    assert.equal(bodies.full, true);
  });
});

describe('a body that comes slowly', () => {
  const SLOW = `less than ${LEAST_IN_WINDOW} bytes of the body came in 10 s`;

  function watched(t: TestContext, windowMs?: number) {
    t.mock.timers.enable({ apis: ['setInterval'] });
    const { bodies, cuts } = bodiesOf(1 << 20, windowMs);
    const body = incoming('slow');
    return { cuts, body, release: bodies.watch(body) };
  }

  it('is cut at the end of the first window that brought too little', (t) => {
    const { cuts, body } = watched(t);
    for (let i = 0; i < 3; i++) {
      body.push(Buffer.alloc(LEAST_IN_WINDOW));
      t.mock.timers.tick(WINDOW_MS);
    }
    body.push(Buffer.alloc(LEAST_IN_WINDOW - 1));
    t.mock.timers.tick(WINDOW_MS - 1);
    assert.deepEqual(cuts, []);
    t.mock.timers.tick(1);
    assert.deepEqual(cuts, [['slow', 'BODY_TOO_SLOW', SLOW]]);
    t.mock.timers.tick(5 * WINDOW_MS);
    assert.equal(cuts.length, 1);
  });

  it('is left alone when it is whole, or answered', (t) => {
    const { cuts, body } = watched(t);
    body.complete = true;
    t.mock.timers.tick(2 * WINDOW_MS);
    body.complete = false;
    t.mock.timers.tick(2 * WINDOW_MS);
    assert.deepEqual(cuts, []);
  });

  it('is left alone when it is answered', (t) => {
    const { cuts, release } = watched(t, 50);
    release();
    t.mock.timers.tick(1_000);
    assert.deepEqual(cuts, []);
  });
});
