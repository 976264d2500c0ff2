/** The zip for arm64: every file of machine code read, every import followed, and run where arm64 can be had. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire, isBuiltin } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';
import { after, test } from 'node:test';
import { assembleFunctions, LARGEST_ZIP_FUNCTION } from '../../../infra/functions/function-code.ts';
import { type Resources, resolve } from '../../support/aws/template.ts';
import { readSharedObject } from '../../support/elf.ts';
import { COFFEE } from '../../support/samples.ts';
import { synthesise } from '../synthesis.ts';

/** Of Amazon Linux 2023, which nodejs24.x runs on. */
const LIBC: [number, number] = [2, 34];
const OF_THE_SYSTEM =
  /^(ld-linux-aarch64\.so\.1|lib(c|m)\.so\.6|lib(dl|pthread)\.so\.[02]|lib(rt|resolv)\.so\.[12]|libstdc\+\+\.so\.6|libgcc_s\.so\.1)$/;
/** Packages that are tried one after the other, of which a platform has one; for buckets in many regions at once. */
const OPTIONAL = /^(@img\/sharp-(?!linux-arm64)|@aws-sdk\/signature-v4(-crt|a)$)/;

const work = mkdtempSync(join(tmpdir(), 'arm64-asset-'));
const code = join(work, 'arm64');
const bytes = await assembleFunctions({ architecture: 'arm64', modelDirectory: 'models/everyday' }, code);
const native = globSync('**/*.{node,so,so.*}', { cwd: code });
after(() => rmSync(work, { recursive: true }));

test('the zip fits', (t) => {
  t.diagnostic(`${bytes} bytes unpacked, of ${LARGEST_ZIP_FUNCTION}`);
  assert.ok(bytes < LARGEST_ZIP_FUNCTION / 2);
  assert.equal(native.length, 4);
});

for (const path of native) {
  test(`${basename(path)} is for arm64, old enough, and finds its libraries`, () => {
    const { machine, needed, searchPath, libc } = readSharedObject(readFileSync(join(code, path)));
    assert.equal(machine, 'arm64');
    assert.ok(libc[0] < LIBC[0] || (libc[0] === LIBC[0] && libc[1] <= LIBC[1]), libc.join('.'));
    const origin = dirname(join(code, path));
    for (const name of needed.filter((library) => !OF_THE_SYSTEM.test(library))) {
      const places = searchPath.map((place) => join(place.replace('$ORIGIN', origin), name));
      assert.ok(
        places.some((place) => existsSync(place)),
        `${name}, looked for in ${searchPath.join(', ')}`,
      );
    }
  });
}

test('every import of every file leads to a file of the zip', () => {
  const scripts = globSync('**/*.{js,cjs,mjs}', { cwd: code });
  const missing = scripts.flatMap((script) => {
    const from = createRequire(join(code, script));
    return specifiersOf(readFileSync(join(code, script), 'utf8'))
      .filter((name) => !isBuiltin(name) && !OPTIONAL.test(name))
      .filter((name) => !isInside(from, name))
      .map((name) => `${script}: ${name}`);
  });
  assert.ok(scripts.length > 50);
  assert.deepEqual(missing, []);
});

/** Literal ones, as they stand in packages; `sharp` also tries a build of its own that nobody made. */
function specifiersOf(source: string): string[] {
  const found = source.matchAll(/(?:\brequire\(|\bimport\(|\bfrom\s*|\bimport\s*)(["'])([@\w.][^"'`$]*)\1/g);
  return [...found].map(([, , name]) => name!).filter((name) => /^(\.|@?[\w-]+(\/|$))/.test(name));
}

function isInside(from: NodeJS.Require, name: string): boolean {
  try {
    return !relative(code, from.resolve(name)).startsWith('..');
  } catch {
    return false;
  }
}

/** An own arm64, or one that somebody emulates, e.g. `qemu-aarch64-static -cpu neoverse-n1 -L ROOT .../node`. */
const node = process.arch === 'arm64' ? process.execPath : process.env.ARM64_NODE;
const skip = node === undefined && 'ARM64_NODE does not name a command that runs Node for arm64';

test('the http function captions a photograph on arm64', { skip, timeout: 300_000 }, (t) => {
  const { resources } = synthesise({
    settings: { architecture: 'arm64' },
    source: { kind: 'zip', directory: code },
  });
  const [program, ...before] = node!.split(' ');
  const start = performance.now();
  const { stdout, stderr, status } = spawnSync(program!, [...before, '--input-type=module', '-e', INVOKE], {
    cwd: code,
    env: { PATH: process.env.PATH, AWS_REGION: 'eu-west-1', ...environmentOf(resources), IMAGE: COFFEE },
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr.slice(-2000));
  t.diagnostic(`start and first caption ${(performance.now() - start).toFixed(0)} ms`);
  const { statusCode, body } = JSON.parse(stdout.trim().split('\n').at(-1)!) as {
    statusCode: number;
    body: string;
  };
  assert.equal(statusCode, 200, body);
  const { captions } = JSON.parse(body) as { captions: { text: string }[] };
  assert.match(captions[0]!.text, /^[a-z ]+ \.$/);
});

/** As Lambda's runtime would, without its API: emulated, that takes long enough. */
const INVOKE = `
import { readFileSync } from 'node:fs';
const { handler } = await import(process.cwd() + '/http.mjs');
const http = { method: 'POST', path: '/captions', protocol: 'HTTP/1.1', sourceIp: '192.0.2.1', userAgent: 'test' };
const answer = await handler(
  {
    version: '2.0', routeKey: '$default', rawPath: '/captions', rawQueryString: '',
    headers: { 'content-type': 'image/jpeg', host: 'example.org' },
    requestContext: { http, requestId: 'request', domainName: 'example.org', stage: '$default' },
    body: readFileSync(process.env.IMAGE).toString('base64'), isBase64Encoded: true,
  },
  { functionName: 'test', awsRequestId: 'request', getRemainingTimeInMillis: () => 120000 },
);
console.log(JSON.stringify(answer));
process.exit(0);
`;

function environmentOf(resources: Resources): Record<string, string> {
  const http = Object.values(resources).find(({ Properties }) => Properties.Handler === 'http.handler')!;
  const { Environment } = resolve(http.Properties, resources) as {
    Environment: { Variables: Record<string, string> };
  };
  return Environment.Variables;
}
