/** An fp32 encoder as an INT8 one: QuantizeLinear and DequantizeLinear around every node that works in bytes. */
import {
  floatsOf,
  type OnnxModel,
  type OnnxNode,
  type OnnxTensor,
  producersOf,
  tensorOf,
} from '../onnx/graph.ts';
import { decodeModel } from '../onnx/read.ts';
import { encodeModel } from '../onnx/write.ts';
import {
  type ByteGrid,
  correctedBias,
  gridOf,
  type Meeting,
  quantizeBias,
  quantizeWeights,
  type Range,
  smallestScales,
  union,
} from './numbers.ts';
import {
  boundsOf,
  dataInputs,
  isPassing,
  MULTIPLYING,
  planQuantization,
  type QuantizationPlan,
} from './plan.ts';
import { isMeanOfNeighbours, movePoolsBehindConvolutions, neighboursAsConvolution } from './pools.ts';

/**
 * The fp32 graph in the form that is quantised: to be calibrated in this form as well.
 * @param file only for messages
 * @throws ModelUnusable
 */
export function prepareEncoder(file: string, fp32Model: Uint8Array): OnnxModel {
  return movePoolsBehindConvolutions(decodeModel(file, fp32Model));
}

/**
 * @param prepared from `prepareEncoder`
 * @param ranges of all values that `planQuantization(prepared).measured` names
 * @param keep names of nodes that stay fp32
 * @returns bytes of an ONNX file with the same inputs and outputs
 */
export function quantizeEncoder(
  prepared: OnnxModel,
  ranges: ReadonlyMap<string, Range>,
  keep: ReadonlySet<string> = new Set(),
): Uint8Array {
  const plan = planQuantization(prepared, keep);
  const rewrite = new Rewrite(prepared, plan, gridsOf(prepared, plan, ranges), ranges);
  for (const node of prepared.nodes) rewrite.append(node);
  return encodeModel(rewrite.model());
}

/** One grid for each group of values. */
function gridsOf(
  model: OnnxModel,
  { groups, measured }: QuantizationPlan,
  ranges: ReadonlyMap<string, Range>,
): Map<string, ByteGrid> {
  const producers = producersOf(model.nodes);
  const joined = new Map<string, Range>();
  for (const value of measured) {
    const range = ranges.get(value) ?? ranges.get(origin(value, producers));
    if (!range) throw new RangeError(`no range was measured for ${value}`);
    const group = groups.get(value)!;
    const others = joined.get(group);
    joined.set(group, others ? union(others, range) : range);
  }
  const grids = new Map([...joined].map(([group, range]) => [group, gridOf(range)]));
  for (const node of model.nodes) {
    const group = groups.get(node.outputs[0]!);
    const grid = group === undefined ? undefined : storedGrid(node, model);
    if (group !== undefined && grid) grids.set(group, grid);
  }
  return grids;
}

/** Where a value's numbers come from that is only passed on: floats are measured there alone. */
function origin(value: string, producers: ReadonlyMap<string, OnnxNode>): string {
  const producer = producers.get(value);
  return producer && isPassing(producer) ? origin(producer.inputs[0]!, producers) : value;
}

/** Of a value that is bytes to begin with, such as the pixels. */
function storedGrid({ op, inputs }: OnnxNode, { constants }: OnnxModel): ByteGrid | undefined {
  if (op !== 'DequantizeLinear') return undefined;
  const scale = constants.get(inputs[1]!);
  if (!scale) return undefined;
  return { scale: floatsOf(scale)[0]!, zero: constants.get(inputs[2] ?? '')?.bytes()[0] ?? 0 };
}

/**
 * onnxruntime sums over the input channels of one kernel cell after the other, neighbours together; an odd number of
 * them would make the last of one cell meet the first of the next.
 */
function meetingOf({ op, attributes }: OnnxNode, dims: readonly number[]): Meeting {
  if (op !== 'Conv') return { axis: attributes.transB === 1 ? 1 : 0 };
  const [output, input, ...kernel] = dims as [number, number, ...number[]];
  if (input === 1 && attributes.group === output) return 'none';
  return input % 2 === 0 || kernel.every((side) => side === 1) ? { axis: 1 } : 'any';
}

