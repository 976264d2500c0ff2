import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, it } from 'node:test';
import { temporaryDirectory } from '../support/bundles.ts';
import { runCli } from '../support/cli.ts';
import { COFFEE } from '../support/samples.ts';

const home = temporaryDirectory();
const { HOME: homeBefore, XDG_CACHE_HOME: cacheBefore } = process.env;

before(() => {
  process.env.HOME = home.path;
  delete process.env.XDG_CACHE_HOME;
});
after(() => {
  process.env.HOME = homeBefore;
  if (cacheBefore !== undefined) process.env.XDG_CACHE_HOME = cacheBefore;
  home.dispose();
});

/** onnxruntime's reporting code reads the command line and crashes past about 32 kB. */
const LONG = Array<string>(1500).fill(`${'./'.repeat(20)}nowhere.jpg`);

for (const jobs of ['1', '2']) {
  it(`captions with a very long command line and reports nothing home, ${jobs} job(s)`, async () => {
    const { status, stdout } = await runCli(['caption', '--json', '--jobs', jobs, COFFEE, ...LONG]);
    assert.equal(status, 3);
    assert.equal(stdout.trim().split('\n').length, 1 + LONG.length);
    // The compiled code of the program itself; the database of reports would lie beside it.
    assert.deepEqual(readdirSync(home.path), ['.cache']);
    assert.deepEqual(readdirSync(join(home.path, '.cache')), ['show-and-tell']);
  });
}
