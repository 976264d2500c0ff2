import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { hubFetch, hubRefusal } from '../../../src/import/hub/hub-fetch.ts';

async function serverOf(t: TestContext, answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  t.after(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('the token goes to the hub, and not to where a listing says that its next page is', async (t) => {
  const seen: (string | undefined)[] = [];
  const start = () =>
    serverOf(t, (request, response) => {
      seen.push(request.headers.authorization);
      response.end('[]');
    });
  const [hub, other] = [await start(), await start()];
  const ask = hubFetch({ id: 'a/b', page: `${hub}/a/b`, revision: 'main', hasToken: true });
  const headers = { authorization: 'Bearer hf_secret' };
  await ask(`${hub}/api/models/a/b`, { headers });
  await ask(`${other}/api/models/a/b?cursor=1`, { headers });
  assert.deepEqual(seen, ['Bearer hf_secret', undefined]);
});

test('what the hub means by a refusal', () => {
  const meaning = (statusCode: number, code: string | undefined, hasToken: boolean) => {
    const answer = { statusCode, headers: code === undefined ? {} : { 'x-error-code': code } };
    const asked = { id: 'a/b', page: 'https://hub/a/b', revision: 'v1', hasToken };
    const refusal = hubRefusal(answer as Partial<IncomingMessage> as IncomingMessage, asked);
    if (refusal === null) return null;
    assert.equal(refusal.code, 'SourceUnreadable');
    assert.equal(refusal.problem.file, 'https://hub/a/b');
    return `${refusal.problem.expected.split(' ').slice(0, 2).join(' ')}: ${refusal.problem.actual}`;
  };
  const [none, gated, poor] = [
    (status: number) => `a model: none that this may read (status ${status})`,
    (status: number) => `a model: a gated one, and no token (status ${status})`,
    (status: number) => `a model: one that this token may not read (status ${status})`,
  ];
  const cases: [status: number, code: string | undefined, hasToken: boolean, meaning: string | null][] = [
    [404, 'RevisionNotFound', true, 'the revision: none of that name (status 404)'],
    [401, 'GatedRepo', false, gated(401)],
    [403, undefined, false, gated(403)],
    [403, 'GatedRepo', true, poor(403)],
    [403, undefined, true, poor(403)],
    [401, 'RepoNotFound', false, none(401)],
    [404, 'RepoNotFound', true, none(404)],
    [401, undefined, true, none(401)],
    [404, undefined, false, none(404)],
    [404, 'EntryNotFound', true, null],
    [401, 'SomethingElse', true, null],
    [429, undefined, true, null],
    [500, undefined, false, null],
  ];
  for (const [status, code, hasToken, meant] of cases) {
    const found = meaning(status, code, hasToken);
    assert.equal(found, meant, `${status} ${code}`);
  }
});

test('an answer is no answer that refuses, or is larger than any listing', async (t) => {
  const largest = 16 << 20;
  const server = await serverOf(t, ({ url }, response) => {
    if (url === '/refused') {
      response.writeHead(400).end('no');
      return;
    }
    if (url === '/cut') {
      response.writeHead(200, { 'content-length': '9' }).write('[', () => response.destroy());
      return;
    }
    response.end(Buffer.alloc(Number(url!.slice(1))));
  });
  const ask = hubFetch({ id: 'a/b', page: `${server}/a/b`, revision: 'main', hasToken: false });
  await assert.rejects(ask(`${server}/refused`), { code: 'SourceUnreadable', message: /400/ });
  await assert.rejects(ask(`${server}/cut`), {
    code: 'SourceUnreadable',
    message: /found no answer that can be read. Check the network, and HF_ENDPOINT/,
  });
  await assert.rejects(ask(`${server}/${largest + 1}`), {
    code: 'SourceUnreadable',
    message: /more than 16777216 bytes/,
  });
  assert.equal((await (await ask(`${server}/${largest}`)).arrayBuffer()).byteLength, largest);
});
