import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ErrorReport } from '../../src/errors.ts';
import { PROBLEMS, retryAfter } from '../../src/http/failures.ts';
import { ROOT } from '../support/samples.ts';

/** Every name that a failure of the core may have. */
const CODES = {
  InvalidRequest: true,
  UnsupportedImage: true,
  ImageTooLarge: true,
  ImageNotFound: true,
  ObjectRefused: true,
  Overloaded: true,
  DeadlineExceeded: true,
  CaptionerHung: true,
  UpstreamUnavailable: true,
  ModelUnusable: true,
  InternalError: true,
} satisfies Record<ErrorReport['code'], true>;

test('docs/operations.md tells of every failure with its HTTP status', () => {
  const text = readFileSync(join(ROOT, 'docs/operations.md'), 'utf8');
  const rows = [...text.matchAll(/^\| `(\w+)` \| (\d{3})(, `Retry-After`)? \|/gm)];
  assert.deepEqual(
    Object.fromEntries(rows.map(([, code, status, retry]) => [code, [Number(status), retry !== undefined]])),
    Object.fromEntries(
      (Object.keys(CODES) as ErrorReport['code'][]).map((code) => [
        code,
        [PROBLEMS[code].status, 'retry-after' in retryAfter(code)],
      ]),
    ),
  );
});
