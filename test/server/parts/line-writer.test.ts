/** The log when standard error is slow, broken and mended again; what a real disk and a real reader do is in `test/cli/output`. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, it } from 'node:test';
import { temporaryDirectory } from '../../support/bundles.ts';

const temporary = temporaryDirectory();
after(() => temporary.dispose());
const fileOf = (name: string) => join(temporary.path, name);

/** A process whose standard error and whose time are its own; descriptor 2 is a file. */
function run(steps: string): unknown {
  const program = `
    import { EventEmitter } from 'node:events';
    import { closeSync, openSync } from 'node:fs';
    import { createLineWriter } from ${JSON.stringify(new URL('../../../src/server/line-writer.ts', import.meta.url).href)};
    import { createLog } from ${JSON.stringify(new URL('../../../src/server/access-log.ts', import.meta.url).href)};
    const written = [];
    const fake = Object.assign(new EventEmitter(), {
      writableLength: 0,
      write: (text, done) => {
        written.push(text);
        fake.done = done;
      },
    });
    Object.defineProperty(process, 'stderr', { value: fake });
    let clock = 0;
    performance.now = () => clock;
    const reopen = (name) => {
      closeSync(2);
      if (openSync(name, 'a') !== 2) throw new Error('not 2');
    };
    const write = createLineWriter();
    const say = (text) => write(text + '\\n', (lost) => lost + ' lost\\n');
    ${steps}
    process.stdout.write(JSON.stringify(written));`;
  return JSON.parse(
    execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' }),
  );
}

it('lines beyond what may wait for a slow reader are counted, and told with the next one', () => {
  const written = run(`
    say('a');
    fake.done();
    fake.writableLength = 256 << 10;
    say('b');
    fake.writableLength++;
    say('c');
    say('d');
    fake.writableLength = 0;
    say('e');
    say('f');
  `);
  assert.deepEqual(written, ['a\n', 'b\n', '2 lost\ne\n', 'f\n']);
});

it('after a failure the descriptor is tried each second, and nothing is lost without a word', () => {
  const first = fileOf('first');
  const second = fileOf('second');
  const written = run(`
    reopen(${JSON.stringify(first)});
    fake.writableLength = Infinity;
    say('lost');
    say('lost');
    fake.writableLength = 0;
    say('fails with two before');
    fake.done(new Error('disk full'));
    clock = 999;
    say('too soon');
    clock = 1000;
    fake.writableLength = Infinity;
    say('g');
    say('h');
    closeSync(2);
    say('no descriptor');
    clock = 1999;
    say('too soon');
    clock = 2000;
    say('still none');
    clock = 2999;
    say('too soon');
    clock = 3000;
    if (openSync(${JSON.stringify(second)}, 'a') !== 2) throw new Error('not 2');
    say('i');
  `);
  assert.deepEqual(written, ['2 lost\nfails with two before\n']);
  assert.equal(readFileSync(first, 'utf8'), '\n4 lost\ng\nh\n');
  assert.equal(readFileSync(second, 'utf8'), '\n4 lost\ni\n');
});

it('a stream that breaks by itself has lost no line of ours', () => {
  const file = fileOf('broken');
  const written = run(`
    reopen(${JSON.stringify(file)});
    fake.emit('error', new Error('EPIPE'));
    clock = 1000;
    say('a');
    fake.emit('error', new Error('EPIPE'));
    say('lost');
    clock = 2000;
    say('b');
  `);
  assert.deepEqual(written, []);
  assert.equal(readFileSync(file, 'utf8'), 'a\n\n1 lost\nb\n');
});

it('the access log has a line of JSON with its time, and says how many it lost', () => {
  const [line, both] = run(`
    const log = createLog();
    log({ queue: 'done', error: 'a\\u0085' });
    fake.writableLength = Infinity;
    log({ queue: 'left' });
    fake.writableLength = 0;
    log({ queue: 'failed' });
  `) as [string, string];
  const TIME = String.raw`\{"time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z",`;
  assert.match(line, new RegExp(String.raw`^${TIME}"queue":"done","error":"a\\u0085"\}\n$`));
  assert.match(both, new RegExp(String.raw`^${TIME}"linesLost":1\}\n${TIME}"queue":"failed"\}\n$`));
});
