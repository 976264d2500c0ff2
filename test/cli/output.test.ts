/** What a command makes cannot be written. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { temporaryDirectory } from '../support/bundles.ts';
import { finished, LAUNCH, runCli } from '../support/cli.ts';
import { SAMPLES } from '../support/samples.ts';

const temporary = temporaryDirectory();
after(() => temporary.dispose());

/** Longer than what a file may have below, in two results. */
const WIDE = ['--beam', '2', '--max-length', '3', '--trace'];

describe('a full disk', { skip: process.platform !== 'linux' && 'needs /dev/full' }, () => {
  for (const args of [
    ['caption', '--json', SAMPLES],
    ['caption', '--json', '--jobs', '2', SAMPLES],
    ['caption', SAMPLES],
    ['alt', '--jobs', '2', SAMPLES],
  ]) {
    it(`under the standard output of ${args.slice(0, -1).join(' ')} is one line, and its own status`, async () => {
      const full = openSync('/dev/full', 'w');
      try {
        const child = spawn(process.execPath, [LAUNCH, ...args], { stdio: ['ignore', full, 'pipe'] });
        const { status, stderr } = await finished(child);
        assert.equal(
          stderr,
          'show-and-tell: standard output cannot be written (ENOSPC): the disk is full; make room\n',
        );
        assert.equal(status, 74);
      } finally {
        closeSync(full);
      }
    });
  }

  it('under the file of --resume is one line, and what was written is skipped later', async () => {
    const file = join(temporary.path, 'results.jsonl');
    // A limit on the size of files stands in for the disk's end (setrlimit(2): EFBIG where the signal is ignored).
    const limited = 'trap "" XFSZ; ulimit -f 8; exec "$@"';
    const args = ['caption', '--resume', file, ...WIDE, '--jobs', '2', SAMPLES];
    const child = spawn('sh', ['-c', limited, 'sh', process.execPath, LAUNCH, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const { status, stderr } = await finished(child);
    const remedy = 'a limit on the size of files; raise it (ulimit -f)';
    assert.equal(stderr, `show-and-tell: --resume: ${file} cannot be written (EFBIG): ${remedy}\n`);
    assert.equal(status, 74);
    const written = readFileSync(file, 'utf8').split('\n').length - 1;
    assert.ok(written > 0);
    const rest = await runCli(args);
    assert.match(rest.stdout, new RegExp(`, 0 failed, ${written} done before`));
  });
});
