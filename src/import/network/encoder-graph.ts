/** Inception v3 and im2txt's image embedding as an ONNX graph. */

import { GraphBuilder, integers, type OnnxModel, tensorOf } from '../../onnx/graph.ts';
import { GRID_SIDE, IMAGE_SIDE, inceptionV3 } from './inception-v3.ts';
import type { ShowAndTellWeights } from './weights.ts';

export interface EncoderGraph {
  /** Its constants are converted when they are written: `encodeModel` makes the file. */
  model: OnnxModel;
  /** E. */
  embeddingWidth: number;
  /** R, the cells of the last feature map. */
  regions: number;
}

/**
 * In: `image` float32 NHWC `[N, 299, 299, 3]`, -1 to 1. Out: `region_embeddings` `[N, R, E]`, one for each cell of the
 * last feature map in row-major order, and `image_embedding` `[N, E]`, their mean: pooling and the linear layer
 * commute, so this is the original's embedding of the pooled map.
 */
export function encoderGraph(weights: ShowAndTellWeights): EncoderGraph {
  const { rows: features, columns: embeddingWidth, data } = weights.imageEmbedding;
  const regions = GRID_SIDE * GRID_SIDE;
  const g = new GraphBuilder();
  g.node('Transpose', ['image'], 'planes', { perm: [0, 3, 1, 2] });
  const map = inceptionV3(g, weights.convolutions, 'planes');
  g.constant('grid', integers(0, features, regions));
  g.node('Reshape', [map, 'grid'], 'channels');
  g.node('Transpose', ['channels'], 'cells', { perm: [0, 2, 1] });
  g.constant('embedding/weights', tensorOf(data, [features, embeddingWidth]));
  g.node('MatMul', ['cells', 'embedding/weights'], 'region_embeddings');
  g.constant('region_axis', integers(1));
  g.node('ReduceMean', ['region_embeddings', 'region_axis'], 'image_embedding', { keepdims: 0 });
  const model = g.model(
    'encoder',
    [{ name: 'image', type: 'float32', dims: ['N', IMAGE_SIDE, IMAGE_SIDE, 3] }],
    [
      { name: 'image_embedding', type: 'float32', dims: ['N', embeddingWidth] },
      { name: 'region_embeddings', type: 'float32', dims: ['N', regions, embeddingWidth] },
    ],
  );
  return { model, embeddingWidth, regions };
}
