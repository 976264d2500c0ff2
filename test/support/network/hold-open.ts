import { connect } from 'node:net';
import type { TestContext } from 'node:test';

/** An upload that never ends, which keeps a server from stopping. */
export async function holdOpen(t: TestContext, url: string): Promise<void> {
  const { hostname, port } = new URL(url);
  const upload = connect({ host: hostname, port: Number(port) });
  t.after(() => upload.destroy());
  upload.on('error', () => undefined);
  upload.write(
    'POST /captions HTTP/1.1\r\nHost: here\r\nContent-Type: image/jpeg\r\nContent-Length: 9\r\n\r\n',
  );
  // Answered behind the other one.
  await fetch(`${url}/health`);
}
