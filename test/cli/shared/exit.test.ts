import assert from 'node:assert/strict';
import { it } from 'node:test';
import { EXIT_MODEL_UNUSABLE, EXIT_SOME_IMAGE_FAILED, severity } from '../../../src/cli/shared/exit.ts';

it('lets the others go on where the machine had no memory, time or captioner for one image', () => {
  for (const code of ['UnsupportedImage', 'Overloaded', 'DeadlineExceeded', 'CaptionerHung'] as const) {
    assert.equal(severity({ code, message: '' }), EXIT_SOME_IMAGE_FAILED, code);
  }
  assert.equal(severity({ code: 'ModelUnusable', message: '' }), EXIT_MODEL_UNUSABLE);
  assert.ok(severity({ code: 'InternalError', message: '' }) > EXIT_SOME_IMAGE_FAILED);
});