/** The quantised graph in the making. */
class Rewrite {
  readonly #source: OnnxModel;
  readonly #plan: QuantizationPlan;
  readonly #grids: ReadonlyMap<string, ByteGrid>;
  readonly #ranges: ReadonlyMap<string, Range>;
  readonly #producers: ReadonlyMap<string, OnnxNode>;
  readonly #nodes: OnnxNode[] = [];
  readonly #constants = new Map<string, OnnxTensor>();
  /** Values whose DequantizeLinear is there. */
  readonly #rounded = new Set<string>();
  /** Values that another one stands for, since its rounding does their clip's work. */
  readonly #results = new Map<string, string>();

  constructor(
    source: OnnxModel,
    plan: QuantizationPlan,
    grids: ReadonlyMap<string, ByteGrid>,
    ranges: ReadonlyMap<string, Range>,
  ) {
    this.#ranges = ranges;
    this.#source = source;
    this.#plan = plan;
    this.#grids = grids;
    this.#producers = producersOf(source.nodes);
    for (const [clip, before] of plan.absorbed) {
      if (this.#roundingClips(clip)) this.#results.set(before, clip.outputs[0]!);
    }
  }

  append(node: OnnxNode): void {
    const before = this.#plan.absorbed.get(node);
    if (before !== undefined && this.#results.has(before)) return;
    const inBytes = this.#plan.nodes.has(node);
    const data = new Set(dataInputs(node, this.#source));
    const inputs = node.inputs.map((i) => (data.has(i) ? this.#input(i, node, inBytes) : i));
    const outputs = node.outputs.map((o) => this.#results.get(o) ?? o);
    if (inBytes && this.#asConvolution(node, inputs[0]!, outputs[0]!)) return;
    const weighted = inBytes && this.#source.constants.get(node.inputs[1] ?? '')?.type === 'float32';
    const all = weighted ? [inputs[0]!, ...this.#weights(node)] : inputs;
    this.#nodes.push({ ...node, inputs: all, outputs });
  }

  model(): OnnxModel {
    const used = new Set(this.#nodes.flatMap((n) => n.inputs));
    const kept = [...this.#source.constants].filter(([name]) => used.has(name));
    return { ...this.#source, nodes: this.#nodes, constants: new Map([...kept, ...this.#constants]) };
  }

  /** Whether bytes of this clip's grid cannot go beyond its bounds by more than rounding. */
  #roundingClips(clip: OnnxNode): boolean {
    const grid = this.#gridOf(clip.outputs[0]!);
    if (!grid) return false;
    const { low, high } = boundsOf(clip, this.#source);
    const slack = grid.scale / 2;
    return -grid.zero * grid.scale >= low - slack && (255 - grid.zero) * grid.scale <= high + slack;
  }

  #gridOf(value: string): ByteGrid | undefined {
    const group = this.#plan.groups.get(value);
    return group === undefined ? undefined : this.#grids.get(group);
  }

  /** Who works in floats reads floats as long as there are any. */
  #input(value: string, reader: OnnxNode, inBytes: boolean): string {
    const producer = this.#producers.get(value);
    const stored = producer?.op === 'DequantizeLinear';
    if (stored) return inBytes ? value : this.#guarded(value, reader);
    if (!this.#gridOf(value) || this.#plan.absorbed.has(reader)) return value;
    const rounded =
      producer !== undefined && (this.#plan.nodes.has(producer) || this.#plan.absorbed.has(producer));
    if (inBytes) return this.#throughBytes(value);
    return rounded ? this.#guarded(this.#throughBytes(value), reader) : value;
  }

  /**
   * onnxruntime makes bytes of a product's weights itself, 8 bits and one scale for all, where it finds it between
   * DequantizeLinear and QuantizeLinear. A Clip without bounds changes nothing and keeps it from what must stay fp32.
   */
  #guarded(value: string, { op, name }: OnnxNode): string {
    return MULTIPLYING.has(op) ? this.#push('Clip', [value], `${name}/input`) : value;
  }

  /** @returns whether it did: where the sizes of the pool and the grid of its result are known */
  #asConvolution(pool: OnnxNode, input: string, output: string): boolean {
    const { means, cells } = this.#ranges.get(pool.inputs[0]!) ?? {};
    const group = this.#plan.groups.get(output);
    if (!isMeanOfNeighbours(pool) || !means || !cells || Math.min(...cells) < 2 || group === undefined)
      return false;
    const { weights, scales, border, borderScale } = neighboursAsConvolution(means.length, cells);
    const { kernel_shape, pads } = pool.attributes as { kernel_shape: number[]; pads: number[] };
    const attributes = { kernel_shape, pads, strides: [1, 1], group: means.length };
    const kernel = this.#integers(`${pool.name}/weights`, weights, scales, 0);
    const mean = `${pool.name}/mean`;
    this.#nodes.push({ ...pool, op: 'Conv', inputs: [input, kernel], outputs: [mean], attributes });
    const factors = this.#stored(`${pool.name}/border`, border, borderScale);
    this.#push('Mul', [this.#throughBytes(mean, group), factors], output);
    return true;
  }

  /** A constant that is bytes. */
  #stored(name: string, bytes: OnnxTensor, scale: number): string {
    this.#constants.set(`${name}/bytes`, bytes);
    this.#constants.set(`${name}/scale`, tensorOf(Float32Array.of(scale), []));
    this.#constants.set(`${name}/zero`, tensorOf(Uint8Array.of(0), []));
    return this.#push(
      'DequantizeLinear',
      ['bytes', 'scale', 'zero'].map((n) => `${name}/${n}`),
      name,
    );
  }

  #throughBytes(value: string, group = this.#plan.groups.get(value)!): string {
    const rounded = `${value}/rounded`;
    if (this.#rounded.has(value)) return rounded;
    this.#rounded.add(value);
    const { scale, zero } = this.#grids.get(group)!;
    const [scaleName, zeroName] = [`${group}/scale`, `${group}/zero`];
    this.#constants.set(scaleName, tensorOf(Float32Array.of(scale), []));
    this.#constants.set(zeroName, tensorOf(Uint8Array.of(zero), []));
    this.#push('QuantizeLinear', [value, scaleName, zeroName], `${value}/bytes`);
    this.#push('DequantizeLinear', [`${value}/bytes`, scaleName, zeroName], rounded);
    return rounded;
  }

  /** Weights and bias of a product as integers; the names of their floats. */
  #weights(node: OnnxNode): string[] {
    const [x, weightName, biasName] = node.inputs as [string, string, string?];
    const weights = this.#source.constants.get(weightName)!;
    const inputScale = this.#gridOf(x)!.scale;
    const axis = node.op === 'Conv' || node.attributes.transB === 1 ? 0 : 1;
    const values = floatsOf(weights);
    const bias = biasName ? floatsOf(this.#source.constants.get(biasName)!) : undefined;
    const smallest = bias && smallestScales(bias, inputScale);
    const rounded = quantizeWeights(values, weights.dims, axis, meetingOf(node, weights.dims), smallest);
    const { bytes, scales } = rounded;
    const names = [this.#integers(`${node.name}/weights`, tensorOf(bytes, weights.dims), scales, axis)];
    if (bias) {
      const means = node.op === 'Conv' ? this.#ranges.get(x)?.means : undefined;
      const corrected = means?.length ? correctedBias(bias, values, weights.dims, rounded, means) : bias;
      const steps = scales.map((s) => s * inputScale);
      names.push(this.#integers(`${node.name}/bias`, tensorOf(quantizeBias(corrected, steps)), steps, 0));
    }
    return names;
  }

  #integers(name: string, tensor: OnnxTensor, scales: Float32Array, axis: number): string {
    const zeros = tensor.type === 'int8' ? new Int8Array(scales.length) : new Int32Array(scales.length);
    this.#constants.set(`${name}/integers`, tensor);
    this.#constants.set(`${name}/scales`, tensorOf(scales));
    this.#constants.set(`${name}/zeros`, tensorOf(zeros));
    return this.#push(
      'DequantizeLinear',
      ['integers', 'scales', 'zeros'].map((n) => `${name}/${n}`),
      `${name}/rounded`,
      axis,
    );
  }

  #push(op: string, inputs: string[], output: string, axis?: number): string {
    const attributes = axis === undefined ? {} : { axis };
    this.#nodes.push({ op, domain: '', name: output, inputs, outputs: [output], attributes });
    return output;
  }
}
