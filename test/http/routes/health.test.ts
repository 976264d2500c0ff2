import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Overloaded } from '../../../src/errors.ts';
import { appWith, ask, assertProblem, bundle, captioner } from '../harness.ts';

/** An app whose model fails so many times before it works; counts the captions asked for. */
function recovering(failures: number) {
  const asked = { captions: 0 };
  const app = appWith({
    caption: async (...call) => {
      asked.captions += 1;
      if (asked.captions <= failures) throw new Overloaded('the queue is full');
      return await captioner.caption(...call);
    },
  });
  return { app, asked };
}

interface Health {
  status: string;
  model: { name: string; hash: string };
  caption: string;
}

describe('GET /health', () => {
  it('captions a photograph once and remembers that it went well', async () => {
    const { app, asked } = recovering(0);
    const { status, body } = await ask<Health>(app, '/health');
    assert.equal(status, 200);
    assert.equal(body.status, 'ok');
    assert.deepEqual(body.model, { name: bundle.manifest.name, hash: bundle.hash });
    assert.match(body.caption, /^[a-z]+( [a-z,.'-]+)+$/);
    assert.deepEqual((await ask<Health>(app, '/health')).body, body);
    assert.equal(asked.captions, 1);
  });

  it('makes one check for all that ask at the same time', async () => {
    const { app, asked } = recovering(0);
    const answers = await Promise.all(Array.from({ length: 5 }, () => ask(app, '/health')));
    assert.ok(answers.every(({ status }) => status === 200));
    assert.equal(asked.captions, 1);
  });

  it('fails when the model does, and does not remember that', async () => {
    const { app, asked } = recovering(1);
    const first = await Promise.all([ask(app, '/health'), ask(app, '/health')]);
    for (const answer of first) assertProblem(answer, 'Overloaded');
    assert.equal((await ask(app, '/health')).status, 200);
    assert.equal(asked.captions, 2);
  });

  it('fails when the model has nothing to say', async () => {
    const app = appWith({
      caption: async (...call) => ({ ...(await captioner.caption(...call)), captions: [] }),
    });
    assertProblem(await ask(app, '/health'), 'InternalError');
  });
});
