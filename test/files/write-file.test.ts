/** Files that are put in their place, and what is said of those that cannot be. */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { InvalidRequest, OutputFailed } from '../../src/errors.ts';
import { makerName } from '../../src/files/maker.ts';
import { clearParts, partIn } from '../../src/files/part.ts';
import { hashesFile, hashesOf, newFile, recover } from '../../src/files/replacement.ts';
import { asideOf, putIfFree, swapIfUnchanged } from '../../src/files/swap.ts';
import { codeOf, notWritten } from '../../src/files/system-error.ts';
import { putFile, putNewFile, syncDirectory, writeSynced } from '../../src/files/write-file.ts';
import { temporaryDirectory } from '../support/bundles.ts';
import { systemError } from '../support/system/instead.ts';

const temporary = temporaryDirectory();
after(() => temporary.dispose());

const read = (...path: string[]) => readFileSync(join(...path), 'utf8');

describe('a file that is put', () => {
  it('over another, or where none is, has its content and nothing beside it', async () => {
    const directory = temporary.make('put');
    const file = join(directory, 'a.svg');
    await putFile(file, 'größer');
    await putFile(file, Buffer.from('new'));
    assert.equal(await putNewFile(join(directory, 'b.xmp'), 'b'), true);
    assert.equal(await putNewFile(file, 'other'), false);
    assert.deepEqual(readdirSync(directory), ['a.svg', 'b.xmp']);
    assert.deepEqual([read(file), read(directory, 'b.xmp')], ['new', 'b']);
  });

  it('where there is no place says so, with its name, and leaves nothing', async () => {
    const directory = temporary.make('none');
    const missing = join(directory, 'no', 'a.svg');
    for (const put of [putFile, putNewFile]) {
      await assert.rejects(put(missing, 'a'), new InvalidRequest(`${missing} cannot be written (ENOENT)`));
    }
    const folder = join(directory, 'folder');
    mkdirSync(folder);
    await assert.rejects(putFile(folder, 'a'), new InvalidRequest(`${folder} cannot be written (EISDIR)`));
    assert.equal(await putNewFile(folder, 'a'), false);
    assert.deepEqual(readdirSync(directory), ['folder']);
  });

  it('piece by piece is new, and all of them', async () => {
    const file = join(temporary.make('pieces'), 'a');
    await writeSynced(file, [Buffer.from('a'), Buffer.from(''), Buffer.from('bc')]);
    assert.equal(read(file), 'abc');
    await assert.rejects(writeSynced(file, []), { code: 'EEXIST' });
    assert.equal(read(file), 'abc');
  });

  it('under another name takes none that is taken', () => {
    const directory = temporary.make('names');
    const [from, to] = [join(directory, 'from'), join(directory, 'to')];
    writeFileSync(from, 'from');
    putIfFree(from, to);
    assert.deepEqual([read(to), readdirSync(directory)], ['from', ['to']]);
    writeFileSync(join(directory, 'other'), 'other');
    assert.throws(() => putIfFree(join(directory, 'other'), to), { code: 'EEXIST' });
    symlinkSync('nowhere', join(directory, 'link'));
    assert.throws(() => putIfFree(join(directory, 'other'), join(directory, 'link')), { code: 'EEXIST' });
    assert.equal(readlinkSync(join(directory, 'link')), 'nowhere');
    assert.throws(() => putIfFree(join(directory, 'none'), join(directory, 'new')), { code: 'ENOENT' });
    assert.deepEqual([read(to), readdirSync(directory)], ['from', ['link', 'other', 'to']]);
  });
});

