import assert from 'node:assert/strict';
import { createReadStream, openAsBlob, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { ErrorCode } from '../../src/errors.ts';
import { type ImageSource, readImageSource } from '../../src/library/image-source.ts';
import { MAX_IMAGE_BYTES } from '../../src/model/image.ts';
import { temporaryDirectory } from '../support/bundles.ts';
import { rejectsWith } from '../support/errors.ts';

const BYTES = Buffer.from('the bytes of an image');
const { path: directory, dispose } = temporaryDirectory();
const path = join(directory, 'photo 1.jpg');
writeFileSync(path, BYTES);
after(dispose);

/** Answers with the status that the path names, 200 with the bytes; `/slow` never ends. */
const server = createServer((request, response) => {
  if (request.url === '/slow') response.write('the beginning');
  else if (request.url === '/broken') {
    response.writeHead(200, { 'content-length': 100 }).write('the beginning', () => response.destroy());
  } else if (request.url?.startsWith('/moved')) response.writeHead(302, { location: '/200' }).end();
  else response.writeHead(Number(request.url!.slice(1, 4))).end(BYTES);
});
let origin: string;
before(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
after(() => {
  server.closeAllConnections();
  server.close();
});

async function* pieces(): AsyncGenerator<Uint8Array> {
  yield BYTES.subarray(0, 5);
  yield BYTES.subarray(5);
}

/** Yields once and then never again. */
async function* stuck(): AsyncGenerator<Uint8Array> {
  yield BYTES;
  await new Promise(() => undefined);
}

describe('an image is read from', () => {
  const sources: Record<string, () => ImageSource | Promise<ImageSource>> = {
    'a Buffer': () => BYTES,
    'a view into other bytes': () => Buffer.concat([BYTES, BYTES]).subarray(BYTES.length),
    'an ArrayBuffer': () => Uint8Array.from(BYTES).buffer,
    'a path': () => path,
    'a file: URL': () => pathToFileURL(path),
    'an http: URL': () => new URL('/200', origin),
    'an address that moved': () => new URL('/moved', origin),
    'a data: URL': () => new URL(`data:image/jpeg;base64,${BYTES.toString('base64')}`),
    'a blob: URL': () => new URL(URL.createObjectURL(new Blob([BYTES]))),
    'a Blob': () => new Blob([BYTES]),
    'a File': () => new File([BYTES], 'photo.jpg'),
    'a Blob of a file': () => openAsBlob(path),
    'a stream of the web': () => new Blob([BYTES]).stream(),
    'a stream of Node': () => createReadStream(path, { highWaterMark: 3 }),
    'anything that yields bytes': () => pieces(),
  };
  for (const [name, make] of Object.entries(sources)) {
    it(name, async () => {
      assert.deepEqual(Buffer.from(await readImageSource(await make())), BYTES);
    });
  }
});

it('what holds nothing is read as that', async () => {
  for (const url of ['data:,', 'data:image/png;base64,', URL.createObjectURL(new Blob([]))]) {
    assert.equal((await readImageSource(new URL(url))).length, 0, url);
  }
});

describe('what cannot be read says why:', () => {
  const bad: [name: string, source: () => unknown, code: ErrorCode, message?: RegExp][] = [
    ['no such file', () => join(directory, 'none.jpg'), 'ImageNotFound', /none\.jpg: no such file/],
    ['a directory', () => directory, 'ImageNotFound'],
    ['a device', () => '/dev/zero', 'UnsupportedImage', /\/dev\/zero/],
    ['an address as a string', () => `${origin}/200`, 'InvalidRequest', /new URL/],
    ['a protocol that is not read', () => new URL('ftp://127.0.0.1/photo.jpg'), 'InvalidRequest'],
    ['a blob: that is gone', () => new URL('blob:nodedata:none'), 'InvalidRequest'],
    ['HTTP 404', () => new URL('/404', origin), 'ImageNotFound', /404/],
    ['HTTP 403', () => new URL('/403', origin), 'ImageNotFound'],
    ['HTTP 429', () => new URL('/429', origin), 'UpstreamUnavailable'],
    ['HTTP 503', () => new URL('/503', origin), 'UpstreamUnavailable'],
    ['an answer that breaks off', () => new URL('/broken', origin), 'UpstreamUnavailable'],
    ['a server that is not there', () => new URL('http://127.0.0.1:1/'), 'UpstreamUnavailable'],
    ['null', () => null, 'InvalidRequest'],
    ['nothing', () => undefined, 'InvalidRequest'],
    ['a number', () => 7, 'InvalidRequest', /7/],
    ['a long text', () => Symbol('x'.repeat(200)), 'InvalidRequest', /, not Symbol\(x{93}$/],
    ['a plain object', () => ({ path }), 'InvalidRequest', /, not an object of Object$/],
    ['an object of no class', () => Object.create(null), 'InvalidRequest', /, not an object of no class$/],
    ['a function', () => () => BYTES, 'InvalidRequest', /, not \(\) => BYTES$/],
    ['a user in an address', () => new URL('http://me@127.0.0.1:1/'), 'InvalidRequest', /user or a password/],
    [
      'a password in an address',
      () => new URL('http://:a@127.0.0.1:1/'),
      'InvalidRequest',
      /user or a password/,
    ],
    ['an address in large letters', () => 'HTTPS://127.0.0.1:1/', 'InvalidRequest', /new URL/],
    ['an address of any protocol', () => 'x3.-+y://a', 'InvalidRequest', /new URL/],
    ['a path with an address in it', () => 'photos/http://a.jpg', 'ImageNotFound'],
    ['a path that only looks like an address', () => 'c://a.jpg', 'ImageNotFound'],
    ['a data: URL that is none', () => new URL('data:x'), 'InvalidRequest', /^data: holds no image$/],
    ['a stream of texts', () => createReadStream(path, 'utf8'), 'InvalidRequest'],
  ];
  for (const [name, source, code, message] of bad) {
    it(name, async () => {
      const error = await rejectsWith(readImageSource(source() as ImageSource), code);
      if (message) assert.match(error.message, message);
    });
  }

  it('tells what was the cause of it', async () => {
    for (const source of [
      new URL('blob:nodedata:none'),
      new URL('http://127.0.0.1:1/'),
      path.replace('1', '2'),
    ]) {
      const { cause } = await readImageSource(source).then(
        () => assert.fail('was read'),
        (error: Error) => error,
      );
      assert.ok(cause instanceof Error, String(source));
    }
    const late = await rejectsWith(readImageSource(stuck(), { deadline: 0 }), 'DeadlineExceeded');
    assert.equal((late.cause as Error).name, 'TimeoutError');
  });

  it('tells no password or token of an address', async () => {
    const { message } = await rejectsWith(
      readImageSource(new URL('/404?token=secret', origin)),
      'ImageNotFound',
    );
    assert.doesNotMatch(message, /secret/);
    const withPassword = new URL(origin.replace('//', '//user:secret@'));
    const refusal = await rejectsWith(readImageSource(withPassword), 'InvalidRequest');
    assert.doesNotMatch(refusal.message, /secret/);
  });

  it('a stream that has too many bytes, without reading on', async () => {
    let yielded = 0;
    async function* endless(): AsyncGenerator<Uint8Array> {
      const chunk = new Uint8Array(32 << 20);
      for (;;) {
        yielded += chunk.length;
        yield chunk;
      }
    }
    await rejectsWith(readImageSource(endless()), 'ImageTooLarge');
    assert.ok(yielded <= MAX_IMAGE_BYTES + (128 << 20), `${yielded} bytes`);
  });

  it('a stream that fails, with the failure of the stream', async () => {
    const failure = new Error('the disk is gone');
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield BYTES;
      throw failure;
    }
    await assert.rejects(readImageSource(failing()), (error) => error === failure);
  });
});

describe('reading ends', () => {
  it('with what nobody reads any more being let go of, whatever the limits', async () => {
    const { port } = server.address() as AddressInfo;
    for (const deadline of [Number.POSITIVE_INFINITY, Date.now() + 2 ** 40, Date.now() + 60_000]) {
      const bytes = await readImageSource(new URL(`http://127.0.0.1:${port}/200`), { deadline });
      assert.deepEqual(Buffer.from(bytes), BYTES);
    }
    const stream = createReadStream('/dev/zero');
    const controller = new AbortController();
    const reading = readImageSource(stream, { signal: controller.signal });
    controller.abort();
    await assert.rejects(reading, { name: 'AbortError' });
    assert.equal(stream.destroyed, true);
    let returned = 0;
    const iterator = {
      next: () => new Promise<never>(() => undefined),
      return: () => Promise.reject(new Error(`returned ${++returned}`)),
    };
    for (const source of [iterator, { next: iterator.next }]) {
      const other = new AbortController();
      const endless = readImageSource({ [Symbol.asyncIterator]: () => source } as ImageSource, {
        signal: other.signal,
      });
      other.abort();
      await assert.rejects(endless, { name: 'AbortError' });
    }
    assert.equal(returned, 1);
  });

  const endless: [string, () => ImageSource][] = [
    ['a stream', () => stuck()],
    ['a stream of the web', () => ReadableStream.from(stuck())],
    ['an answer', () => new URL('/slow', origin)],
  ];
  for (const [name, source] of endless) {
    it(`of ${name} when the signal is aborted, with its reason`, async () => {
      const controller = new AbortController();
      const reading = readImageSource(source(), { signal: controller.signal });
      const reason = new Error('not wanted any more');
      setTimeout(() => controller.abort(reason), 30);
      await assert.rejects(reading, (error) => error === reason);
    });

    it(`of ${name} when the deadline passes`, async () => {
      await rejectsWith(readImageSource(source(), { deadline: Date.now() + 30 }), 'DeadlineExceeded');
    });
  }
});
