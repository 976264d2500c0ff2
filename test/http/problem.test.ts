import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import {
  CaptionerHung,
  DeadlineExceeded,
  type ErrorCode,
  ImageNotFound,
  ImageTooLarge,
  InvalidRequest,
  ModelUnusable,
  ObjectRefused,
  Overloaded,
  UnsupportedImage,
  UpstreamUnavailable,
} from '../../src/errors.ts';
import type { RequestReport } from '../../src/http/parts.ts';
import { COFFEE } from '../support/samples.ts';
import { appWith, ask, assertProblem, formOf, post } from './harness.ts';

const coffee = readFileSync(COFFEE);

/** An app whose model fails in this way, and the reports of its requests. */
function failing(error: unknown) {
  const reports: RequestReport[] = [];
  const app = appWith({ caption: () => Promise.reject(error), report: (line) => reports.push(line) });
  return { app, reports };
}

const FAILURES = {
  InvalidRequest: [new InvalidRequest('told'), 422],
  UnsupportedImage: [new UnsupportedImage('told'), 415],
  ImageTooLarge: [new ImageTooLarge('told'), 413],
  ImageNotFound: [new ImageNotFound('told'), 404],
  ObjectRefused: [new ObjectRefused('told'), 500],
  Overloaded: [new Overloaded('told'), 503],
  DeadlineExceeded: [new DeadlineExceeded('told'), 504],
  CaptionerHung: [new CaptionerHung('told'), 503],
  UpstreamUnavailable: [new UpstreamUnavailable('told'), 503],
  ModelUnusable: [
    new ModelUnusable({ file: '/srv/secret', expected: 'this', actual: 'that', remedy: 'mend it' }),
    500,
  ],
} satisfies Record<ErrorCode, [Error, number]>;

describe('a failure of the core', () => {
  for (const [code, [error, status]] of Object.entries(FAILURES)) {
    it(`${code} is answered with ${status}`, async () => {
      const { app, reports } = failing(error);
      const answer = await post(app, '/captions', coffee, 'image/jpeg');
      const problem = assertProblem(answer, code as ErrorCode);
      assert.equal(problem.status, status);
      assert.equal(problem.detail, code === 'ModelUnusable' ? undefined : 'told');
      assert.equal(problem.instance, '/captions');
      assert.equal(reports[0]!.code, code);
      assert.equal(
        answer.headers.has('retry-after'),
        status === 503,
        'only what passes is worth another try at once',
      );
    });
  }

  it('that is a bug tells the client nothing and the report everything', async () => {
    const { app, reports } = failing(new TypeError('/srv/secret is undefined'));
    const answer = await post(app, '/captions', coffee, 'image/jpeg');
    assert.equal(assertProblem(answer, 'InternalError').detail, undefined);
    assert.doesNotMatch(JSON.stringify(answer.body), /secret/);
    assert.match(reports[0]!.error!, /secret is undefined[\s\S]*problem\.test/);
  });

  it('of the service’s own fails a form with several images as a whole', async () => {
    const { app } = failing(new Overloaded('the queue is full'));
    const form = formOf(['a.jpg', coffee], ['b.jpg', coffee]);
    assertProblem(await post(app, '/captions', form), 'Overloaded');
  });
});

describe('the request id', () => {
  const idOf = async (id: string): Promise<string> => {
    const { headers } = await ask(failing(null).app, '/model', { headers: { 'x-request-id': id } });
    return headers.get('x-request-id')!;
  };

  it('is the client’s where that is sane', async () => {
    for (const id of ['a', '1-67891233-abcdef012345678912345678', 'x'.repeat(128)]) {
      assert.equal(await idOf(id), id);
    }
  });

  it('is made anew where the client’s is not', async () => {
    for (const id of ['', 'a b', 'a"b', '<script>', 'x'.repeat(129), 'é']) {
      assert.match(await idOf(id), /^[0-9a-f-]{36}$/, id);
    }
    assert.notEqual(await idOf(''), await idOf(''));
  });
});
