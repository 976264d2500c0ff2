import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { after, before, describe, type TestContext, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import tar from 'tar-stream';
import { readWeights } from '../../../src/import/read-weights.ts';
import { ARCHIVE_LIMITS, unpack } from '../../../src/import/source/archive.ts';
import { type ArchiveLimits, asDamage } from '../../../src/import/source/archive-entries.ts';
import type { FoundArchive } from '../../../src/import/source/source.ts';
import { TINY } from '../network/formula-weights.ts';
import { failureOf, rejectsSource, temporaryDirectory } from './source-failures.ts';
import { zipOf } from './write-zip.ts';

type Content = string | Buffer;
const golden = (name: string): Buffer => readFileSync(join(TINY, name));
const V2 = ['v2/model.ckpt-1000.index', 'v2/model.ckpt-1000.data-00000-of-00001'] as const;

/** Entries by name; a header instead of a content for anything but a file. */
async function tarOf(
  entries: readonly (readonly [string, Content | Partial<tar.Header>])[],
): Promise<Buffer> {
  const pack = tar.pack();
  for (const [name, content] of entries) {
    if (typeof content === 'string' || Buffer.isBuffer(content)) pack.entry({ name }, content);
    else pack.entry({ name, ...content });
  }
  pack.finalize();
  return buffer(pack as unknown as NodeJS.ReadableStream);
}

async function written(t: TestContext, name: string, bytes: Buffer): Promise<string> {
  const file = join(await temporaryDirectory(t), name);
  await writeFile(file, bytes);
  return file;
}

// A place of its own: other tests unpack at the same time, and these here look at what is left behind.
before(async () => {
  process.env.TMPDIR = await mkdtemp(join(tmpdir(), 'show-and-tell-test-'));
});
after(() => rm(process.env.TMPDIR!, { recursive: true, force: true }));

const unpacked = (): string[] => readdirSync(tmpdir()).filter((name) => name.startsWith('.show-and-tell-'));

describe('archives with weights', () => {
  let v2Tar: Buffer;
  before(async () => {
    v2Tar = await tarOf([
      ['./', { type: 'directory' }],
      ['./model/', { type: 'directory' }],
      ...V2.map((name) => [`./model/${basename(name)}`, golden(name)] as const),
      ['./word_counts.txt', golden('word_counts.txt')],
    ]);
  });

  const cases: readonly (readonly [name: string, kind: string, bytes: () => Buffer | Promise<Buffer>])[] = [
    ['weights.tar', 'checkpoint-v2', () => v2Tar],
    ['weights.tar.gz', 'checkpoint-v2', () => gzipSync(v2Tar)],
    ['no-name-at-all', 'checkpoint-v2', () => gzipSync(v2Tar)],
    [
      'weights.zip',
      'frozen-graph',
      () =>
        zipOf([
          ['im2txt/', ''],
          ['im2txt/model.pb', golden('im2txt-tiny.pb')],
          ['im2txt/word_counts.txt', golden('word_counts.txt')],
        ]),
    ],
    [
      'v1.tgz',
      'checkpoint-v1',
      async () =>
        gzipSync(
          await tarOf([
            ['a/b/model.ckpt', golden('v1/model.ckpt-1000')],
            ['a/word_counts.txt', 'x 1'],
          ]),
        ),
    ],
  ];
  for (const [name, kind, bytes] of cases) {
    test(`${name}: ${kind}, and its word list`, async (t) => {
      const file = await written(t, name, await bytes());
      const { source, vocabulary, dispose } = await readWeights(file);
      assert.equal(source.kind, kind);
      assert.ok(existsSync(vocabulary!.file));
      await dispose();
      assert.ok(!existsSync(vocabulary!.file));
      assert.ok(!existsSync(source.file));
    });
  }

  test('a compressed graph alone, with a word list beside it', async (t) => {
    const file = await written(t, 'model.pb.gz', gzipSync(golden('im2txt-tiny.pb')));
    await cp(join(TINY, 'word_counts.txt'), join(file, '../word_counts.txt'));
    const { source, vocabulary, dispose } = await readWeights(file);
    assert.equal(source.kind, 'frozen-graph');
    assert.equal(vocabulary?.file, join(file, '../word_counts.txt'));
    await dispose();
  });

  test('what is wrong inside is said with the name of the archive', async (t) => {
    const broken = Buffer.from(golden('v1/model.ckpt-1000'));
    broken[50_000]! ^= 1;
    const file = await written(t, 'weights.tar', await tarOf([['m/model.ckpt', broken]]));
    const before = unpacked();
    const problem = await rejectsSource(readWeights(file), 'SourceDamaged');
    assert.equal(problem.file, `${file}: m/model.ckpt`);
    assert.deepEqual(unpacked(), before);
  });
});

test('nothing stays behind when the process ends before it is disposed of', async (t) => {
  const file = await written(t, 'model.gz', gzipSync(golden('im2txt-tiny.pb')));
  const module = new URL('../../../src/import/read-weights.ts', import.meta.url).href;
  const program = `const { readWeights } = await import(${JSON.stringify(module)});
    const { source } = await readWeights(${JSON.stringify(file)});
    console.log(source.file);
    process.exit(130);`;
  const { status, stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
  });
  assert.equal(status, 130);
  assert.match(stdout, /\.show-and-tell-/);
  assert.ok(!existsSync(stdout.trim()));
});

