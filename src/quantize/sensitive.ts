/** Convolutions whose rounding costs most and saves least: next to the pixels, with few weights and wide ranges. */
import { elementsOf, type OnnxModel } from '../onnx/graph.ts';

/** First convolutions, which see the pixels almost raw. */
const FIRST = 3;

/**
 * EfficientNet-Lite's first three have 288 to 864 weights: in fp32 they cost nothing and take the embeddings' distance
 * to fp32 from 0.0053 to 0.0018 (1 - cosine). Inception's first has 864 too; its second and third have 9,000 and more,
 * would take a third longer for the whole encoder and gain nothing.
 */
const MOST_WEIGHTS = 1000;

/** Names of those among the first convolutions that are cheap in fp32. */
export function sensitiveNodes({ nodes, constants }: OnnxModel): ReadonlySet<string> {
  const first = nodes.filter((node) => node.op === 'Conv').slice(0, FIRST);
  const cheap = first.filter(({ inputs }) => {
    const weights = constants.get(inputs[1]!);
    return weights !== undefined && elementsOf(weights.dims) <= MOST_WEIGHTS;
  });
  return new Set(cheap.map((node) => node.name));
}
