/** The stand-in for Lambda itself: AWS's runtime client in small functions, so that what other tests see is Lambda's. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { temporaryDirectory } from '../bundles.ts';
import { type Invocation, startFunction } from './runtime-api.ts';

const SOURCE = `
  if (process.env.FAIL_TO_START) throw new TypeError('no start');
  let invocations = 0;
  export const handler = async (event, context) => {
    invocations++;
    if (event.throw) throw Object.assign(new Error('thrown'), { name: event.throw });
    if (event.exit !== undefined) process.exit(event.exit);
    if (event.sleep) await new Promise((resolve) => setTimeout(resolve, event.sleep));
    if (event.spin) for (const end = Date.now() + event.spin; Date.now() < end; );
    if (event.log) process.stdout.write(event.log + '\\n');
    if (event.bytes) return 'x'.repeat(event.bytes - 2);
    return { event, invocations, remaining: context.getRemainingTimeInMillis(), id: context.awsRequestId };
  };
`;

const { path: directory, dispose } = temporaryDirectory();
before(() => writeFileSync(join(directory, 'small.mjs'), SOURCE));
after(dispose);

async function start(
  t: TestContext,
  options: { timeout?: number; environment?: Record<string, string> } = {},
) {
  const lambda = await startFunction({ directory, handler: 'small.handler', environment: {}, ...options });
  t.after(() => lambda.close());
  return lambda;
}

function typeOf(invocation: Invocation): string | undefined {
  return 'error' in invocation ? invocation.error.errorType : undefined;
}

describe('a function under the runtime', () => {
  it('is started once, answers with what the handler returns, and knows its remaining time', async (t) => {
    const lambda = await start(t, { timeout: 5_000 });
    const first = await lambda.invoke({ n: 1 });
    const second = await lambda.invoke({ n: 'ü' });
    assert.ok('payload' in first && 'payload' in second);
    const { remaining, ...rest } = second.payload as { remaining: number };
    assert.deepEqual(rest, { event: { n: 'ü' }, invocations: 2, id: 'request-2' });
    assert.ok(remaining > 4_000 && remaining <= 5_000);
    assert.equal(lambda.starts(), 1);
  });

  it('has what an invocation wrote in its logs once it is answered', async (t) => {
    const lambda = await start(t);
    for (let n = 0; n < 200; n++) {
      await lambda.invoke({ log: `line ${n}` });
      assert.equal(lambda.logs().at(-1), `line ${n}`);
    }
  });

  it('reports a thrown error by its name, and lives on', async (t) => {
    const lambda = await start(t);
    assert.equal(typeOf(await lambda.invoke({ throw: 'Overloaded' })), 'Overloaded');
    assert.ok('payload' in (await lambda.invoke({})));
    assert.equal(lambda.starts(), 1);
  });

  it('reports a failed start, and is started again by the next invocation', async (t) => {
    const lambda = await start(t, { environment: { FAIL_TO_START: '1' } });
    for (const starts of [1, 2]) {
      const answer = await lambda.invoke({});
      assert.equal(typeOf(answer), 'TypeError');
      assert.equal(lambda.starts(), starts);
    }
  });

  for (const [what, event] of [
    ['waits', { sleep: 5_000 }],
    ['computes', { spin: 5_000 }],
  ] as const) {
    it(`is killed when it ${what} too long, and started again`, async (t) => {
      const lambda = await start(t, { timeout: 700 });
      assert.equal(typeOf(await lambda.invoke(event)), 'Sandbox.Timedout');
      assert.ok('payload' in (await lambda.invoke({})));
      assert.equal(lambda.starts(), 2);
    });
  }

  it('is started again after its process ended', async (t) => {
    const lambda = await start(t);
    assert.equal(typeOf(await lambda.invoke({ exit: 3 })), 'Runtime.ExitError');
    assert.ok('payload' in (await lambda.invoke({})));
    assert.equal(lambda.starts(), 2);
  });

  it('may answer 6 MB and no byte more', async (t) => {
    const lambda = await start(t);
    assert.ok('payload' in (await lambda.invoke({ bytes: 6 << 20 })));
    assert.equal(typeOf(await lambda.invoke({ bytes: (6 << 20) + 1 })), 'Function.ResponseSizeTooLarge');
  });
});
