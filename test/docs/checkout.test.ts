import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryDirectory } from '../support/bundles.ts';
import { ROOT } from '../support/samples.ts';

test('files are checked out as they are committed, also where git makes carriage returns of line feeds', (t) => {
  const place = temporaryDirectory();
  t.after(() => place.dispose());
  const from = join(place.path, 'from');
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...args]);
  git('init', '-q', from);
  copyFileSync(join(ROOT, '.gitattributes'), join(from, '.gitattributes'));
  for (const name of ['manifest.json', 'word_counts.txt', 'build.sh'])
    writeFileSync(join(from, name), 'a\nb\n');
  git('-C', from, 'add', '.');
  git('-C', from, 'commit', '-qm', 'all');
  const to = join(place.path, 'to');
  git('clone', '-q', '-c', 'core.autocrlf=true', from, to);
  for (const name of ['manifest.json', 'word_counts.txt', 'build.sh', '.gitattributes'])
    assert.deepEqual(readFileSync(join(to, name)), readFileSync(join(from, name)), name);
});
