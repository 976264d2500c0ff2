/** Operators whose rounding costs most: those next to the pixels and the one before the embedding. */
import type { OnnxModel } from './onnx-graph.ts';

/** First convolutions that see the pixels almost raw, with few channels and wide ranges. */
const FIRST = 3;

/** Names of the first three convolutions and the last one. */
export function sensitiveNodes({ nodes }: OnnxModel): ReadonlySet<string> {
  const convolutions = nodes.filter((node) => node.op === 'Conv').map((node) => node.name);
  return new Set([...convolutions.slice(0, FIRST), ...convolutions.slice(-1)]);
}
