/** Runs in a worker thread: one captioner, one image at a time. See `pool.ts`. */
import { parentPort, workerData } from 'node:worker_threads';
import { reportOf } from '../errors.ts';
import { loadCaptioner } from './load.ts';
import { STOP, type WorkerAnswer, type WorkerJob, type WorkerSettings } from './pool.ts';

const { directory, options } = workerData as WorkerSettings;
const captioner = loadCaptioner(directory, options);
// Without a job nobody awaits it yet; each job reports the failure.
captioner.catch(() => undefined);

async function answer(job: WorkerJob): Promise<WorkerAnswer> {
  try {
    return { result: await (await captioner).caption(job.bytes, job.options) };
  } catch (error) {
    return { error: reportOf(error) };
  }
}

parentPort?.on('message', (job: WorkerJob | typeof STOP) => {
  // With its port closed the thread ends by itself when it has nothing left to do.
  if (job === STOP) return parentPort?.close();
  void answer(job).then((message) => parentPort?.postMessage(message));
});