test('a disk that is full is told as such, whatever the archive', async (t) => {
  const content = randomBytes(1 << 20);
  const inTar = await tarOf([
    ['a/m', content],
    ['a/n', content],
  ]);
  const archives = await Promise.all([
    ...[written(t, 'm.tar', inTar), written(t, 'm.tar.gz', gzipSync(inTar))],
    ...[written(t, 'm.gz', gzipSync(content)), written(t, 'm.zip', zipOf([['m', content]]))],
  ]);
  const module = new URL('../../../src/import/read-weights.ts', import.meta.url).href;
  const program = `const { readWeights } = await import(${JSON.stringify(module)});
    for (const file of process.argv.slice(1)) {
      await readWeights(file).catch(({ constructor: { name }, message }) => console.log(name, message));
    }`;
  // A limit on the size of files stands in for the disk's end (setrlimit(2): EFBIG where the signal is ignored).
  const limited = 'trap "" XFSZ; ulimit -f 256; exec "$@"';
  const { stdout } = spawnSync(
    'bash',
    ['-c', limited, 'bash', process.execPath, '--input-type=module', '-e', program, '--', ...archives],
    { encoding: 'utf8' },
  );
  const lines = stdout.trim().split('\n');
  assert.equal(lines.length, archives.length, stdout);
  for (const line of lines) assert.match(line, /^OutputFailed .* cannot be written \(EFBIG\): a limit/);
  assert.deepEqual(unpacked(), []);
});

test('an archive that the system does not read is told from one that is damaged', () => {
  const said = (cause: unknown) => {
    const error = asDamage('a.zip', cause);
    assert.equal(error.cause, cause);
    return error.name;
  };
  for (const code of ['EACCES', 'EIO', 'EMFILE', 'ENOENT', 'EPERM']) {
    assert.equal(said(Object.assign(new Error('x'), { code })), 'SourceUnreadable', code);
  }
  for (const code of ['Z_DATA_ERROR', 'EIOX', '']) {
    assert.equal(said(Object.assign(new Error('x'), { code })), 'SourceDamaged', code);
  }
  for (const cause of [new Error('x'), 'text', null, undefined]) assert.equal(said(cause), 'SourceDamaged');
});

