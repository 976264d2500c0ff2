/** Every line for a shell that the reference shows, run as it stands there. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, it, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { curlOf } from '../../../src/http/docs/curl.ts';
import { BASE64 } from '../../../src/http/docs/example.ts';
import { ORIGIN } from '../../../src/http/docs/markup.ts';
import { DEFAULT_BUNDLE } from '../../../src/model/load.ts';
import { type RunningServer, startServer } from '../../../src/server/server.ts';
import { serverSettingsSchema } from '../../../src/server/settings.ts';
import { temporaryDirectory } from '../../support/bundles.ts';
import { COFFEE, SAMPLES } from '../../support/samples.ts';
import { captioner, type openApi as harnessApi } from '../harness.ts';
import { type Line, linesOf } from './harness.ts';

type OpenApi = typeof harnessApi;

const temporary = temporaryDirectory();
const folder = join(temporary.path, 'photographs');
let server: RunningServer;
let lines: Line[];
let openApi: OpenApi;

before(async () => {
  mkdirSync(folder);
  copyFileSync(COFFEE, join(folder, 'photo.jpg'));
  copyFileSync(join(SAMPLES, 'raccoon.jpg'), join(folder, 'other.jpg'));
  // Curl's own way to be asked for the status without another word in the line.
  writeFileSync(join(temporary.path, '.curlrc'), 'silent\nshow-error\nwrite-out = "\\n%{http_code}"\n');
  server = await startServer({
    model: DEFAULT_BUNDLE,
    settings: serverSettingsSchema.parse({ port: 0, workers: 1 }),
  });
  openApi = (await (await fetch(`${server.url}/openapi.json`)).json()) as OpenApi;
  lines = linesOf(await (await fetch(`${server.url}/docs`)).text());
});
after(async () => {
  await server.stop();
  await captioner.close();
  temporary.dispose();
});

/** Runs it as a person does who pasted it. */
async function run(line: string): Promise<{ status: number; body: string }> {
  const env = { ...process.env, CURL_HOME: temporary.path, no_proxy: '*' };
  const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', line], {
    cwd: folder,
    env,
    maxBuffer: 8 << 20,
  });
  const [, body, status] = /^([\s\S]*)\n(\d{3})$/.exec(stdout)!;
  return { status: Number(status), body: body! };
}

/** What the document promises where all goes well, by `POST /captions`. */
function successOf(operation: string): number {
  const [method, path] = operation.split(' ') as [string, string];
  const { responses } = openApi.paths[path]![method.toLowerCase()]!;
  return Number(Object.keys(responses).find((status) => status.startsWith('2')));
}

describe('the lines of the reference', () => {
  it('are there for every operation and every content type of its body', () => {
    const expected = Object.entries(openApi.paths).flatMap(([path, item]) =>
      Object.entries(item).flatMap(([method, operation]) => {
        const name = `${method.toUpperCase()} ${path}`;
        const { requestBody } = operation as { requestBody?: { content: Record<string, unknown> } };
        if (requestBody === undefined) return [name];
        return Object.keys(requestBody.content).map((type) => `${name}, ${type}`);
      }),
    );
    assert.deepEqual([...new Set(lines.map(({ name }) => name.replace(/:.*/, '')))].sort(), expected.sort());
  });

  it('are answered as the document says, run as they are', async () => {
    let ran = 0;
    for (const { name, line } of lines) {
      // An object of S3 is in nobody's folder.
      if (line.includes('"s3"')) continue;
      const { status, body } = await run(line);
      assert.equal(status, successOf(name.split(',')[0]!), `${line}\n${body}`);
      ran++;
    }
    assert.ok(ran >= 8, `${ran} lines`);
  });

  it('caption the photographs that they name', async () => {
    interface Body {
      captions?: object[];
      results?: { name: string; captions: object[] }[];
    }
    const bodyOf = async (type: string) => {
      const { line } = lines.find(({ name }) => name.startsWith(`POST /captions, ${type}`))!;
      return JSON.parse((await run(line)).body) as Body;
    };
    const { captions } = await bodyOf('image/*');
    assert.ok(captions);
    // Its example wants one.
    assert.deepEqual((await bodyOf('application/json')).captions, captions.slice(0, 1));
    const { results = [] } = await bodyOf('multipart/form-data');
    assert.deepEqual(
      results.map(({ name }) => name),
      ['photo.jpg', 'other.jpg'],
    );
    assert.deepEqual(results[0]!.captions, captions);
  });
});

describe('curlOf', () => {
  /** What arrives when the line is run. */
  async function arrived(t: TestContext, request: Parameters<typeof curlOf>[0]) {
    const echo = createServer(async (incoming, outgoing) => {
      const body = await text(incoming);
      outgoing.end(
        JSON.stringify({ method: incoming.method, url: incoming.url, headers: incoming.headers, body }),
      );
    }).listen(0, '127.0.0.1');
    t.after(() => echo.close());
    await once(echo, 'listening');
    const { port } = echo.address() as AddressInfo;
    const { body } = await run(curlOf(request).replaceAll(ORIGIN, `http://127.0.0.1:${port}`));
    return JSON.parse(body) as { method: string; url: string; headers: Record<string, string>; body: string };
  }
  const plain = { method: 'POST', path: '/', parameters: [], schemas: {} };

  it('keeps everything that a shell would read', async (t) => {
    const example = { prefix: `it's "$HOME" \`id\` \\ !\n*` };
    const body = { type: 'application/json', schema: { type: 'object' as const }, example };
    const request = await arrived(t, { ...plain, body });
    assert.deepEqual(JSON.parse(request.body), example);
    assert.equal(request.headers['content-type'], 'application/json');
  });

  it('sends the photograph wherever a body has one', async (t) => {
    const example = { images: [BASE64, BASE64], note: "it's" };
    const body = { type: 'application/json', schema: { type: 'object' as const }, example };
    const sent = JSON.parse((await arrived(t, { ...plain, body })).body) as typeof example;
    const [first] = sent.images;
    assert.ok(Buffer.from(first!, 'base64').length > 10_000);
    assert.deepEqual(sent, { images: [first, first], note: "it's" });
  });

  it('fills in what stands in the path, and says the method', async (t) => {
    const parameters = [{ name: 'id', in: 'path', example: 'a/b' }];
    const request = await arrived(t, { ...plain, method: 'DELETE', path: '/captions/{id}', parameters });
    assert.deepEqual([request.method, request.url], ['DELETE', '/captions/a%2Fb']);
  });

  it('has the required fields of a form beside its files', async (t) => {
    const file = { type: 'string' as const, format: 'binary' };
    const properties = {
      image: file,
      note: { type: 'string' as const, example: "it's" },
      other: { type: 'string' as const },
    };
    const schema = { type: 'object' as const, required: ['note'], properties };
    const { body } = await arrived(t, {
      ...plain,
      body: { type: 'multipart/form-data', schema, example: {} },
    });
    assert.match(body, /name="image"; filename="photo\.jpg"/);
    assert.match(body, /name="note"\r\n\r\nit's\r\n/);
    assert.doesNotMatch(body, /name="other"/);
  });
});
