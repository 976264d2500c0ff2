import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { SourceError, type SourceErrorCode, type SourceProblem } from '../../../src/errors.ts';

/** The promise rejects with a `SourceError` of this code; its problem is returned, no part of it empty. */
export async function rejectsSource(
  promise: Promise<unknown>,
  code: SourceErrorCode,
): Promise<SourceProblem> {
  const error = await failureOf(promise);
  assert.ok(error, `expected ${code}, got a result`);
  assert.equal(error.code, code, error.message);
  return error.problem;
}

/** The `SourceError` of a promise, null when it is fulfilled; anything else that is thrown is a bug. */
export async function failureOf(promise: Promise<unknown>): Promise<SourceError | null> {
  try {
    await promise;
    return null;
  } catch (error) {
    assert.ok(
      error instanceof SourceError,
      `expected a SourceError, got ${(error as Error)?.stack ?? error}`,
    );
    const { file, expected, actual, offset } = error.problem;
    for (const part of [file, expected, actual]) assert.notEqual(part, '', error.message);
    assert.ok(offset === undefined || (Number.isSafeInteger(offset) && offset >= 0), error.message);
    return error;
  }
}

/** A directory that lives as long as the test. */
export async function temporaryDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'show-and-tell-test-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}
