import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { type ErrorCode, InvalidRequest } from '../../src/errors.ts';
import { nameOf, systemPath } from '../../src/model/file-name.ts';
import { MAX_IMAGE_BYTES } from '../../src/model/image.ts';
import { readImageFile, readImageStream, whyEmpty, whyUnopened } from '../../src/model/image-file.ts';
import { temporaryDirectory } from '../support/bundles.ts';
import { rejectsWith } from '../support/errors.ts';
import { systemError } from '../support/system/instead.ts';

const temporary = temporaryDirectory();
after(() => temporary.dispose());
const at = (name: string) => join(temporary.path, name);

describe('an image file', () => {
  it('is read whole, whatever bytes its name has', async () => {
    for (const name of ['plain.jpg', nameOf(Buffer.from('caf\xe9.jpg', 'latin1'))]) {
      writeFileSync(systemPath(at(name)), 'content');
      assert.equal(String(await readImageFile(at(name))), 'content');
    }
  });

  it('of the largest size is read, of one byte more it is not', async () => {
    writeFileSync(at('large.jpg'), '');
    truncateSync(at('large.jpg'), MAX_IMAGE_BYTES);
    assert.equal((await readImageFile(at('large.jpg'))).length, MAX_IMAGE_BYTES);
    truncateSync(at('large.jpg'), MAX_IMAGE_BYTES + 1);
    const { message } = await rejectsWith(readImageFile(at('large.jpg')), 'ImageTooLarge');
    assert.equal(message, 'the file has 268435457 bytes, more than 268435456');
  });

  const FAILING: [what: string, make: (path: string) => unknown, code: ErrorCode, message: string][] = [
    ['that is not there', () => true, 'ImageNotFound', 'no such file'],
    ['that is a directory', mkdirSync, 'ImageNotFound', 'a directory without images in it'],
    [
      'that is a link to itself',
      (path) => symlinkSync(path, path),
      'ImageNotFound',
      'symbolic links go round in a circle',
    ],
    [
      'that is a pipe, to which nobody writes',
      (path) => assert.equal(spawnSync('mkfifo', [path]).status, 0),
      'UnsupportedImage',
      'not a regular file; give it as a stream (- on the command line)',
    ],
    [
      'on a failing disk',
      (path) => symlinkSync('/proc/self/mem', path),
      'ImageNotFound',
      'cannot be read (EIO)',
    ],
  ];
  for (const [what, make, code, said] of FAILING) {
    const skip = process.platform !== 'linux' && 'needs /proc and mkfifo';
    it(`${what} says so, without its name`, { skip }, async () => {
      const path = at(what.replaceAll(' ', '-'));
      make(path);
      assert.equal((await rejectsWith(readImageFile(path), code)).message, said);
    });
  }
});

describe('why a file is not opened', () => {
  it('is said in words where there are some', () => {
    for (const [code, said] of [
      ['ENOENT', 'no such file'],
      ['EACCES', 'permission denied'],
      ['EPERM', 'permission denied'],
      ['ENAMETOOLONG', 'the name is too long'],
      ['ESTALE', 'cannot be read (ESTALE)'],
    ] as const) {
      assert.equal(whyUnopened('a.jpg', systemError(code)), said);
    }
    assert.equal(whyUnopened('a.jpg', 'text'), 'cannot be read ()');
    assert.equal(whyUnopened('a.jpg', new Error('no code')), 'cannot be read ()');
  });

  it('may be the name, where that lost bytes that are no UTF-8', () => {
    const lost = 'caf\uFFFD.jpg';
    assert.match(whyUnopened(lost, systemError('ENOENT')), /not UTF-8.*convmv/);
    assert.equal(whyUnopened(lost, systemError('EACCES')), 'permission denied');
  });

  it('and of a directory, what was sought in it', async () => {
    assert.equal(await whyEmpty(temporary.path, 'pages'), 'a directory without pages in it');
    assert.equal(await whyEmpty(at('nowhere'), 'pages'), 'no such file');
  });
});

it('too many open files are no fault of the file', {
  skip: !existsSync('/proc/self/limits') && 'needs prlimit',
}, () => {
  const read = JSON.stringify(new URL('../../src/model/image-file.ts', import.meta.url));
  const program = `
    const { readImageFile } = await import(${read});
    const { openSync } = await import('node:fs');
    try { for (;;) openSync('/dev/null'); } catch {}
    await readImageFile(process.execPath).catch(({ code }) => console.log(code));`;
  const { stdout, stderr } = spawnSync(
    'sh',
    ['-c', 'ulimit -n 64; exec "$0" --input-type=module -e "$1"', process.execPath, program],
    { encoding: 'utf8' },
  );
  assert.equal(stdout, 'EMFILE\n', stderr);
});

describe('a stream of an image', () => {
  async function* chunks(...given: unknown[]) {
    yield* given;
  }

  it('is read to its end', async () => {
    const read = await readImageStream(chunks(Buffer.from('ab'), Uint8Array.of(99), Buffer.alloc(0)), 'it');
    assert.equal(String(read), 'abc');
  });

  it('is refused for anything but bytes', async () => {
    for (const other of ['text', 7, null, [1]]) {
      await assert.rejects(
        readImageStream(chunks(Buffer.from('a'), other), 'standard input'),
        new InvalidRequest('standard input has chunks that are not bytes'),
      );
    }
  });

  it('may have as many bytes as an image, and is left as soon as it has more', async () => {
    const chunk = new Uint8Array(MAX_IMAGE_BYTES / 4);
    const whole = await readImageStream(chunks(chunk, chunk, chunk, chunk), 'it');
    assert.equal(whole.length, MAX_IMAGE_BYTES);
    const endless = (async function* () {
      for (;;) yield chunk;
    })();
    const { message } = await rejectsWith(readImageStream(endless, 'it'), 'ImageTooLarge');
    assert.equal(message, 'it has more than 268435456 bytes');
    await assert.rejects(
      readImageStream(chunks(chunk, chunk, chunk, chunk, Uint8Array.of(0)), 'it'),
      /more than/,
    );
  });

  it('fails as the stream does', async () => {
    const broken = new Error('broken');
    const failing = (async function* () {
      yield Buffer.from('a');
      throw broken;
    })();
    await assert.rejects(readImageStream(failing, 'it'), broken);
  });
});
