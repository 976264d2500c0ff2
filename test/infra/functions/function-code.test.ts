import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { assembleFunctions } from '../../../infra/functions/function-code.ts';
import { copyBundle, flipByte, temporaryDirectory } from '../../support/bundles.ts';
import { rejectsUnusable } from '../../support/errors.ts';

test('a damaged bundle is not packed', async (t) => {
  const place = temporaryDirectory();
  t.after(() => place.dispose());
  const bundle = copyBundle(place.path);
  const out = join(place.path, 'out');
  for (const damaged of [bundle.manifestPath, bundle.pathOf('decoder')]) {
    flipByte(damaged);
    const problem = await rejectsUnusable(
      assembleFunctions({ architecture: 'x86_64', modelDirectory: place.path }, out),
    );
    assert.equal(problem.file, damaged);
    assert.ok(!existsSync(out));
    flipByte(damaged);
  }
});
