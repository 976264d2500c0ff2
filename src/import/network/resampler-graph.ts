/** TensorFlow 1's image resampling as part of an ONNX graph: `caption/resampling/tf1-bilinear.ts` says the same in TypeScript. */
import type { Tf1BilinearInput } from '../../caption/image-input.ts';
import { cropStart, READ_WHOLE } from '../../caption/resampling/tf1-bilinear.ts';
import { GraphBuilder, integers, type OnnxGraph, scalar, tensorOf } from '../../onnx/graph.ts';
import { DATA_TYPES } from '../../onnx/schema.ts';

const CHANNELS = 3;
/** A byte's step in -1 to 1. */
const STEP = 2 / 255;

/**
 * Appends to a graph what makes a network's input of photographs of any sizes. Places are rounded to float32 in
 * TensorFlow's order, so that the same neighbours meet with the same weights: ONNX's Resize has coordinates of its own. What
 * they add up to differs from TensorFlow's by rounding, less than 1e-6.
 *
 * @param pixels value uint8 NHWC `[N, H, W, 3]`: of each image what `readPixels` gives, up to the largest filled up with anything
 * @param sizes value int64 `[N, 2]`: height and width of each photograph
 * @returns value float32 NCHW `[N, 3, height, width]`, -1 to 1
 */
export function resampler(g: GraphBuilder, pixels: string, sizes: string, input: Tf1BilinearInput): string {
  // A Scan reads its images where they lie, and writes where the result will; a Loop copies both.
  g.node('Scan', [sizes, pixels], 'resampled_rows', {
    body: { graph: resampleOne(input) },
    num_scan_inputs: 2,
  });
  g.constant('resampled_shape', integers(0, CHANNELS, input.height, input.width));
  return g.node('Reshape', ['resampled_rows', 'resampled_shape'], 'resampled');
}

/**
 * The body for one image. Columns are chosen after a transposition: onnxruntime copies run after run, and 299 long ones cost far
 * less than 89,401 short ones. Bytes become floats times the weights of their columns in one operation, which saves three
 * passes over memory.
 */
function resampleOne({ width, height, resizedTo }: Tf1BilinearInput): OnnxGraph {
  const g = new GraphBuilder();
  g.constant('resized_to', scalar(resizedTo));
  g.constant('one_pixel', integers(1));
  neighbours(g, 'y', 0, height, resizedTo);
  neighbours(g, 'x', 1, width, resizedTo);
  g.constant('step', scalar(STEP));
  g.node('Mul', ['x_weight', 'step'], 'x_high_scale');
  g.node('Sub', ['step', 'x_high_scale'], 'x_low_scale');
  // The channels of a column lie one below the other when they are blended.
  g.node('Concat', ['y_weight', 'y_weight', 'y_weight'], 'down_weight', { axis: 0 });

  g.constant('rows_shape', integers(0, -1));
  g.node('Reshape', ['image', 'rows_shape'], 'rows');
  g.constant('columns_shape', integers(-1, CHANNELS * height));
  const across = (which: 'low' | 'high') => {
    g.node('Gather', ['rows', `y_${which}`], `${which}_rows`);
    g.node('Transpose', [`${which}_rows`], `${which}_turned`, { perm: [1, 0] });
    g.node('Reshape', [`${which}_turned`, 'columns_shape'], `${which}_columns`);
    for (const side of ['low', 'high']) {
      g.node('Gather', [`${which}_columns`, `x_${side}`], `${which}_${side}_bytes`);
      g.node('DequantizeLinear', [`${which}_${side}_bytes`, `x_${side}_scale`], `${which}_${side}`, {
        axis: 0,
      });
    }
    return g.node('Add', [`${which}_low`, `${which}_high`], `${which}_blended`);
  };
  const [upper, lower] = [across('low'), across('high')];
  g.node('Sub', [lower, upper], 'difference');
  g.node('Mul', ['difference', 'down_weight'], 'share');
  g.node('Add', [upper, 'share'], 'blended');
  g.constant('middle', scalar(1));
  g.node('Sub', ['blended', 'middle'], 'centred');
  g.node('Transpose', ['centred'], 'planes', { perm: [1, 0] });
  return g.graph(
    'resample',
    [
      { name: 'size', type: 'int64', dims: [2] },
      { name: 'image', type: 'uint8', dims: ['H', 'W', CHANNELS] },
    ],
    [{ name: 'planes', type: 'float32', dims: [CHANNELS * height, width] }],
  );
}

/** Of an axis: `_low` and `_high` neighbours of each of the result among the pixels that are there, `_weight` of the higher. */
function neighbours(
  g: GraphBuilder,
  name: 'x' | 'y',
  axis: number,
  cropped: number,
  resizedTo: number,
): void {
  const each = Array.from({ length: cropped }, (_, o) => o);
  g.constant(`${name}_axis`, integers(axis));
  g.node('Gather', ['size', `${name}_axis`], `${name}_size`);
  g.constant(`${name}_most`, integers(READ_WHOLE * cropped));
  g.node('Greater', [`${name}_size`, `${name}_most`], `${name}_picked`);

  g.constant(`${name}_places`, tensorOf(Float32Array.from(each, (o) => o + cropStart(cropped, resizedTo))));
  g.node('Cast', [`${name}_size`], `${name}_length`, { to: DATA_TYPES.float32 });
  g.node('Div', [`${name}_length`, 'resized_to'], `${name}_scale`);
  g.node('Mul', [`${name}_places`, `${name}_scale`], `${name}_place`);
  g.node('Floor', [`${name}_place`], `${name}_floor`);
  g.node('Sub', [`${name}_place`, `${name}_floor`], `${name}_weight`);

  g.node('Cast', [`${name}_floor`], `${name}_below`, { to: DATA_TYPES.int64 });
  g.node('Add', [`${name}_below`, 'one_pixel'], `${name}_next`);
  g.node('Sub', [`${name}_size`, 'one_pixel'], `${name}_last`);
  g.node('Min', [`${name}_next`, `${name}_last`], `${name}_above`);
  g.constant(`${name}_even`, integers(...each.map((o) => 2 * o)));
  g.constant(`${name}_odd`, integers(...each.map((o) => 2 * o + 1)));
  g.node('Where', [`${name}_picked`, `${name}_even`, `${name}_below`], `${name}_low`);
  g.node('Where', [`${name}_picked`, `${name}_odd`, `${name}_above`], `${name}_high`);
}
