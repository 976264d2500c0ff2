/** Graphs opened by onnxruntime, held to what they must take and give. */
import { fileURLToPath } from 'node:url';
import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { type ModelProblem, ModelUnusable } from '../../errors.ts';
import { isOutOfMemory, outOfMemory } from '../memory/out-of-memory.ts';
import { onnxruntime } from '../native/native-parts.ts';

export interface SessionSettings {
  /** Threads inside one run; 1 or more. */
  threads: number;
  /** As onnxruntime calls it: `cpu`, `cuda`. */
  executionProvider: string;
}

/** A graph's agreed inputs and outputs: name to dtype and shape, `null` for a free dimension. */
export type Signature = Record<string, { dtype: Tensor.Type; shape: readonly (number | null)[] }>;

export interface GraphContract {
  inputs: Signature;
  outputs: Signature;
}

/**
 * onnxruntime 1.29 and later report usage to their maker unless told not to, before the first session is made. What a
 * deployment captions must not leave it; and the reporting code ends the process by a segmentation fault when
 * the command line is longer than about 32 kB. Worker threads must share the process' environment for this to reach.
 */
export function refuseTelemetry(): void {
  process.env.ORT_DISABLE_TELEMETRY = '1';
}

/**
 * Opens a graph and holds it to its contract.
 * @param file by path: onnxruntime then maps the file, a buffer would be held twice
 * @throws ModelUnusable; Overloaded where memory ran out
 */
export async function openSession(
  file: string,
  contract: GraphContract,
  settings: SessionSettings,
): Promise<InferenceSession> {
  refuseTelemetry();
  const { InferenceSession } = onnxruntime();
  const session = await InferenceSession.create(file, sessionOptions(settings)).catch((cause: unknown) => {
    // Of the machine, not of the bundle: the next start may find enough.
    if (isOutOfMemory(cause)) throw outOfMemory(cause);
    const actual = cause instanceof Error ? cause.message : String(cause);
    throw new ModelUnusable(whyUnopened(file, actual, settings.executionProvider), { cause });
  });
  checkSignature(file, 'input', contract.inputs, session.inputMetadata);
  checkSignature(file, 'output', contract.outputs, session.outputMetadata);
  return session;
}

/** A provider or a graph: onnxruntime gives both failures one type, and names the provider in the message. */
function whyUnopened(file: string, actual: string, provider: string): ModelProblem {
  if (provider === 'cuda' && /cuda|cudnn|cublas/i.test(actual)) {
    return { file, expected: 'onnxruntime to start its CUDA provider', actual, remedy: cudaRemedy() };
  }
  const remedy = `Import or train it again; it must run on execution provider ${provider}.`;
  return { file, expected: 'a graph that onnxruntime opens', actual, remedy };
}

/** The package has no CUDA provider, which is 300 MB; the wheel of the same version has the same library. */
function cudaRemedy(): string {
  const version = onnxruntime().env.versions.node;
  const libraries = `../bin/napi-v6/${process.platform}/${process.arch}/`;
  const directory = fileURLToPath(new URL(libraries, import.meta.resolve('onnxruntime-node')));
  return (
    `Use the CUDA container (infra/container/build.sh), or unpack libonnxruntime_providers_cuda.so and ` +
    `libonnxruntime_providers_shared.so of the Python wheel onnxruntime-gpu ${version} into ${directory}, ` +
    'where CUDA 13, cuDNN 9 and a driver for them are installed; or leave out --execution-provider cuda.'
  );
}

function sessionOptions({ threads, executionProvider }: SessionSettings): InferenceSession.SessionOptions {
  return {
    executionProviders: [executionProvider],
    // Unset, onnxruntime takes the host's physical cores, whatever the container may use.
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
    // Two sessions take turns a hundred times a caption: spinning pools would fight for the cores.
    extra: { session: { intra_op: { allow_spinning: '0' }, inter_op: { allow_spinning: '0' } } },
    logSeverityLevel: 3,
  };
}

function checkSignature(
  file: string,
  kind: 'input' | 'output',
  expected: Signature,
  found: readonly InferenceSession.ValueMetadata[],
): void {
  for (const [name, want] of Object.entries(expected)) {
    const have = found.find((m) => m.name === name);
    const shown = have?.isTensor ? `${have.type} [${have.shape.join(', ')}]` : have ? 'no tensor' : 'none';
    const fits = have?.isTensor === true && have.type === want.dtype && shapesAgree(want.shape, have.shape);
    if (fits) continue;
    throw new ModelUnusable({
      file,
      expected: `${kind} "${name}" ${want.dtype} [${want.shape.map((d) => d ?? '?').join(', ')}]`,
      actual: have ? shown : `${kind}s ${found.map((m) => m.name).join(', ') || 'none'}`,
      remedy: 'The manifest and this graph do not belong together: import or train the model again.',
    });
  }
}

/** Symbolic dimensions (strings) may stand for anything. */
function shapesAgree(want: readonly (number | null)[], have: readonly (number | string)[]): boolean {
  return (
    want.length === have.length &&
    want.every((d, i) => d === null || typeof have[i] === 'string' || have[i] === d)
  );
}
