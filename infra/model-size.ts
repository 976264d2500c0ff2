/** What a large model means for functions that nobody gave numbers for. */
const MEGABYTE = 1e6;
/** Models up to here run in the functions as they are set: the default bundle has 23 MB, im2txt in fp32 150. */
const SMALL_MODEL_MB = 160;
/** Of the 262 MB that Lambda unpacks of a zip, what the code leaves: 68 MB of it for x86_64. */
const ZIP_MODEL_MB = 180;
/** A loaded model for each byte of its files, beside the process and one image. */
const MODEL_GROWTH = 2;
const PROCESS_MB = 700;
const LARGEST_MEMORY_MB = 10_240;
/** Seconds of one image for each gigabyte of weights, on one vCPU: 1.1 in fp32 and 2.7 in INT8 of ViT and GPT-2 (docs/captioners.md). */
const SECONDS_PER_GIGABYTE = 3;
const MEMORY_OF_ONE_CPU_MB = 1769;
/** A batch may take so long, its time-out being 240: the next image may be slower. */
const BATCH_SECONDS = 120;

interface FunctionNumbers {
  memory: number;
  timeout: number;
}

/** What of an environment's settings depends on the model. */
interface Fitted {
  packaging: 'zip' | 'container';
  functions: Record<'http' | 'queue' | 'workflow', FunctionNumbers>;
  queue: { batchSize: number };
  workflow: { batchSize: number };
}

/**
 * An environment's settings, fitted to a model: memory, time-outs, images of one invocation, and a container where a zip
 * would not hold it.
 * @param bytes of the bundle's files
 */
export function fitToModel<S extends Fitted>(environment: S, bytes: number): S {
  const size = bytes / MEGABYTE;
  if (size <= SMALL_MODEL_MB) return environment;
  const { functions, queue, workflow, packaging } = environment;
  const memory = memoryFor(size);
  const seconds = ((size / 1000) * SECONDS_PER_GIGABYTE * MEMORY_OF_ONE_CPU_MB) / memory;
  const images = Math.max(1, Math.floor(BATCH_SECONDS / seconds));
  return {
    ...environment,
    packaging: size > ZIP_MODEL_MB ? 'container' : packaging,
    functions: {
      ...functions,
      http: { ...functions.http, memory },
      queue: { ...functions.queue, memory, timeout: 240 },
      workflow: { ...functions.workflow, memory, timeout: 240 },
    },
    queue: { ...queue, batchSize: Math.min(queue.batchSize, images) },
    workflow: { ...workflow, batchSize: Math.min(workflow.batchSize, images) },
  };
}

/** MB, in steps of 64. */
function memoryFor(size: number): number {
  const wanted = 64 * Math.ceil((PROCESS_MB + MODEL_GROWTH * size) / 64);
  return Math.min(LARGEST_MEMORY_MB, Math.max(MEMORY_OF_ONE_CPU_MB, wanted));
}
