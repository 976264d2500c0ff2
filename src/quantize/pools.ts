/** Average pools in bytes: the slowest of all layers as they are. */
import { consumersOf, type OnnxModel, type OnnxNode, type OnnxTensor, tensorOf } from '../onnx/graph.ts';
import type { Cells } from './numbers.ts';

/**
 * `conv(pool(x))` as `pool(conv(x))`: a 1x1 convolution mixes the channels of one cell and a pool the cells of one
 * channel, so they commute; the bias too, for a mean that leaves the padding out. In Inception's blocks the pool then
 * has a quarter of the channels or fewer: moving it takes the full encoder from 40 to 32 ms.
 */
export function movePoolsBehindConvolutions(model: OnnxModel): OnnxModel {
  const consumers = consumersOf(model.nodes);
  const outputs = new Set(model.outputs.map((o) => o.name));
  const moved = new Map<OnnxNode, OnnxNode[]>();
  for (const pool of model.nodes) {
    const readers = consumers.get(pool.outputs[0]!) ?? [];
    const conv = readers[0];
    if (readers.length !== 1 || !conv || outputs.has(pool.outputs[0]!)) continue;
    if (!isExactMean(pool) || !isPointwise(conv, model)) continue;
    moved.set(pool, []).set(conv, swapped(pool, conv));
  }
  return { ...model, nodes: model.nodes.flatMap((node) => moved.get(node) ?? [node]) };
}

function swapped(pool: OnnxNode, conv: OnnxNode): OnnxNode[] {
  const between = `${conv.outputs[0]}/before_pool`;
  return [
    { ...conv, inputs: [pool.inputs[0]!, ...conv.inputs.slice(1)], outputs: [between] },
    { ...pool, inputs: [between], outputs: conv.outputs },
  ];
}

/** Every output cell a mean of real cells: the bias of the convolution comes through unchanged. */
function isExactMean({ op, attributes }: OnnxNode): boolean {
  return op === 'AveragePool' && (attributes.count_include_pad ?? 0) === 0;
}

/** 1x1, not strided, and giving fewer channels than it takes: else there is nothing to win. */
function isPointwise({ op, inputs, attributes }: OnnxNode, { constants }: OnnxModel): boolean {
  const weights = constants.get(inputs[1] ?? '');
  if (op !== 'Conv' || !weights) return false;
  const [output, input, ...kernel] = weights.dims as [number, number, ...number[]];
  const { strides = [], pads = [], group = 1 } = attributes;
  const plain = allAre(strides, 1) && allAre(pads, 0) && allAre(kernel, 1) && group === 1;
  return plain && output < input;
}

/** Cells of a side of the mean. */
const SIDE = 3;

/** Whether every cell becomes the mean of itself and of those of its neighbours that are there. */
export function isMeanOfNeighbours(node: OnnxNode): boolean {
  const { kernel_shape: kernel, pads, strides = [1, 1], dilations = [1, 1] } = node.attributes;
  const around = allAre(kernel, SIDE) && allAre(pads, 1) && allAre(strides, 1) && allAre(dilations, 1);
  return isExactMean(node) && around && (node.attributes.ceil_mode ?? 0) === 0;
}

/** Steps of one byte in which `border` counts: 4, 6 and 9 of them are 1, 1.5 and 2.25. */
const BORDER_STEP = 1 / 4;

/**
 * What a mean of neighbours is made of instead: a depthwise convolution, whose kernels work on many bytes at once, and which takes
 * cells beyond the border for 0, times what that does to the cells at the border: they have six or four neighbours of nine.
 *
 * @param cells at least two in height and width: alone, a ninth in bytes would be too coarse to be made nine of
 * @returns int8 weights `[channels, 1, 3, 3]`, the scale of each channel, and uint8 factors `[1, 1, height, width]`
 */
export function neighboursAsConvolution(
  channels: number,
  [height, width]: Cells,
): { weights: OnnxTensor; scales: Float32Array; border: OnnxTensor; borderScale: number } {
  const [each, largest] = [SIDE ** 2, 127];
  /** Neighbours that a cell has along one axis. */
  const present = (at: number, size: number) => Math.min(at + 1, size - 1) - Math.max(at - 1, 0) + 1;
  const factor = (i: number) => each / present(i % width, width) / present(Math.floor(i / width), height);
  return {
    weights: tensorOf(new Int8Array(channels * each).fill(largest), [channels, 1, SIDE, SIDE]),
    scales: new Float32Array(channels).fill(1 / each / largest),
    border: tensorOf(
      Uint8Array.from({ length: height * width }, (_, i) => factor(i) / BORDER_STEP),
      [1, 1, height, width],
    ),
    borderScale: BORDER_STEP,
  };
}

function allAre(values: unknown, wanted: number): boolean {
  return Array.isArray(values) && values.every((v) => v === wanted);
}
