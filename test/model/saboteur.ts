/** The pool's real worker, which a banned word makes hang, crash, or hold an image until it is told to let go. */
import { parentPort } from 'node:worker_threads';
import type { WorkerJob } from '../../src/model/worker-messages.ts';

/** Longer than the tests let a job take, short enough to end by itself. */
const NATIVE_HANG_MS = 1_500;

/** Of the environment, which threads share: an image is held as long as it is there. */
const HOLD = 'SABOTEUR_HOLDS';
const HELD_CHECK_MS = 5;
const sleeper = new Int32Array(new SharedArrayBuffer(4));

const WAYS = new Set(['hang', 'crash', 'exit', 'hold', 'hang natively']);

/** What the first image of a batch asks for that asks for any. */
const sabotage = (batch: WorkerJob[] | string) =>
  typeof batch === 'string'
    ? undefined
    : batch.flatMap(({ plan }) => plan?.options.bannedWords ?? []).find((word) => WAYS.has(word));

function beforeTheJob(how: string | undefined): void {
  if (how === 'hang') for (;;);
  if (how === 'crash') throw new Error('crashed on purpose');
  if (how === 'exit') process.exit(3);
}

/** The worker waits for its network: seen from outside it is in native code until this ends. */
function amidTheJob(how: string | undefined): void {
  while (how === 'hold' && HOLD in process.env) Atomics.wait(sleeper, 0, 0, HELD_CHECK_MS);
  if (how !== 'hang natively') return;
  const end = performance.now() + NATIVE_HANG_MS;
  while (performance.now() < end);
}

const port = parentPort!;
const listen = port.on.bind(port);
port.on = ((event: string, handler: (batch: WorkerJob[] | string) => void) =>
  listen(event, (batch: WorkerJob[] | string) => {
    beforeTheJob(sabotage(batch));
    handler(batch);
    amidTheJob(sabotage(batch));
  })) as typeof port.on;

await import('../../src/model/worker.ts');
