/** Runs in a worker thread: one captioner, one image at a time. See `pool.ts`. */
import { parentPort, workerData } from 'node:worker_threads';
import { reportOf } from '../errors.ts';
import { type LoadedCaptioner, loadCaptioner } from './load.ts';
import { createSharesOfPool } from './memory/shares.ts';
import { gated, leaveNative } from './native-gate.ts';
import {
  type PoolMessage,
  STOP,
  type ThreadMessage,
  type WorkerData,
  type WorkerJob,
  type WorkerMessage,
} from './worker-messages.ts';

const { directory, options, gate } = workerData as WorkerData;
const port = parentPort!;
const post = (message: ThreadMessage) => port.postMessage(message);
const shares = createSharesOfPool(post);

const captioner = await load();
leaveNative(gate);
if (captioner !== null) {
  port.on('message', (message: PoolMessage) => {
    // With its port closed the thread ends by itself when it has nothing left to do.
    if (message === STOP) port.close();
    else if ('bytes' in message) void answer(message, captioner).then(post);
    else shares.onAnswer(message);
  });
  post({ ready: true });
}

/** `null` when the model cannot be loaded: the pool gets the reason, and the thread ends. */
async function load(): Promise<LoadedCaptioner | null> {
  try {
    const loaded = await loadCaptioner(directory, {
      ...options,
      takeMemory: shares.take,
      observe: (parts) => gated(gate, parts),
    });
    await loaded.ready;
    return loaded;
  } catch (error) {
    post({ unusable: reportOf(error) });
    return null;
  }
}

async function answer(job: WorkerJob, { caption }: LoadedCaptioner): Promise<WorkerMessage> {
  try {
    return { result: await caption(job.bytes, job.plan, job.call) };
  } catch (error) {
    return { error: reportOf(error) };
  }
}
