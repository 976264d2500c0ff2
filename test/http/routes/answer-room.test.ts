import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { InvalidRequest } from '../../../src/errors.ts';
import { answerRoom } from '../../../src/http/routes/answer-room.ts';
import { COFFEE } from '../../support/samples.ts';
import { appWith, ask, assertProblem, captioner, formOf } from '../harness.ts';

test('parts are counted together, their quotes escaped and in UTF-8', () => {
  // "\"é\"": 8 bytes.
  const takeRoom = answerRoom(16);
  takeRoom('é');
  takeRoom('é');
  assert.throws(() => takeRoom(''), InvalidRequest);
  assert.throws(() => answerRoom(7)('é'), InvalidRequest);
  answerRoom()('x'.repeat(1 << 20));
});

test('an answer above the limit is refused, and what is left of its form is not captioned', async () => {
  const coffee = readFileSync(COFFEE);
  let captioned = 0;
  const images: number[] = [];
  const app = appWith({
    maxBodyBytes: 8 << 20,
    maxAnswerBytes: 3_000,
    caption: async (...call) => {
      captioned += 1;
      return await captioner.caption(...call);
    },
    report: (line) => images.push(line.images),
  });
  const form = (count: number) =>
    formOf(...Array.from({ length: count }, (_, i) => [`${i}`, coffee] as const));
  const one = await ask(app, '/captions?count=1', { method: 'POST', body: form(1) });
  assert.equal(one.status, 200);
  captioned = 0;
  const many = await ask(app, '/captions?count=1', { method: 'POST', body: form(20) });
  const { detail } = assertProblem(many, 'InvalidRequest');
  assert.match(detail!, /more than 3000 bytes/);
  assert.ok(captioned > 1 && captioned < 5, `${captioned} captioned`);
  assert.deepEqual(images, [1, captioned]);
  const long = await ask(app, '/captions?trace=true', { method: 'POST', body: form(1) });
  assertProblem(long, 'InvalidRequest');
});