describe('archives that are refused', () => {
  const OUTSIDE = { expected: "names inside the archive's own folder" };
  const KIND = { expected: 'files and folders' };
  const names = ['../evil', 'a/../../evil', '/tmp/evil', 'C:\\evil', 'a\\..\\..\\evil', '..'];
  for (const name of names) {
    test(`a tar with ${name}`, async (t) => {
      const file = await written(
        t,
        'a.tar',
        await tarOf([
          ['good', 'x'],
          [name, 'evil'],
        ]),
      );
      await refusedWithoutTrace(file, { ...OUTSIDE, actual: JSON.stringify(name) });
    });
    test(`a zip with ${name}`, async (t) => {
      const file = await written(
        t,
        'a.zip',
        zipOf([
          ['good', 'x'],
          [name, 'evil'],
        ]),
      );
      await refusedWithoutTrace(file);
    });
  }

  for (const type of ['symlink', 'link', 'character-device', 'fifo'] as const) {
    test(`a tar with a ${type}`, async (t) => {
      const bytes = await tarOf([
        ['l', { type, linkname: '/etc' }],
        ['l/passwd', 'evil'],
      ]);
      await refusedWithoutTrace(await written(t, 'a.tar', bytes), { ...KIND, actual: `a ${type}: l` });
    });
  }

  test('a zip with a link', async (t) => {
    const file = await written(t, 'a.zip', zipOf([['l', '/etc', 0o120777]]));
    await refusedWithoutTrace(file, { ...KIND, actual: 'a link: l' });
  });

  test('a zip with an encrypted entry', async (t) => {
    const name = `secret${'x'.repeat(300)}`;
    const bytes = zipOf([[name, 'x']]);
    // The first of the general purpose flags, and deflated, in the header of the entry and in that of the directory.
    for (const [mark, at] of [
      ['PK\x03\x04', 6],
      ['PK\x01\x02', 8],
    ] as const) {
      const flags = bytes.indexOf(mark, 0, 'latin1') + at;
      bytes.set([1, 0, 8, 0], flags);
    }
    const file = await written(t, 'a.zip', bytes);
    await refusedWithoutTrace(file, {
      expected: 'no encryption',
      actual: `an encrypted ${name.slice(0, 200)}`,
    });
  });

  test('a name without an end is told in part', async (t) => {
    const name = 'x'.repeat(5000);
    const start = name.slice(0, 200);
    const zip = await written(t, 'a.zip', zipOf([[name, '', 0o120777]]));
    await refusedWithoutTrace(zip, { ...KIND, actual: `a link: ${start}` });
    const inTar = await written(t, 'a.tar', await tarOf([[name, { type: 'symlink', linkname: '/etc' }]]));
    await refusedWithoutTrace(inTar, { ...KIND, actual: `a symlink: ${start}` });
    const outside = await written(t, 'b.tar', await tarOf([[`../${name}`, 'x']]));
    await refusedWithoutTrace(outside, { ...OUTSIDE, actual: JSON.stringify(`../${name}`.slice(0, 200)) });
  });

  test('a folder of a tar that leads outside', async (t) => {
    for (const name of ['../evil/', '/tmp/evil/', '.../../evil/']) {
      const file = await written(t, 'a.tar', await tarOf([[name, { type: 'directory' }]]));
      await refusedWithoutTrace(file, { ...OUTSIDE, actual: JSON.stringify(name) });
    }
  });

  test('two entries of one name', async (t) => {
    await refusedWithoutTrace(
      await written(
        t,
        'a.tar',
        await tarOf([
          ['a', 'x'],
          ['a', 'y'],
        ]),
      ),
    );
  });

  test('nothing in it', async (t) => {
    await refusedWithoutTrace(await written(t, 'a.zip', zipOf([])));
    await refusedWithoutTrace(await written(t, 'a.tar', await tarOf([['readme.txt', 'x']])));
    await refusedWithoutTrace(await written(t, 'a.gz', gzipSync('')));
  });

  async function refusedWithoutTrace(
    file: string,
    problem?: { expected: string; actual: string },
  ): Promise<void> {
    const before = unpacked();
    const error = await failureOf(readWeights(file));
    assert.ok(error, 'no error');
    assert.ok(error.problem.file.startsWith(file), error.message);
    if (problem) {
      assert.equal(error.code, 'SourceUnsupported');
      const remedy = 'Unpack it by hand if you trust it, and import the file inside.';
      assert.deepEqual(error.problem, { file, ...problem, remedy });
    }
    assert.deepEqual(unpacked(), before);
    assert.ok(!existsSync(join(tmpdir(), 'evil')) && !existsSync(join(file, '../../evil')));
  }
});

