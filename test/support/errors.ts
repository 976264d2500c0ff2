import assert from 'node:assert/strict';
import { CaptionError, type ErrorCode, type ModelProblem, ModelUnusable } from '../../src/errors.ts';

/** The promise rejects with a typed error of this code, which is returned. */
export async function rejectsWith(promise: Promise<unknown>, code: ErrorCode): Promise<CaptionError> {
  const error = await rejection(promise);
  assert.ok(error instanceof CaptionError, `expected ${code}, got ${error}`);
  assert.equal(error.code, code, error.message);
  assert.equal(error.name, code);
  assert.notEqual(error.message, '');
  return error;
}

/** The promise rejects with a `ModelUnusable` that names all four parts; they are returned. */
export async function rejectsUnusable(promise: Promise<unknown>): Promise<ModelProblem> {
  const error = await rejectsWith(promise, 'ModelUnusable');
  assert.ok(error instanceof ModelUnusable);
  for (const [part, text] of Object.entries(error.problem)) assert.notEqual(text, '', `${part} is empty`);
  return error.problem;
}

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  assert.fail('expected a rejection, got a result');
}
