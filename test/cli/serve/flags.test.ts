/** What flags and environment of `serve` mean, and which are refused, without a server. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Command, CommanderError } from 'commander';
import { addServeCommand } from '../../../src/cli/serve/serve.ts';
import { InvalidRequest } from '../../../src/errors.ts';

/** Nothing is printed, and no process ends. */
function program(): { all: Command; serve: Command } {
  const all = new Command().exitOverride().configureOutput({ writeErr: () => undefined });
  addServeCommand(all);
  return { all, serve: all.commands[0]! };
}

/** What the command is called with. */
function read(...words: string[]): object {
  const { all, serve } = program();
  serve.action(() => undefined);
  all.parse(['serve', ...words], { from: 'user' });
  return serve.opts();
}

describe('flags of serve', () => {
  it('are read as what they are', () => {
    const cases: Record<string, [text: string, value: unknown]> = {
      model: ['m', 'm'],
      port: ['0', 0],
      metricsPort: ['9', 9],
      host: ['::', '::'],
      workers: ['2', 2],
      threads: ['3', 3],
      executionProvider: ['cuda', 'cuda'],
      batch: ['8', 8],
      queue: ['4', 4],
      allowedBuckets: ['a-1,b-2', ['a-1', 'b-2']],
      uploadsBucket: ['c', 'c'],
      uploadsPrefix: ['in/', 'in/'],
      queueUrl: ['https://q', 'https://q'],
      resultsBucket: ['d', 'd'],
      resultsPrefix: ['out/', 'out/'],
      eventBus: ['own', 'own'],
      deployment: ['e', 'e'],
      maxObjectBytes: ['1kib', 1024],
      maxBody: ['2kb', 2000],
      maxBodies: ['3mib', 3 << 20],
      maxImages: ['5', 5],
      headersTimeout: ['6s', 6000],
      requestTimeout: ['7ms', 7],
      idleTimeout: ['8m', 480_000],
      answerTimeout: ['1h', 3_600_000],
      stopTimeout: ['1.5s', 1500],
      maxPixels: ['10', 10],
      decodeMemory: ['1gib', 2 ** 30],
    };
    const flag = (name: string) => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    const words = Object.entries(cases).flatMap(([name, [text]]) => [flag(name), text]);
    const values = Object.entries(cases).map(([name, [, value]]) => [name, value]);
    const origins = ['--cors-origin', 'https://a.example', '--cors-origin', 'https://b.example'];
    assert.deepEqual(read(...words, ...origins, '--tag-objects', '--quiet'), {
      ...Object.fromEntries(values),
      corsOrigin: ['https://a.example', 'https://b.example'],
      tagObjects: true,
      quiet: true,
    });
    assert.deepEqual(read(), {});
    const known = program().serve.options.map((option) => option.attributeName());
    assert.deepEqual(known.sort(), [...Object.keys(cases), 'corsOrigin', 'tagObjects', 'quiet'].sort());
  });

  it('are some of them variables of the environment', () => {
    const names = program().serve.options.flatMap(({ long, envVar }) => (envVar ? [[long, envVar]] : []));
    assert.deepEqual(Object.fromEntries(names), {
      '--model': 'MODEL_DIR',
      '--port': 'PORT',
      '--execution-provider': 'EXECUTION_PROVIDER',
      '--max-pixels': 'MAX_PIXELS',
      '--decode-memory': 'DECODE_MEMORY',
    });
  });

  const wrong = [
    ['--port', '70000'],
    ['--port', 'http'],
    ['--workers', '0'],
    ['--queue', '-1'],
    ['--threads', '1.5'],
    ['--execution-provider', 'tpu'],
    ['--queue-url', 'https://sqs.example/queue'],
    ['--event-bus', 'own'],
    ['--max-object-bytes', '0'],
    ['--max-pixels', '0'],
    ['--decode-memory', '0'],
    ['--cors-origin', 'https://app.example.org/'],
    ['--cors-origin', 'localhost:3000'],
    ['--metrics-port', '70000'],
    ['--metrics-port', '0x'],
    ['--max-object-bytes', '1gib'],
    ['--max-body', '0'],
    ['--max-body', '1gb'],
    ['--max-bodies', '1mb'],
    ['--max-images', '0'],
    ['--max-images', '1.5'],
    ['--headers-timeout', '31s'],
    ['--idle-timeout', '0s'],
    ['--answer-timeout', '2h'],
  ] as const;
  for (const [flag, value] of wrong) {
    it(`refuse ${flag} ${value} in the flag’s name`, async () => {
      await assert.rejects(program().all.parseAsync(['serve', flag, value], { from: 'user' }), (error) => {
        assert.ok(error instanceof InvalidRequest);
        const name = flag === '--port' ? '--port (or PORT)' : flag;
        assert.ok(error.message.startsWith(`${name}: `), error.message);
        assert.doesNotMatch(error.message, /[{}]/);
        return true;
      });
    });
  }

  it('name the others that they need', async () => {
    const parsed = program().all.parseAsync(['serve', '--uploads-bucket', 'abc'], { from: 'user' });
    const message = '--uploads-bucket: needs --results-bucket, where the outcome of uploads is looked for';
    await assert.rejects(parsed, new InvalidRequest(message));
  });

  for (const [flag, value] of [
    ['--decode-memory', '1tb'],
    ['--max-body', '10x'],
    ['--max-bodies', 'x'],
    ['--max-object-bytes', '1,5mb'],
    ['--headers-timeout', '5'],
    ['--request-timeout', '30'],
    ['--idle-timeout', 's'],
    ['--answer-timeout', '1d'],
    ['--stop-timeout', 'soon'],
  ] as const) {
    it(`refuse ${flag} ${value}, which is no quantity`, () => {
      assert.throws(
        () => read(flag, value),
        (error) => error instanceof CommanderError && error.message.includes(`'${flag} <`),
      );
    });
  }
});
