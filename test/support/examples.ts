/** Runs the programs of `examples` as a reader does, and checks what they say. */
import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { altText } from '../../src/index.ts';
import { DEFAULT_BUNDLE, loadCaptioner } from '../../src/model/load.ts';
import { addressIn, originIn } from './cli.ts';
import { COFFEE, readSamples, SAMPLES } from './samples.ts';

const run = promisify(execFile);
/** A program that takes longer hangs. */
const HANG_MS = 60_000;
const PYTHON = 'python3';

export interface Place {
  /** Where the examples lie, with a package to import. */
  directory: string;
  /** Arguments of Node. */
  node: readonly string[];
  /** Starts `show-and-tell` with these arguments. */
  start(args: readonly string[]): ChildProcess;
  env?: NodeJS.ProcessEnv;
}

const samples = readSamples();
const { captionAll } = await loadCaptioner(DEFAULT_BUNDLE, { threads: 1 });
const results = await captionAll(samples.map(({ bytes }) => bytes));
const captions = new Map(samples.map(({ name }, i) => [name, results[i]!.captions.map(({ text }) => text)]));
const ofCoffee = captions.get(basename(COFFEE))!;

/** One test for each example. */
export function testExamples({ directory, node, start, env = process.env }: Place): void {
  const example = (name: string, ...args: string[]) =>
    run(process.execPath, [...node, join(directory, name), ...args], {
      timeout: HANG_MS,
      cwd: directory,
      env,
    });

  it('caption.ts', async () => {
    const { stdout, stderr } = await example('caption.ts', COFFEE);
    assert.equal(stdout.split('\n')[0], altText(ofCoffee[0]!));
    assert.equal(stderr, '');
  });

  it('folder.ts', async () => {
    const { stdout } = await example('folder.ts', SAMPLES);
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { file: string; caption: string });
    assert.deepEqual(
      new Map(lines.map(({ file, caption }) => [basename(file), caption])),
      new Map([...captions].map(([name, [best]]) => [name, best])),
    );
  });

  it('route.ts', async (t) => {
    const child = spawn(process.execPath, [...node, join(directory, 'route.ts')], {
      env: { ...env, PORT: '0' },
      cwd: directory,
    });
    t.after(() => child.kill('SIGKILL'));
    const url = await addressIn(child);
    const post = async (body: Uint8Array) => {
      const response = await fetch(url, { method: 'POST', body });
      return { status: response.status, ...((await response.json()) as { alt?: string; code?: string }) };
    };
    assert.deepEqual(await post(readFileSync(COFFEE)), { status: 200, alt: altText(ofCoffee[0]!) });
    const { status, code } = await post(Buffer.from('no image'));
    assert.deepEqual([status, code], [422, 'UnsupportedImage']);
    child.kill('SIGTERM');
    assert.deepEqual(await once(child, 'exit'), [0, null]);
  });

  it('lambda.ts', async () => {
    const program = `
      import { readFileSync } from 'node:fs';
      const { handler } = await import(${JSON.stringify(pathToFileURL(join(directory, 'lambda.ts')).href)});
      const call = (bytes) => handler(
        { body: bytes.toString('base64'), isBase64Encoded: true },
        { getRemainingTimeInMillis: () => 10_000 },
      );
      const answers = [await call(readFileSync(${JSON.stringify(COFFEE)})), await call(Buffer.from('no image'))];
      console.log(JSON.stringify(answers));`;
    const { stdout } = await run(process.execPath, [...node, '--input-type=module', '-e', program], {
      timeout: HANG_MS,
      cwd: directory,
      env,
    });
    const [good, bad] = JSON.parse(stdout) as { statusCode: number; body: string }[];
    assert.deepEqual([good!.statusCode, JSON.parse(good!.body)], [200, { captions: ofCoffee }]);
    assert.deepEqual([bad!.statusCode, JSON.parse(bad!.body).code], [422, 'UnsupportedImage']);
  });

  it('client.py', async (t) => {
    const found = await run(PYTHON, ['--version']).catch(() => null);
    if (found === null) return t.skip(`no ${PYTHON} here`);
    const child = start(['serve', '--port', '0', '--workers', '1', '--quiet']);
    t.after(() => child.kill('SIGKILL'));
    const url = await originIn(child);
    const client = join(directory, 'client.py');
    const { stdout } = await run(PYTHON, [client, url, COFFEE], { timeout: HANG_MS });
    assert.equal(stdout, `${COFFEE}: ${ofCoffee[0]}\n`);
    const failure = await run(PYTHON, [client, url, client]).catch((error) => error);
    assert.equal(failure.code, 1);
    assert.match(failure.stderr, /JPEG/);
    child.kill('SIGTERM');
    await once(child, 'exit');
  });
}
