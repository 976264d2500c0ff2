import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { describe, it } from 'node:test';
import { serve } from '@hono/node-server';
import { readBody } from '../../../src/http/request/body.ts';
import { COFFEE } from '../../support/samples.ts';
import { app, appWith, ask, assertProblem } from '../harness.ts';

const coffee = readFileSync(COFFEE);
const CHUNK_BYTES = 1 << 14;
const LIMIT = 10 * CHUNK_BYTES;
const limited = appWith({ maxBodyBytes: LIMIT });

/** A body of any length that counts what is asked of it. */
function endless(chunks = Number.POSITIVE_INFINITY) {
  const asked = { chunks: 0 };
  const stream = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (asked.chunks >= chunks) return controller.close();
        asked.chunks += 1;
        controller.enqueue(new Uint8Array(CHUNK_BYTES));
      },
    },
    { highWaterMark: 0 },
  );
  return { stream, asked };
}

function streaming(body: ReadableStream, headers: Record<string, string>): RequestInit {
  return { method: 'POST', body, headers, duplex: 'half' } as RequestInit;
}

const TYPES = ['image/jpeg', 'application/json', 'multipart/form-data; boundary=x'];

describe('the body limit', () => {
  for (const type of TYPES) {
    it(`stops reading ${type} as soon as it is passed`, async () => {
      const { stream, asked } = endless();
      const answer = await ask(limited, '/captions', streaming(stream, { 'content-type': type }));
      assertProblem(answer, 'ImageTooLarge');
      assert.equal(asked.chunks, LIMIT / CHUNK_BYTES + 1);
    });

    it(`reads nothing of ${type} that is declared longer`, async () => {
      const { stream, asked } = endless();
      const headers = { 'content-type': type, 'content-length': String(LIMIT + 1) };
      assertProblem(await ask(limited, '/captions', streaming(stream, headers)), 'ImageTooLarge');
      assert.equal(asked.chunks, 0);
    });
  }

  it('holds when the declared length is no length', async () => {
    for (const length of ['0', '-1', 'many']) {
      const { stream } = endless();
      const headers = { 'content-type': 'image/jpeg', 'content-length': length };
      assertProblem(await ask(limited, '/captions', streaming(stream, headers)), 'ImageTooLarge');
    }
  });

  it('lets exactly as many bytes through', async () => {
    const { stream, asked } = endless(LIMIT / CHUNK_BYTES);
    const answer = await ask(limited, '/captions', streaming(stream, { 'content-type': 'image/jpeg' }));
    assertProblem(answer, 'UnsupportedImage');
    assert.equal(asked.chunks, LIMIT / CHUNK_BYTES);
    const exact = appWith({ maxBodyBytes: coffee.length });
    const headers = { 'content-type': 'image/jpeg', 'content-length': String(coffee.length) };
    assert.equal((await ask(exact, '/captions', { method: 'POST', body: coffee, headers })).status, 200);
  });
});

describe('a body as bytes', () => {
  const DECLARED = { 'content-length': '3' };
  const request = (body: RequestInit['body'], headers = {}) =>
    new Request('http://localhost', { method: 'POST', body, headers, duplex: 'half' } as RequestInit);
  const chunks = (...texts: string[]) => ReadableStream.from(texts.map((text) => Buffer.from(text)));

  it('is all of it, whether or not its length is declared', async () => {
    for (const headers of [{}, DECLARED]) {
      const body = await readBody(request(chunks('a', '', 'bc'), headers), 3);
      assert.deepEqual(body, new Uint8Array([97, 98, 99]));
    }
  });

  it('is asked for at once where its length is declared, in pieces otherwise', async () => {
    for (const [headers, times] of [[{}, 0] as const, [DECLARED, 1] as const]) {
      const asked = request('abc', headers);
      let whole = 0;
      const arrayBuffer = () => {
        whole += 1;
        return Request.prototype.arrayBuffer.call(asked);
      };
      Object.assign(asked, { arrayBuffer });
      assert.equal((await readBody(asked, 3)).length, 3);
      assert.equal(whole, times);
    }
  });

  it('is refused when it is empty, too long or breaks off, with the reason', async () => {
    const reset = new Error('reset');
    const broken = () => new ReadableStream({ pull: (controller) => controller.error(reset) });
    for (const headers of [{}, DECLARED]) {
      await assert.rejects(readBody(request(chunks(), headers), 3), {
        code: 'MalformedRequest',
        message: 'the body is empty',
      });
      await assert.rejects(readBody(request(chunks('ab', 'cd'), headers), 3), {
        code: 'ImageTooLarge',
        message: 'the body has more than 3 bytes',
      });
      await assert.rejects(readBody(request(broken(), headers), 3), {
        code: 'MalformedRequest',
        message: 'the body breaks off',
        cause: reset,
      });
    }
    await assert.rejects(readBody(request(null), 3), {
      code: 'MalformedRequest',
      message: 'the body is empty',
    });
  });

  it('that was too long is let go, so that others may end it', async () => {
    const asked = request(chunks('ab', 'cd'));
    await assert.rejects(readBody(asked, 3), { code: 'ImageTooLarge' });
    assert.equal(asked.body!.locked, false);
  });
});

describe('a body that breaks off', () => {
  it('is malformed', async () => {
    const stream = new ReadableStream({ pull: (controller) => controller.error(new Error('reset')) });
    const answer = await ask(app, '/captions', streaming(stream, { 'content-type': 'image/jpeg' }));
    assertProblem(answer, 'MalformedRequest');
  });
});

describe('behind a Node server', () => {
  it('a body that is too long is answered before it ends, and the answer arrives', async () => {
    const server = serve({ fetch: limited.fetch, port: 0 });
    try {
      const { port } = server.address() as { port: number };
      const head = 'POST /captions HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/jpeg\r\n';
      for (const length of ['Transfer-Encoding: chunked', `Content-Length: ${100 * LIMIT}`]) {
        assert.match(await sendWithoutEnd(port, `${head}${length}\r\n\r\n`), /^HTTP\/1\.1 413 /, length);
      }
    } finally {
      server.close();
    }
  });
});

/** Sends a request whose body never ends, until something comes back. */
function sendWithoutEnd(port: number, head: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    const chunk = head.includes('chunked')
      ? Buffer.from(`${CHUNK_BYTES.toString(16)}\r\n${'x'.repeat(CHUNK_BYTES)}\r\n`)
      : Buffer.alloc(CHUNK_BYTES);
    socket.write(head);
    const timer = setInterval(() => socket.write(chunk), 1);
    socket.once('close', () => reject(new Error('closed without an answer')));
    socket.once('error', reject);
    socket.once('data', (data) => {
      clearInterval(timer);
      resolve(data.toString('latin1'));
      socket.destroy();
    });
  });
}
