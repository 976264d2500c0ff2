import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { temporaryDirectory } from '../../support/bundles.ts';
import { ROOT } from '../../support/samples.ts';

const SCRIPT = join(ROOT, 'infra/functions/prune-versions.sh');
const { path, dispose } = temporaryDirectory();
after(dispose);
const asked = join(path, 'asked');

/** AWS's command line as it answers with `--output text`: columns by tabs, a line for each page. */
writeFileSync(
  join(path, 'aws'),
  `#!/bin/sh
case "$*" in
*list-stack-resources*"--stack-name ShowAndTell-prod"*) printf 'http\\tqueue\\n' ;;
*list-aliases*http*) printf '4\\t2\\n' ;;
*list-aliases*queue*) printf '12\\n' ;;
*list-versions-by-function*http*) printf '$LATEST\\t1\\t2\\n3\\t4\\t5\\t6\\n' ;;
*list-versions-by-function*queue*) printf '$LATEST\\t9\\t10\\t11\\t12\\n' ;;
*delete-function*) echo "$4 $6" >> ${asked} ;;
*) exit 1 ;;
esac
`,
  { mode: 0o755 },
);

function prune(...args: string[]) {
  const { status, stderr } = spawnSync(SCRIPT, args, {
    env: { PATH: `${path}:/usr/bin:/bin` },
    encoding: 'utf8',
  });
  const deleted = existsSync(asked) ? readFileSync(asked, 'utf8').trim().split('\n') : [];
  writeFileSync(asked, '');
  return { status, stderr, deleted: deleted.filter(Boolean).sort() };
}

test('old versions go but for those that an alias names, also for a tenth of the calls, and the newest', () => {
  assert.deepEqual(prune('ShowAndTell-prod', '2').deleted, ['http 1', 'http 3', 'queue 10', 'queue 9']);
  assert.deepEqual(prune('ShowAndTell-prod').deleted, ['http 1', 'http 3', 'queue 9']);
  assert.deepEqual(prune('ShowAndTell-prod', '9').deleted, []);
});

test('a number that is none, and a stack that is not there, delete nothing', () => {
  for (const args of [
    ['ShowAndTell-prod', 'all'],
    ['ShowAndTell-prod', '0'],
    ['ShowAndTell-prdo', '2'],
    [],
  ]) {
    const { status, stderr, deleted } = prune(...args);
    assert.notEqual(status, 0, stderr);
    assert.deepEqual(deleted, []);
  }
});