describe('limits', () => {
  const archive = (file: string, packing: FoundArchive['packing']): FoundArchive => ({
    kind: 'archive',
    file,
    packing,
    vocabulary: null,
  });

  test('a gzip bomb stops at the ratio, whatever it holds', async (t) => {
    const bomb = gzipSync(Buffer.alloc(16 << 20));
    const limits = { ...ARCHIVE_LIMITS, freeBytes: 1 << 20 };
    const plain = await written(t, 'bomb.gz', bomb);
    const problem = await rejectsSource(unpack(archive(plain, 'gzip'), limits), 'SourceUnsupported');
    assert.match(problem.expected, /at most \d+ bytes in \d+ packed ones/);
    const inTar = await written(t, 'b.tgz', gzipSync(await tarOf([['zeros', Buffer.alloc(16 << 20)]])));
    await rejectsSource(unpack(archive(inTar, 'tar.gz'), limits), 'SourceUnsupported');
  });

  test('the default lets a first 64 MiB of zeros pass, and not 65', async (t) => {
    const file = await written(t, 'bomb.gz', gzipSync(Buffer.alloc(65 << 20), { level: 1 }));
    await rejectsSource(readWeights(file), 'SourceUnsupported');
  });

  test('weights as compressible as these pass', async (t) => {
    const file = await written(t, 'model.gz', gzipSync(golden('im2txt-tiny.pb')));
    const { directory, dispose } = await unpack(archive(file, 'gzip'), { ...ARCHIVE_LIMITS, freeBytes: 0 });
    t.after(dispose);
    assert.equal((await readFile(join(directory, 'model'))).length, golden('im2txt-tiny.pb').length);
  });

  test('more entries than a model has', async (t) => {
    const entries = Array.from({ length: 21 }, (_, i) => [`f${i}`, 'x'] as const);
    const asTar = await written(t, 'a.tar', await tarOf(entries));
    const asZip = await written(t, 'a.zip', zipOf(entries));
    for (const [file, packing] of [
      [asTar, 'tar'],
      [asZip, 'zip'],
    ] as const) {
      const limits = { ...ARCHIVE_LIMITS, entries: 20 };
      const problem = await rejectsSource(unpack(archive(file, packing), limits), 'SourceUnsupported');
      assert.deepEqual([problem.expected, problem.actual], ['at most 20 entries', 'more']);
      const { directory, dispose } = await unpack(archive(file, packing), { ...limits, entries: 21 });
      assert.equal(readdirSync(directory).length, 21);
      await dispose();
    }
  });

  test('as many bytes as the archive may have, free of any ratio or by it, and not one more', async (t) => {
    const file = await written(t, 'a.zip', zipOf([['a', Buffer.alloc(1000)]]));
    const packed = statSync(file).size;
    const whole = async (limits: Partial<ArchiveLimits>) => {
      const none = { ...ARCHIVE_LIMITS, ratio: 0, freeBytes: 0 };
      const { directory, dispose } = await unpack(archive(file, 'zip'), { ...none, ...limits });
      assert.deepEqual(readFileSync(join(directory, 'a')), Buffer.alloc(1000));
      assert.equal(statSync(directory).mode & 0o777, 0o700);
      const { length } = process.listeners('exit');
      await dispose();
      assert.equal(process.listeners('exit').length, length - 1);
    };
    const refused = async (limits: Partial<ArchiveLimits>, most: number) => {
      const { expected, actual } = await rejectsSource(whole(limits), 'SourceUnsupported');
      assert.equal(expected, `at most ${most} bytes in ${packed} packed ones`);
      assert.equal(actual, 'more: no archive of weights');
    };
    await whole({ freeBytes: 1000 });
    await whole({ ratio: 1 });
    await whole({ freeBytes: 2000, bytes: 1000 });
    await refused({ freeBytes: 999 }, 999);
    await refused({ ratio: 0.5 }, packed / 2);
    await refused({ freeBytes: 2000, ratio: 2, bytes: 999 }, 999);
  });

  test('cut off at any place', async (t) => {
    const whole = gzipSync(await tarOf([['m', golden('v1/model.ckpt-1000')]]));
    const zip = zipOf([['m', golden('v1/model.ckpt-1000')]]);
    for (const share of [0.01, 0.2, 0.5, 0.9, 0.9999]) {
      for (const bytes of [whole, zip]) {
        const file = await written(t, 'cut', bytes.subarray(0, Math.floor(bytes.length * share)));
        const error = await failureOf(readWeights(file));
        assert.ok(error?.problem.file.startsWith(file), `${share}`);
      }
    }
  });
});
