/** Inception v3 and im2txt's image embedding as an ONNX graph. */

import { IM2TXT_INPUT } from '../../caption/image-input.ts';
import { GraphBuilder, integers, type OnnxModel, tensorOf } from '../../onnx/graph.ts';
import { GRID_SIDE, inceptionV3 } from './inception-v3.ts';
import { resampler } from './resampler-graph.ts';
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
 * In: `pixels` uint8 `[N, H, W, 3]` and `sizes` int64 `[N, 2]`, as `resampler` reads them. Out: `region_embeddings` `[N, R, E]`,
 * one for each cell of the last feature map in row-major order, and `image_embedding` `[N, E]`, their mean: pooling and
 * the linear layer commute, so this is the original's embedding of the pooled map.
 */
export function encoderGraph(weights: ShowAndTellWeights): EncoderGraph {
  const { rows: features, columns: embeddingWidth, data } = weights.imageEmbedding;
  const regions = GRID_SIDE * GRID_SIDE;
  const g = new GraphBuilder();
  const planes = resampler(g, 'pixels', 'sizes', IM2TXT_INPUT);
  const map = inceptionV3(g, weights.convolutions, planes);
  g.constant('grid', integers(0, features, regions));
  g.node('Reshape', [map, 'grid'], 'channels');
  g.node('Transpose', ['channels'], 'cells', { perm: [0, 2, 1] });
  g.constant('embedding/weights', tensorOf(data, [features, embeddingWidth]));
  g.node('MatMul', ['cells', 'embedding/weights'], 'region_embeddings');
  g.constant('region_axis', integers(1));
  g.node('ReduceMean', ['region_embeddings', 'region_axis'], 'image_embedding', { keepdims: 0 });
  const model = g.model(
    'encoder',
    [
      { name: 'pixels', type: 'uint8', dims: ['N', 'H', 'W', 3] },
      { name: 'sizes', type: 'int64', dims: ['N', 2] },
    ],
    [
      { name: 'image_embedding', type: 'float32', dims: ['N', embeddingWidth] },
      { name: 'region_embeddings', type: 'float32', dims: ['N', regions, embeddingWidth] },
    ],
  );
  return { model, embeddingWidth, regions };
}
