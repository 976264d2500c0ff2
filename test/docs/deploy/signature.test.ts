/** What curl really signs, told as docs/deploy.md tells it. */
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { readDocument } from '../documents.ts';

const run = promisify(execFile);
const skip = spawnSync('curl', ['--version']).status !== 0 && 'curl is not installed';
const [define] = /^signed\(\) \{\n.*?^\}\n/ms.exec(readDocument('docs/deploy.md').text)!;

/** The headers of a request to a server on this machine. */
async function headersOf(credentials: Record<string, string>): Promise<IncomingHttpHeaders> {
  const seen: IncomingHttpHeaders[] = [];
  const server = createServer((request, response) => {
    seen.push(request.headers);
    response.end('{}');
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/health`;
  try {
    await run('bash', ['-c', `${define}signed --noproxy '*' ${url}`], {
      env: { PATH: process.env.PATH, AWS_REGION: 'eu-west-1', ...credentials },
    });
  } finally {
    server.close();
  }
  return seen[0]!;
}

test('the token of temporary credentials is sent and signed, without one nothing is signed that is not sent', {
  skip,
}, async () => {
  const keys = { AWS_ACCESS_KEY_ID: 'ID', AWS_SECRET_ACCESS_KEY: 'KEY' };
  const signedBy = ({ authorization = '' }: IncomingHttpHeaders) =>
    /SignedHeaders=([^,]+)/.exec(authorization)?.[1]?.split(';');
  const temporary = await headersOf({ ...keys, AWS_SESSION_TOKEN: 'to/ken+==' });
  assert.equal(temporary['x-amz-security-token'], 'to/ken+==');
  assert.ok(signedBy(temporary)!.includes('x-amz-security-token'));
  const lasting = await headersOf(keys);
  assert.match(
    lasting.authorization!,
    /^AWS4-HMAC-SHA256 Credential=ID\/\d{8}\/eu-west-1\/execute-api\/aws4_request/,
  );
  for (const name of signedBy(lasting)!) assert.ok(name in lasting, name);
});
