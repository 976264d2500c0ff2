import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { writeZip } from '../../../infra/published/write-zip.ts';
import { temporaryDirectory } from '../../support/bundles.ts';
import { unzip } from './unzip.ts';

const { path, dispose } = temporaryDirectory();
after(dispose);

const FILES = ['z.mjs', 'node_modules/a/index.js'];

function directoryOf(name: string, mode: number, seconds: number): string {
  const directory = join(path, name);
  mkdirSync(join(directory, 'node_modules/a'), { recursive: true });
  for (const file of FILES) {
    writeFileSync(join(directory, file), file);
    chmodSync(join(directory, file), mode);
    utimesSync(join(directory, file), seconds, seconds);
  }
  return directory;
}

test('dates and permissions of the files change nothing, and everybody may read them', async () => {
  const [one, other] = [join(path, 'one.zip'), join(path, 'other.zip')];
  await writeZip(directoryOf('one', 0o600, 1_000_000_000), one);
  await writeZip(directoryOf('other', 0o755, 1_700_000_000), other);
  assert.deepEqual(readFileSync(one), readFileSync(other));
  const files = await unzip(readFileSync(one));
  assert.deepEqual([...files.keys()], FILES.toSorted());
  for (const [name, { mode, bytes }] of files) {
    assert.equal(bytes.toString(), name);
    assert.equal(mode, '100644', name);
  }
});