describe('a file that changes places with another', () => {
  function two(name: string, files: Record<string, string>) {
    const directory = temporary.make(name);
    const part = join(directory, 'part');
    mkdirSync(join(part, 'file'), { recursive: true });
    const [file, target] = [newFile(part, 'a'), join(directory, 'a')];
    if (files.file !== undefined) writeFileSync(file, files.file);
    writeFileSync(target, files.target!);
    return { file, target };
  }

  it('does so while that holds what was read, else both stay', async () => {
    const { file, target } = two('places', { file: 'new', target: 'old' });
    assert.equal(await swapIfUnchanged(file, target, Buffer.from('other')), false);
    assert.deepEqual([read(file), read(target)], ['new', 'old']);
    assert.equal(await swapIfUnchanged(file, target, Buffer.from('old')), true);
    assert.deepEqual([read(file), read(target)], ['old', 'new']);
  });

  it('stays where it is when the other is not there, or cannot take its place', async () => {
    const { file, target } = two('alone', { target: 'old' });
    await assert.rejects(swapIfUnchanged(file, target, Buffer.from('old')), { code: 'ENOENT' });
    assert.equal(read(target), 'old');
    await assert.rejects(swapIfUnchanged(target, `${target}.none`, Buffer.from('old')), { code: 'ENOENT' });
    assert.equal(read(target), 'old');
  });
});

describe('a directory', { skip: process.platform !== 'linux' && 'looks into /proc' }, () => {
  it('is synced, also where the file system knows of no such thing; one that is not there is an error', async () => {
    await syncDirectory(temporary.path);
    await syncDirectory('/proc');
    await assert.rejects(syncDirectory(join(temporary.path, 'not there')), { code: 'ENOENT' });
  });
});

describe('an error of the system', () => {
  it('is one that has a call and a code', () => {
    assert.equal(codeOf(systemError('EACCES')), 'EACCES');
    assert.equal(codeOf(Object.assign(new Error(), { code: 'EACCES' })), undefined);
    assert.equal(codeOf(Object.assign(new Error(), { syscall: 'open' })), undefined);
    assert.equal(codeOf({ code: 'EACCES', syscall: 'open' }), undefined);
    assert.equal(codeOf(undefined), undefined);
  });

  it('is the file’s fault or the disk’s; any other stays what it is', () => {
    const denied = systemError('EACCES');
    const said = notWritten('a.svg', denied);
    assert.ok(said instanceof InvalidRequest);
    assert.deepEqual([said.message, said.cause], ['a.svg cannot be written (EACCES)', denied]);
    const messages = {
      ENOSPC: 'a.svg cannot be written (ENOSPC): the disk is full; make room',
      EDQUOT: 'a.svg cannot be written (EDQUOT): the quota is used up; make room',
      EFBIG: 'a.svg cannot be written (EFBIG): a limit on the size of files; raise it (ulimit -f)',
      EROFS: 'a.svg cannot be written (EROFS): it is read-only; name another place',
      EIO: 'a.svg cannot be written (EIO): the disk fails; name another place',
    };
    for (const [code, message] of Object.entries(messages)) {
      const failed = notWritten('a.svg', systemError(code));
      assert.ok(failed instanceof OutputFailed, code);
      assert.equal(failed.message, message);
    }
    for (const other of [new TypeError('a bug'), new InvalidRequest('so'), 'text']) {
      assert.equal(notWritten('a.svg', other), other);
    }
  });
});

