/** The ranges of a network's values on real images: the one part of quantising that runs graphs. */
import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { onnxruntime } from '../model/native/native-parts.ts';
import { refuseTelemetry } from '../model/networks/session.ts';
import type { OnnxModel, ValueInfo } from '../onnx/graph.ts';
import { encodeModel } from '../onnx/write.ts';
import { planQuantization } from './plan.ts';
import { ValueHistogram } from './ranges.ts';

/** Inputs of one run, by name. */
export type Feeds = Record<string, Tensor>;

/**
 * Runs the fp32 graph on every image and counts what its values were. All that any choice of fp32 nodes and any
 * method for ranges needs is measured at once; one image's values are in memory at a time.
 *
 * @param prepared from `prepareEncoder`
 */
export async function measureValues(
  prepared: OnnxModel,
  images: AsyncIterable<Feeds> | Iterable<Feeds>,
  threads: number,
): Promise<Map<string, ValueHistogram>> {
  const { measured } = planQuantization(prepared);
  const inputs = new Set(prepared.inputs.map((i) => i.name));
  const computed = measured.filter((name) => !inputs.has(name));
  const histograms = new Map(measured.map((name) => [name, new ValueHistogram()]));
  const session = await openShowing(prepared, computed, threads);
  try {
    for await (const feeds of images) {
      const values = { ...feeds, ...(await session.run(feeds, computed)) };
      for (const [name, histogram] of histograms) {
        const { data, dims } = values[name]!;
        histogram.add(data as Float32Array, dims);
      }
    }
  } finally {
    await session.release();
  }
  return histograms;
}

/** A session whose outputs are the named values. */
async function openShowing(
  model: OnnxModel,
  names: readonly string[],
  threads: number,
): Promise<InferenceSession> {
  // onnxruntime checks the rank of a declared shape; only the element type is known here.
  const outputs = names.map((name): ValueInfo => ({ name, type: 'float32', dims: null }));
  const bytes = encodeModel({ ...model, outputs });
  refuseTelemetry();
  return await onnxruntime().InferenceSession.create(bytes, {
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    logSeverityLevel: 3,
  });
}
