import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { hubFetch } from '../../../src/import/hub/hub-fetch.ts';

test('the token goes to the hub, and not to where a listing says that its next page is', async (t) => {
  const seen: (string | undefined)[] = [];
  const start = async () => {
    const server = createServer((request, response) => {
      seen.push(request.headers.authorization);
      response.end('[]');
    });
    t.after(() => server.close());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };
  const [hub, other] = [await start(), await start()];
  const ask = hubFetch({ id: 'a/b', page: `${hub}/a/b`, revision: 'main', hasToken: true });
  const headers = { authorization: 'Bearer hf_secret' };
  await ask(`${hub}/api/models/a/b`, { headers });
  await ask(`${other}/api/models/a/b?cursor=1`, { headers });
  assert.deepEqual(seen, ['Bearer hf_secret', undefined]);
});
