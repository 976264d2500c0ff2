import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import sharp, { type Sharp } from 'sharp';
import type { ErrorReport } from '../../../src/errors.ts';
import { isOutOfMemory } from '../../../src/model/memory/out-of-memory.ts';
import { temporaryDirectory } from '../../support/bundles.ts';

const PROGRAM = fileURLToPath(new URL('./decode-here.ts', import.meta.url));
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const temporary = temporaryDirectory();
after(() => temporary.dispose());

const picture = (width: number, height: number) =>
  sharp({ create: { width, height, channels: 3, background: { r: 9, g: 99, b: 199 } } });

async function fileOf(name: string, image: Sharp): Promise<string> {
  const path = join(temporary.path, name);
  writeFileSync(path, await image.toBuffer());
  return path;
}

/** @param limits MiB left to it, or `all`; seconds that decoding may take */
function startDecoding(
  file: string,
  input: 'small' | 'whole',
  limits: { mebibytes?: number; seconds?: number },
) {
  const args = [PROGRAM, file, input, String(limits.mebibytes ?? 'all'), String(limits.seconds ?? 20)];
  return spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
}

async function outcomeOf(child: ChildProcess): Promise<string> {
  const [out, err] = await Promise.all([text(child.stdout!), text(child.stderr!)]);
  const lines = out.trim().split('\n');
  assert.ok(lines.length > 0 && out !== '', err);
  return lines.at(-1)!;
}

const hasPrlimit = () => {
  try {
    return execFileSync('prlimit', ['--version']).length > 0;
  } catch {
    return false;
  }
};

/** Each in more than the process is left, in one piece: what GLib cannot have ends the process. */
const LARGE: [string, 'small' | 'whole', () => Sharp][] = [
  ['a JPEG whose coefficients', 'small', () => picture(6000, 6000).jpeg({ progressive: true })],
  ['a PNG whose interlaced rows', 'small', () => picture(7000, 7000).png({ progressive: true })],
  ['a WebP whose frame', 'small', () => picture(7000, 7000).webp({ effort: 0 })],
  ['a TIFF whose pixels', 'whole', () => picture(7000, 7000).tiff({ compression: 'deflate' })],
];

describe('memory that runs out', { skip: !hasPrlimit() && 'prlimit is not there' }, () => {
  for (const [what, input, image] of LARGE) {
    it(`is never called damage: ${what} do not fit`, async () => {
      const file = await fileOf(what, image());
      const { code, message } = JSON.parse(
        await outcomeOf(startDecoding(file, input, { mebibytes: 90 })),
      ) as ErrorReport;
      assert.equal(code, 'Overloaded', message);
      assert.match(message, /no memory left/);
    });
  }
});

it('of a thread is told from a crash', async () => {
  const worker = new Worker('const all = []; for (;;) all.push(new Array(1e5).fill({}));', {
    eval: true,
    resourceLimits: { maxOldGenerationSizeMb: 16 },
  });
  const [error] = (await once(worker, 'error')) as [NodeJS.ErrnoException];
  assert.equal(error.code, 'ERR_WORKER_OUT_OF_MEMORY');
  assert.ok(isOutOfMemory(error));
});

it('what V8, Node and libheif say is recognised, and libheif’s limits of a file are not', () => {
  const tooMuch = () => new ArrayBuffer(2 ** 50);
  assert.throws(tooMuch, isOutOfMemory);
  assert.ok(isOutOfMemory(new Error('std::bad_alloc')));
  assert.ok(
    isOutOfMemory(
      new Error('source: bad seek to 1338\nheif: Invalid input: Unspecified: Memory allocation error (2.0)'),
    ),
  );
  assert.ok(
    !isOutOfMemory(new Error('heif: Memory allocation error: Security limit exceeded: Image size exceeds')),
  );
  assert.ok(!isOutOfMemory(new Error('VipsJpeg: premature end of JPEG image')));
  for (const code of ['ENOMEM', 'ERR_MEMORY_ALLOCATION_FAILED', 'ERR_WORKER_OUT_OF_MEMORY']) {
    assert.ok(isOutOfMemory(Object.assign(new Error('said otherwise'), { code })));
  }
  for (const other of ['out of memory', { message: 'out of memory', code: 'ENOMEM' }, null, undefined]) {
    assert.ok(!isOutOfMemory(other));
  }
});

it('time that runs out on a machine that does something else is late, not damage', async () => {
  const file = await fileOf('slow.png', picture(9000, 9000).png({ compressionLevel: 1 }));
  const child = startDecoding(file, 'whole', { seconds: 1 });
  await once(child.stdout!, 'data');
  await sleep(100);
  child.kill('SIGSTOP');
  await sleep(2_100);
  child.kill('SIGCONT');
  const { code, message } = JSON.parse(await outcomeOf(child)) as ErrorReport;
  assert.equal(code, 'DeadlineExceeded', message);
  assert.match(message, /longer than 1 s/);
});
