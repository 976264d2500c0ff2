/** Commands on a disk that is full: a small file system in memory. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  appendFileSync,
  closeSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { temporaryDirectory } from '../support/bundles.ts';
import { runCli } from '../support/cli.ts';
import { COFFEE, ROOT, SAMPLES } from '../support/samples.ts';

const TINY = join(ROOT, 'test/fixtures/golden/tiny');
const GRAPH = join(TINY, 'im2txt-tiny.pb');
const WORDS = ['--vocabulary', join(TINY, 'word_counts.txt')];

const temporary = temporaryDirectory();
const at = (name: string) => join(temporary.path, name);
const disks: string[] = [];
after(() => {
  for (const disk of disks) execFileSync('umount', [disk]);
  temporary.dispose();
});

/** @returns where it is mounted, or `null` where nobody may */
function mountDisk(name: string, kilobytes: number): string | null {
  mkdirSync(at(name));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${kilobytes}k`, 'tmpfs', at(name)], {
      stdio: 'ignore',
    });
  } catch {
    return null;
  }
  disks.push(at(name));
  return at(name);
}

/** Leaves not a byte. */
function fill(disk: string): void {
  const file = openSync(join(disk, 'filler'), 'w');
  try {
    for (;;) writeSync(file, Buffer.alloc(512));
  } catch (error) {
    assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC');
  } finally {
    closeSync(file);
  }
}

/** Every name below, with what each file holds. */
function contents(directory: string): [string, string][] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .map((entry): [string, string] => {
      const path = join(entry.parentPath, entry.name);
      return [path, entry.isFile() ? createHash('sha256').update(readFileSync(path)).digest('hex') : ''];
    })
    .sort();
}

const isPossible = mountDisk('probe', 16) !== null;

describe('on a full disk', { skip: !isPossible && 'nobody but root mounts file systems' }, () => {
  let fp32 = '';
  before(async () => {
    fp32 = at('fp32');
    const { status, stderr } = await runCli(['import', '--from', GRAPH, ...WORDS, '--out', fp32]);
    assert.equal(status, 0, stderr);
  });

  /** One line, its own status, and the disk as it was. */
  async function fails(disk: string, args: string[], line: RegExp, env = {}): Promise<void> {
    const before = contents(disk);
    const { status, stderr } = await runCli(args, {
      env: { ...process.env, NODE_DISABLE_COMPILE_CACHE: '1', ...env },
    });
    assert.match(stderr, line);
    assert.match(stderr, /^[^\n]+ cannot be written \(ENOSPC\): the disk is full; make room\n$/);
    assert.equal(status, 74);
    assert.deepEqual(contents(disk), before);
  }

  it('import leaves no bundle', async () => {
    const disk = mountDisk('import', 256)!;
    await fails(disk, ['import', '--from', GRAPH, ...WORDS, '--out', join(disk, 'b')], /import\/b cannot/);
  });

  it('quantize leaves no bundle', async () => {
    const disk = mountDisk('quantize', 64)!;
    const args = ['quantize', '--model', fp32, '--calibrate', COFFEE, '--out', join(disk, 'b')];
    await fails(disk, args, /quantize\/b cannot/);
  });

  it('import unpacks no archive', async () => {
    const disk = mountDisk('unpack', 256)!;
    const archive = at('weights.tar.gz');
    execFileSync('tar', ['czf', archive, '-C', TINY, 'im2txt-tiny.pb', 'word_counts.txt']);
    const args = ['import', '--from', archive, '--out', at('unpacked')];
    await fails(disk, args, /im2txt-tiny\.pb cannot/, { TMPDIR: disk });
  });

  it('import keeps nothing of a download', async () => {
    const disk = mountDisk('download', 256)!;
    const content = readFileSync(GRAPH);
    const server = createServer((_, response) => response.end(content)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/im2txt.pb`;
    const hash = createHash('sha256').update(content).digest('hex');
    const args = ['import', '--from', address, '--sha256', hash, ...WORDS, '--out', at('downloaded')];
    try {
      const { status, stderr } = await runCli(args, {
        env: { ...process.env, NODE_DISABLE_COMPILE_CACHE: '1', TMPDIR: disk, XDG_CACHE_HOME: disk },
      });
      assert.match(
        stderr,
        /^[^\n]+im2txt\.pb\.part cannot be written \(ENOSPC\): the disk is full; make room\n$/,
      );
      assert.equal(status, 74);
      assert.deepEqual(
        contents(disk).filter(([, hash]) => hash !== ''),
        [],
      );
    } finally {
      server.close();
    }
  });

  it('alt leaves photographs and pages as they are', async () => {
    const disk = mountDisk('alt', 512)!;
    copyFileSync(COFFEE, join(disk, 'coffee.jpg'));
    writeFileSync(join(disk, 'page.html'), '<img src="coffee.jpg">');
    writeFileSync(join(disk, 'raw.dng'), readFileSync(COFFEE));
    fill(disk);
    await fails(disk, ['alt', '--write-xmp', join(disk, 'coffee.jpg')], /coffee\.jpg cannot/);
    await fails(disk, ['alt', '--html', join(disk, 'page.html')], /page\.html cannot/);
    await fails(disk, ['alt', '--write-xmp', '--sidecar', join(disk, 'raw.dng')], /raw\.xmp cannot/);
  });

  it('evaluate --save leaves the manifest as it is', async () => {
    const disk = mountDisk('save', 2048)!;
    cpSync(fp32, join(disk, 'model'), { recursive: true });
    fill(disk);
    writeFileSync(at('captions.json'), JSON.stringify({ dev: { 'coffee.jpg': ['a cup of coffee'] } }));
    const args = ['evaluate', '--model', join(disk, 'model'), '--images', SAMPLES];
    await fails(disk, [...args, '--captions', at('captions.json'), '--save'], /manifest\.json cannot/);
  });

  it('caption leaves no half picture, and no half line', async () => {
    const disk = mountDisk('caption', 64)!;
    appendFileSync(join(disk, 'results.jsonl'), '');
    fill(disk);
    await fails(disk, ['caption', '--trace-to', disk, COFFEE], /0001-coffee\.svg cannot/);
    await fails(disk, ['caption', '--resume', join(disk, 'results.jsonl'), COFFEE], /results\.jsonl/);
  });
});
