/** TensorFlow 1's image resampling as part of an ONNX graph: `caption/preprocess.ts` says the same in TypeScript. */
import type { Tf1BilinearInput } from '../../caption/image-input.ts';
import { cropStart, READ_WHOLE, UINT8_SCALE } from '../../caption/preprocess.ts';
import { GraphBuilder, integers, type OnnxGraph, scalar, tensorOf } from '../../onnx/graph.ts';
import { DATA_TYPES } from '../../onnx/schema.ts';

const CHANNELS = 3;

/**
 * Appends to a graph what makes a network's input of photographs of any sizes, one after the other.
 *
 * Every operation is rounded to float32 in TensorFlow's order, so that the result equals TensorFlow's bit for bit; ONNX's
 * Resize has coordinates of its own. Columns are chosen after a transposition: onnxruntime copies run after run, and 299 long
 * ones cost far less than 89,401 short ones.
 *
 * @param pixels value uint8 `[B]`: of image after image what `readPixels` gives
 * @param sizes value int64 `[N, 2]`: height and width of each photograph
 * @returns value float32 NCHW `[N, 3, height, width]`, -1 to 1
 */
export function resampler(g: GraphBuilder, pixels: string, sizes: string, input: Tf1BilinearInput): string {
  g.node('Shape', [sizes], 'images', { start: 0, end: 1 });
  g.node('Squeeze', ['images'], 'image_count');
  g.constant('first_byte', integers(0));
  g.node('Loop', ['image_count', '', 'first_byte'], ['bytes_read', 'resampled_rows'], {
    body: { graph: resampleOne(pixels, sizes, input) },
  });
  g.constant('resampled_shape', integers(0, CHANNELS, input.height, input.width));
  return g.node('Reshape', ['resampled_rows', 'resampled_shape'], 'resampled');
}

/** Body of the loop over images; `at` is where the image begins, in bytes. */
function resampleOne(pixels: string, sizes: string, input: Tf1BilinearInput): OnnxGraph {
  const { width, height, resizedTo } = input;
  const g = new GraphBuilder();
  g.node('Identity', ['go_on'], 'goes_on');
  g.node('Gather', [sizes, 'image_index'], 'size');
  g.constant('resized_to', scalar(resizedTo));
  g.constant('one', integers(1));
  neighbours(g, 'y', 0, height, resizedTo);
  neighbours(g, 'x', 1, width, resizedTo);
  // The channels of a column lie one below the other when they are blended.
  g.node('Concat', ['y_weight', 'y_weight', 'y_weight'], 'down_weight', { axis: 0 });
  g.constant('by_one', integers(width, 1));
  g.node('Reshape', ['x_weight', 'by_one'], 'across_weight');

  g.constant('axis', integers(0));
  g.constant('channels', integers(CHANNELS));
  g.node('Mul', ['x_read', 'channels'], 'row_bytes');
  g.node('Mul', ['y_read', 'row_bytes'], 'bytes');
  g.node('Add', ['at', 'bytes'], 'next');
  g.node('Slice', [pixels, 'at', 'next', 'axis'], 'own');
  g.node('Concat', ['y_read', 'row_bytes'], 'rows_shape', { axis: 0 });
  g.node('Reshape', ['own', 'rows_shape'], 'rows');
  g.constant('columns_shape', integers(-1, CHANNELS * height));
  g.constant('unit', scalar(UINT8_SCALE));
  const across = (which: 'low' | 'high') => {
    g.node('Gather', ['rows', `y_${which}`], `${which}_rows`);
    g.node('Transpose', [`${which}_rows`], `${which}_turned`, { perm: [1, 0] });
    g.node('Reshape', [`${which}_turned`, 'columns_shape'], `${which}_columns`);
    for (const side of ['low', 'high']) {
      g.node('Gather', [`${which}_columns`, `x_${side}`], `${which}_${side}_bytes`);
      g.node('DequantizeLinear', [`${which}_${side}_bytes`, 'unit'], `${which}_${side}`);
    }
    return blend(g, which, `${which}_low`, `${which}_high`, 'across_weight');
  };
  const between = blend(g, 'both', across('low'), across('high'), 'down_weight');
  g.constant('half', scalar(0.5));
  g.constant('two', scalar(2));
  g.node('Sub', [between, 'half'], 'centred');
  g.node('Mul', ['centred', 'two'], 'scaled');
  g.node('Transpose', ['scaled'], 'planes', { perm: [1, 0] });
  return g.graph(
    'resample',
    [
      { name: 'image_index', type: 'int64', dims: [] },
      { name: 'go_on', type: 'bool', dims: [] },
      { name: 'at', type: 'int64', dims: [1] },
    ],
    [
      { name: 'goes_on', type: 'bool', dims: [] },
      { name: 'next', type: 'int64', dims: [1] },
      { name: 'planes', type: 'float32', dims: [CHANNELS * height, width] },
    ],
  );
}

/** Of an axis: `_read` pixels are there; `_low` and `_high` neighbours of each of the result among them, `_weight` of the higher. */
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
  g.constant(`${name}_pairs`, integers(2 * cropped));
  g.node('Where', [`${name}_picked`, `${name}_pairs`, `${name}_size`], `${name}_read`);

  g.constant(`${name}_places`, tensorOf(Float32Array.from(each, (o) => o + cropStart(cropped, resizedTo))));
  g.node('Cast', [`${name}_size`], `${name}_length`, { to: DATA_TYPES.float32 });
  g.node('Div', [`${name}_length`, 'resized_to'], `${name}_scale`);
  g.node('Mul', [`${name}_places`, `${name}_scale`], `${name}_place`);
  g.node('Floor', [`${name}_place`], `${name}_floor`);
  g.node('Sub', [`${name}_place`, `${name}_floor`], `${name}_weight`);

  g.node('Cast', [`${name}_floor`], `${name}_below`, { to: DATA_TYPES.int64 });
  g.node('Add', [`${name}_below`, 'one'], `${name}_next`);
  g.node('Sub', [`${name}_size`, 'one'], `${name}_last`);
  g.node('Min', [`${name}_next`, `${name}_last`], `${name}_above`);
  g.constant(`${name}_even`, integers(...each.map((o) => 2 * o)));
  g.constant(`${name}_odd`, integers(...each.map((o) => 2 * o + 1)));
  g.node('Where', [`${name}_picked`, `${name}_even`, `${name}_below`], `${name}_low`);
  g.node('Where', [`${name}_picked`, `${name}_odd`, `${name}_above`], `${name}_high`);
}

/** a + (b - a) * weight */
function blend(g: GraphBuilder, name: string, a: string, b: string, weight: string): string {
  g.node('Sub', [b, a], `${name}_difference`);
  g.node('Mul', [`${name}_difference`, weight], `${name}_step`);
  return g.node('Add', [a, `${name}_step`], `${name}_blended`);
}
