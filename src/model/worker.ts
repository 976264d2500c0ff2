/** Runs in a worker thread: one model, one batch of images at a time. See `crew.ts`. */
import { parentPort, workerData } from 'node:worker_threads';
import { reportOf } from '../errors.ts';
import { type LoadedCaptioner, type LoadOptions, loadCaptioner } from './load.ts';
import { gated, leaveNative } from './native-gate.ts';
import { warmUp } from './warm-up.ts';
import {
  type CrewMessage,
  STOP,
  type WorkerData,
  type WorkerJob,
  type WorkerMessage,
} from './worker-messages.ts';

const { directory, threads, executionProvider, gate, batch } = workerData as WorkerData;
const port = parentPort!;
const post = (message: WorkerMessage) => port.postMessage(message);

const captioner = await load();
leaveNative(gate);
if (captioner !== null) {
  port.on('message', (message: CrewMessage) => {
    // With its port closed the thread ends by itself when it has nothing left to do.
    if (message === STOP) port.close();
    else void answer(message, captioner).then(post);
  });
  post({ ready: true });
}

/** `null` when the model cannot be loaded: the crew gets the reason, and the thread ends. */
async function load(): Promise<LoadedCaptioner | null> {
  try {
    const observe: LoadOptions['observe'] = (parts) => gated(gate, parts);
    const loaded = await loadCaptioner(directory, { threads, executionProvider, observe });
    await loaded.ready;
    if (executionProvider === 'cuda') await warmUp(loaded, batch);
    return loaded;
  } catch (error) {
    post({ unusable: reportOf(error) });
    return null;
  }
}

async function answer(jobs: WorkerJob[], { describe, plan }: LoadedCaptioner): Promise<WorkerMessage> {
  try {
    const described = await describe(jobs.map((job) => ({ ...job, plan: job.plan ?? plan() })));
    return { answers: described.map((one) => ('error' in one ? { error: reportOf(one.error) } : one)) };
  } catch (error) {
    return { failed: reportOf(error) };
  }
}
