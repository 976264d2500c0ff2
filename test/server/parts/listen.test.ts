import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { it } from 'node:test';
import { InvalidRequest } from '../../../src/errors.ts';
import { listen } from '../../../src/server/listen.ts';

const PLACE = { host: '127.0.0.1', port: 80, flag: '--port' };

/** What cannot be had everywhere: rights, names and addresses of other machines. */
function serverThat(outcome: { code?: string; address?: Partial<AddressInfo> }): Server {
  const server = new EventEmitter();
  return Object.assign(server, {
    address: () => outcome.address,
    listen: (port: number, host: string, done: () => void) => {
      assert.deepEqual([port, host], [PLACE.port, PLACE.host]);
      if (outcome.address !== undefined) return done();
      server.emit('error', Object.assign(new Error('no'), { code: outcome.code }));
    },
  }) as unknown as Server;
}

it('a server says where it listens', async (t) => {
  const server = createServer();
  t.after(() => server.close());
  const url = await listen(server, { ...PLACE, port: 0 });
  assert.equal(url, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const ofSix = serverThat({ address: { address: '::1', family: 'IPv6', port: 80 } });
  assert.equal(await listen(ofSix, PLACE), 'http://[::1]:80');
});

it('a port that is taken is told by its flag', async (t) => {
  const server = createServer();
  t.after(() => server.close());
  const port = Number(new URL(await listen(server, { ...PLACE, port: 0 })).port);
  await assert.rejects(listen(createServer(), { ...PLACE, port, flag: '--metrics-port' }), {
    code: 'InvalidRequest',
    message: `--metrics-port ${port}: another program listens there; name another port, or 0 for any free one`,
  });
});

const REASONS: [code: string, message: string][] = [
  ['EACCES', '--port 80: not allowed to listen there; ports from 1024 need no rights'],
  ['EADDRNOTAVAIL', '--host 127.0.0.1: no address of this machine'],
  ['ENOTFOUND', '--host 127.0.0.1: no such host'],
];
for (const [code, message] of REASONS) {
  it(`${code} is told in words, with its cause`, async () => {
    await assert.rejects(listen(serverThat({ code }), PLACE), (error: InvalidRequest) => {
      assert.ok(error instanceof InvalidRequest);
      assert.equal(error.message, message);
      assert.equal((error.cause as { code: string }).code, code);
      return true;
    });
  });
}

it('what is not known is told as it is', async () => {
  for (const outcome of [{ code: 'EMFILE' }, {}]) {
    await assert.rejects(listen(serverThat(outcome), PLACE), (error: Error) => {
      assert.ok(!(error instanceof InvalidRequest));
      return error.message === 'no';
    });
  }
});
