/** Files that are looked into are closed, whatever becomes of them: a directory of a model has thousands. */
import assert from 'node:assert/strict';
import { cpSync, existsSync, readdirSync, readlinkSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readWeights } from '../../src/import/read-weights.ts';
import { fileKind, unsupportedFile } from '../../src/import/source/file-kind.ts';
import { TINY } from './network/formula-weights.ts';
import { temporaryDirectory } from './source/source-failures.ts';

const skip = !existsSync('/proc/self/fd') && 'needs /proc';

/** Paths below a directory that this process has open. */
function openBelow(directory: string): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const path = readlinkSync(join('/proc/self/fd', fd));
      return path.startsWith(directory) ? [path.slice(directory.length + 1)] : [];
    } catch {
      // The one of the listing itself.
      return [];
    }
  });
}

test('nothing stays open, of sources that are read and of those that are not', { skip }, async (t) => {
  const directory = await temporaryDirectory(t);
  const at = (name: string) => join(directory, name);
  const put = (name: string, content: string) => {
    writeFileSync(at(name), content, 'latin1');
    return at(name);
  };
  for (const name of ['im2txt-tiny.pb', 'v1', 'v2']) cpSync(join(TINY, name), at(name), { recursive: true });
  cpSync(at('v1'), at('cut'), { recursive: true });
  truncateSync(at('cut/model.ckpt-1000'), 1000);
  cpSync(at('v2'), at('alone'), { recursive: true });
  rmSync(at('alone/model.ckpt-1000.data-00000-of-00001'));
  const huge = put('huge.pb', '');
  truncateSync(huge, 2 ** 34);
  const works: [what: string, work: () => Promise<unknown>, ends: 'well' | RegExp][] = [
    ['a graph', () => readWeights(at('im2txt-tiny.pb')), 'well'],
    ['a V1 checkpoint', () => readWeights(at('v1')), 'well'],
    ['a V2 checkpoint', () => readWeights(at('v2')), 'well'],
    ['a kind', () => fileKind(at('im2txt-tiny.pb')), 'well'],
    ['no kind', () => unsupportedFile(put('a.txt', 'text'), 'other'), 'well'],
    ['another graph', () => readWeights(put('b.pb', '\x0a\x03\x0a\x01a')), /SourceUnsupported/],
    ['a damaged graph', () => readWeights(put('c.pb', '\x0a\x03\x0a\x01a\xff')), /SourceDamaged/],
    ['a damaged table', () => readWeights(put('d.ckpt', '\x00\x00\x01')), /SourceDamaged/],
    ['a V1 checkpoint that is cut off', () => readWeights(at('cut/model.ckpt-1000')), /SourceDamaged/],
    ['an index alone', () => readWeights(at('alone')), /SourceUnreadable/],
    ['a file that is too large', () => readWeights(huge), /SourceUnsupported/],
    ['packed bytes that are none', () => fileKind(put('e.gz', '\x1f\x8b')), 'well'],
  ];
  for (const [what, work, ends] of works) {
    const name = await work().then(
      () => 'well',
      (error: Error) => error.name,
    );
    assert.match(name, new RegExp(ends), what);
    assert.deepEqual(openBelow(directory), [], what);
  }
});
