/** Where a download lies until it is whole. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, globSync, mkdirSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, it, type TestContext } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { temporaryDirectory } from '../../support/bundles.ts';
import { finished, shellStatus, startCli } from '../../support/cli.ts';

const temporary = temporaryDirectory();
after(() => temporary.dispose());

/** Ends an import by SIGTERM once half of its source has come. */
async function endHalfway(t: TestContext, caches: string, files: string): Promise<number> {
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-length': '2000' }).write('x'.repeat(1000));
  }).listen(0, '127.0.0.1');
  t.after(() => server.closeAllConnections());
  t.after(() => server.close());
  await once(server, 'listening');
  const from = `http://127.0.0.1:${(server.address() as AddressInfo).port}/model.pb`;
  const child = startCli(
    ['import', '--from', from, '--sha256', 'a'.repeat(64), '--out', join(temporary.path, 'bundle')],
    { env: { ...process.env, XDG_CACHE_HOME: caches, TMPDIR: files } },
  );
  t.after(() => child.kill('SIGKILL'));
  const end = finished(child);
  const parts = () => [caches, files].flatMap((cwd) => globSync('**/*.part', { cwd }));
  while (child.exitCode === null && child.signalCode === null && parts().length === 0) await setTimeout(5);
  child.kill('SIGTERM');
  return shellStatus(await end);
}

function room(name: string): string {
  const path = join(temporary.path, name);
  mkdirSync(path, { mode: 0o700 });
  return path;
}

it('a download that a signal ends is kept where only the user can write', async (t) => {
  const [caches, files] = [room('caches'), room('files')];
  assert.equal(await endHalfway(t, caches, files), 143);
  assert.deepEqual(globSync('**/*.part', { cwd: caches }), [
    join('show-and-tell/downloads', 'a'.repeat(32), 'model.pb.part'),
  ]);
  assert.deepEqual(globSync('show-and-tell*', { cwd: files }), []);
});

it('and is not kept where there is no such place', {
  skip: process.platform === 'win32' && 'permissions are other ones here',
}, async (t) => {
  const [caches, files] = [room('open'), room('files-2')];
  chmodSync(caches, 0o777);
  assert.equal(await endHalfway(t, caches, files), 143);
  for (const cwd of [caches, files]) assert.deepEqual(globSync('*', { cwd }), []);
});
