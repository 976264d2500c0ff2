import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  CaptionError,
  CaptionerHung,
  DeadlineExceeded,
  describeProblems,
  type ErrorReport,
  errorOf,
  ImageNotFound,
  ImageTooLarge,
  InvalidRequest,
  inNames,
  isDiskFailure,
  ModelUnusable,
  ObjectRefused,
  OutputFailed,
  Overloaded,
  problemsIn,
  reportOf,
  SourceError,
  UnsupportedImage,
  UpstreamUnavailable,
} from '../src/errors.ts';

const PROBLEM = { file: 'a.onnx', expected: 'this', actual: 'that', remedy: 'Mend it.' };
const PROBLEMS = [{ field: 'beamWidth', message: 'raise {maxLength} as well' }, { message: 'too much' }];

const failures: [CaptionError, code: string, fault: string, message: string][] = [
  [new InvalidRequest('so'), 'InvalidRequest', 'input', 'so'],
  [new InvalidRequest(PROBLEMS), 'InvalidRequest', 'input', 'beamWidth: raise maxLength as well; too much'],
  [new UnsupportedImage('a'), 'UnsupportedImage', 'input', 'a'],
  [new ImageTooLarge('b'), 'ImageTooLarge', 'input', 'b'],
  [new ImageNotFound('c'), 'ImageNotFound', 'input', 'c'],
  [new ObjectRefused('h'), 'ObjectRefused', 'service', 'h'],
  [new Overloaded('d'), 'Overloaded', 'service', 'd'],
  [new DeadlineExceeded('e'), 'DeadlineExceeded', 'service', 'e'],
  [new CaptionerHung('f'), 'CaptionerHung', 'service', 'f'],
  [new UpstreamUnavailable('g'), 'UpstreamUnavailable', 'service', 'g'],
  [new ModelUnusable(PROBLEM), 'ModelUnusable', 'service', 'a.onnx: expected this, found that. Mend it.'],
];

test('a failure has one name everywhere, and says whose fault it is', () => {
  for (const [error, code, fault, message] of failures) {
    assert.deepEqual([error.name, error.code, error.fault, error.message], [code, code, fault, message]);
  }
});

test('a failure is the same one on the other side of a thread', () => {
  for (const [error, code] of failures) {
    const report: ErrorReport = structuredClone(reportOf(error));
    assert.equal(report.code, code);
    const crossed = errorOf(report);
    assert.ok(crossed instanceof CaptionError && crossed.constructor === error.constructor, code);
    assert.equal(crossed.message, error.message);
    assert.deepEqual(reportOf(crossed), report);
    if (error instanceof InvalidRequest) {
      assert.deepEqual((crossed as InvalidRequest).problems, error.problems);
    }
    if (error instanceof ModelUnusable) assert.deepEqual((crossed as ModelUnusable).problem, PROBLEM);
  }
});

test('a refusal keeps its problems one by one', () => {
  assert.deepEqual(new InvalidRequest(PROBLEMS).problems, PROBLEMS);
  assert.deepEqual(new InvalidRequest('so').problems, []);
});

test('a report has only what there is to say', () => {
  assert.deepEqual(reportOf(new Overloaded('d')), { code: 'Overloaded', message: 'd' });
  assert.deepEqual(reportOf(new InvalidRequest('so')), { code: 'InvalidRequest', message: 'so' });
});

test('anything else is a bug, told with its stack and as no failure on purpose', () => {
  const bug = new TypeError('x is not a function');
  assert.deepEqual(reportOf(bug), { code: 'InternalError', message: bug.stack });
  delete bug.stack;
  assert.deepEqual(reportOf(bug), { code: 'InternalError', message: 'x is not a function' });
  assert.deepEqual(reportOf('text'), { code: 'InternalError', message: 'text' });
  for (const report of [
    { code: 'InternalError', message: 'TypeError: x' },
    { code: 'ModelUnusable', message: 'without its problem' },
  ] as const) {
    const error = errorOf(report);
    assert.ok(!(error instanceof CaptionError));
    assert.equal(error.message, report.message);
  }
});

test('options are called as the edge calls them, in texts too', () => {
  const flags = (field: string) => `--${field}`;
  assert.equal(inNames('{a} with {b}, {not one}', flags), '--a with --b, {not one}');
  assert.equal(describeProblems(PROBLEMS, flags), '--beamWidth: raise --maxLength as well; too much');
  assert.equal(describeProblems([]), '');
});

test('what a schema found wrong is said by field, and of the whole where that has a name', () => {
  const issues = [
    { path: ['a', 0, 'b'], message: 'x' },
    { path: [], message: 'y' },
  ];
  assert.deepEqual(problemsIn({ issues }), [{ field: 'a.0.b', message: 'x' }, { message: 'y' }]);
  assert.deepEqual(problemsIn({ issues }, 'the body'), [
    { field: 'a.0.b', message: 'x' },
    { field: 'the body', message: 'y' },
  ]);
});

test('a source’s failure says which file, where in it, and what to do', () => {
  const problem = { file: 'a.pb', expected: 'this', actual: 'that' };
  const error = new SourceError('SourceDamaged', problem, { cause: 'why' });
  assert.deepEqual(
    [error.name, error.code, error.problem, error.cause, error.message],
    ['SourceDamaged', 'SourceDamaged', problem, 'why', 'a.pb: expected this, found that.'],
  );
  assert.equal(
    new SourceError('SourceDamaged', { ...problem, offset: 0, remedy: 'Fetch it anew.' }).message,
    'a.pb at byte 0: expected this, found that. Fetch it anew.',
  );
});

test('causes are kept', () => {
  assert.equal(new InvalidRequest('so', { cause: 'why' }).cause, 'why');
  assert.equal(new ModelUnusable(PROBLEM, { cause: 'why' }).cause, 'why');
  assert.equal(new OutputFailed('a', 'why').cause, 'why');
});

test('the disk’s own failures are told from others, each with what to do', () => {
  const withCode = (code: unknown) => Object.assign(new Error('x'), { code });
  const remedies = {
    ENOSPC: /full.*make room/,
    EDQUOT: /quota.*make room/,
    EFBIG: /limit.*ulimit/,
    EROFS: /read-only.*another place/,
    EIO: /disk fails.*another place/,
  };
  for (const [code, remedy] of Object.entries(remedies)) {
    assert.ok(isDiskFailure(withCode(code)), code);
    const { message } = new OutputFailed('a.json', withCode(code));
    assert.ok(message.startsWith(`a.json cannot be written (${code}): `), message);
    assert.match(message, remedy);
  }
  for (const other of [
    withCode('EACCES'),
    withCode('toString'),
    new Error('ENOSPC'),
    { code: 'EIO' },
    'EIO',
    null,
  ]) {
    assert.equal(isDiskFailure(other), false, String(other));
  }
  for (const code of ['EPIPE', 'toString']) {
    assert.equal(new OutputFailed('a', withCode(code)).message, `a cannot be written (${code})`);
  }
  assert.equal(new OutputFailed('a', new Error('x')).message, 'a cannot be written');
  assert.equal(new OutputFailed('a', { code: 'EIO' }).message, 'a cannot be written');
});