describe('what is left of a replacement', () => {
  const HASHES = hashesOf(Buffer.from('old'), Buffer.from('new'));

  /** A part of `page.html` with these files. */
  function partOf(name: string, files: { file?: string; hashes?: string; aside?: string; target?: string }) {
    const directory = temporary.make(name);
    const part = join(directory, 'part');
    const file = newFile(part, 'page.html');
    mkdirSync(join(part, 'file'), { recursive: true });
    if (files.file !== undefined) writeFileSync(file, files.file);
    if (files.aside !== undefined) writeFileSync(asideOf(file), files.aside);
    if (files.hashes !== undefined) writeFileSync(hashesFile(part), files.hashes);
    if (files.target !== undefined) writeFileSync(join(directory, 'page.html'), files.target);
    return { directory, recovered: () => recover(part, directory) };
  }

  const cases: [what: string, files: Parameters<typeof partOf>[1], isNothing: boolean, now: string | null][] =
    [
      ['nothing', {}, true, null],
      ['no hashes yet', { file: 'edit', target: 'new' }, true, 'new'],
      ['half of the hashes', { file: 'edit', target: 'new', hashes: HASHES.slice(0, -1) }, true, 'new'],
      ['more than hashes', { file: 'edit', target: 'new', hashes: `${HASHES}\n` }, true, 'new'],
      ['something before the hashes', { file: 'edit', target: 'new', hashes: `x${HASHES}` }, true, 'new'],
      ['no file', { target: 'new', hashes: HASHES }, true, 'new'],
      ['the new file', { file: 'new', target: 'old', hashes: HASHES }, true, 'old'],
      ['the old file', { file: 'old', target: 'new', hashes: HASHES }, true, 'new'],
      ['the new file, and no other', { file: 'new', hashes: HASHES }, true, null],
      ['an edit, and ours in its place', { file: 'edit', target: 'new', hashes: HASHES }, true, 'edit'],
      ['an edit, and the old file', { file: 'edit', target: 'old', hashes: HASHES }, false, 'old'],
      ['an edit, and no file', { file: 'edit', hashes: HASHES }, false, null],
      ['the old one aside, and no file', { file: 'new', aside: 'old', hashes: HASHES }, true, 'old'],
      [
        'the old one aside, and ours',
        { file: 'new', aside: 'old', target: 'new', hashes: HASHES },
        true,
        'new',
      ],
      [
        'an edit aside, and ours',
        { file: 'new', aside: 'edit', target: 'new', hashes: HASHES },
        true,
        'edit',
      ],
      [
        'an edit aside, and another',
        { file: 'new', aside: 'edit', target: 'two', hashes: HASHES },
        false,
        'two',
      ],
    ];
  for (const [what, files, isNothing, now] of cases) {
    it(`${what}: ${isNothing ? 'may go' : 'stays'}`, async () => {
      const { directory, recovered } = partOf(what, files);
      assert.equal(await recovered(), isNothing);
      assert.deepEqual(readdirSync(directory), now === null ? ['part'] : ['page.html', 'part']);
      if (now !== null) assert.equal(read(directory, 'page.html'), now);
    });
  }

  it('without the directory of its files: may go', async () => {
    const part = join(temporary.make('bare part'), 'part');
    mkdirSync(part);
    writeFileSync(hashesFile(part), HASHES);
    assert.equal(await recover(part, temporary.path), true);
  });

  it('is known by two hashes, each of 64 digits', () => {
    assert.match(HASHES, /^[0-9a-f]{64} [0-9a-f]{64}$/);
    assert.equal(HASHES.split(' ')[1], hashesOf(Buffer.from('new'), Buffer.from('')).split(' ')[0]);
  });
});

describe('parts', () => {
  it('have a name of their own each, which a later run knows by its process', () => {
    const directory = temporary.make('own');
    const [one, two] = [partIn(directory), partIn(directory)];
    assert.notEqual(one, two);
    assert.match(
      one.slice(directory.length),
      new RegExp(`^/\\.show-and-tell-${process.pid}-[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{12}\\.part$`),
    );
  });

  it('are looked for once in a directory, whatever it is called', async () => {
    const directory = temporary.make('once');
    const left = join(directory, `.show-and-tell-${makerName().replace(/-[0-9a-f]{8}-/, '-12345678-')}.part`);
    await clearParts(directory);
    writeFileSync(left, '');
    await clearParts(join(directory, '..', 'once'));
    assert.equal(readdirSync(directory).length, 1);
  });

  it('of others, and names that only look so, stay', async (t) => {
    const directory = temporary.make('others');
    const name = `.show-and-tell-${makerName().replace(/-[0-9a-f]{8}-/, '-12345678-')}.part`;
    for (const other of [`x${name}`, `${name}x`, name.replace('-12345678', '-1234567')]) {
      writeFileSync(join(directory, other), '');
    }
    if (process.getuid?.() === 0) {
      writeFileSync(join(directory, name), '');
      const { chownSync } = await import('node:fs');
      chownSync(join(directory, name), 1234, 1234);
    } else t.diagnostic('that of another user: needs root');
    const before = readdirSync(directory);
    await clearParts(directory);
    assert.deepEqual(readdirSync(directory), before);
  });

  it('are no reason not to write, where they cannot be listed', async () => {
    assert.equal(await clearParts(join(temporary.path, 'not there')), undefined);
  });
});
