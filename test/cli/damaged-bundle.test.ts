/** Whatever loads a bundle refuses one whose manifest says the same in other bytes. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { selfCheck } from '../../src/cli/import/self-check.ts';
import { createPool, loadCaptioner } from '../../src/index.ts';
import { copyBundle, temporaryDirectory } from '../support/bundles.ts';
import { runCli } from '../support/cli.ts';
import { rejectsUnusable, rejectsWith } from '../support/errors.ts';
import { COFFEE } from '../support/samples.ts';

describe('a bundle whose manifest has a tab for a space', () => {
  const place = temporaryDirectory();
  const model = place.path;
  let manifest = '';
  const captions = join(place.path, 'captions.json');
  before(() => {
    manifest = copyBundle(model).manifestPath;
    writeFileSync(manifest, readFileSync(manifest, 'utf8').replace(': ', ':\t'));
    writeFileSync(captions, JSON.stringify({ dev: { 'coffee.jpg': ['a cup of coffee'] } }));
  });
  after(() => place.dispose());

  const COMMANDS: string[][] = [
    ['caption', COFFEE],
    ['caption', '--jobs', '2', COFFEE],
    ['alt', COFFEE],
    ['evaluate', '--images', dirname(COFFEE), '--captions', captions],
    ['quantize', '--calibrate', dirname(COFFEE), '--out', join(place.path, 'int8')],
    ['serve', '--port', '0', '--workers', '1'],
  ];
  for (const [command, ...args] of COMMANDS) {
    it(`is refused by ${command} ${args.filter((arg) => arg.startsWith('--')).join(' ')}`, async () => {
      const { status, stdout, stderr } = await runCli([command!, '--model', model, ...args]);
      assert.deepEqual([status, stdout], [4, ''], stderr);
      assert.ok(stderr.includes(`ModelUnusable: ${manifest}: expected SHA-256 `), stderr);
      assert.ok(stderr.includes('sha256sum manifest.json > manifest.json.sha256'), stderr);
    });
  }

  it('is refused by the library, in this thread and in others', async () => {
    const problem = await rejectsUnusable(loadCaptioner({ model }));
    assert.equal(problem.file, manifest);
    await rejectsWith(createPool({ workers: 1, model }), 'ModelUnusable');
  });

  it('is refused by the check that an import makes of its own', async () => {
    await rejectsUnusable(selfCheck(model));
  });
});
