/** Encoders that read a text beside the image: what they are asked for is known before, and becomes a part of the graph. */
import { SourceError } from '../../../errors.ts';
import { GraphBuilder, integers, type OnnxModel, tensorOf } from '../../../onnx/graph.ts';
import { commonIrVersion, commonOpsets, include, inputsOf } from './compose.ts';

export interface PromptedParts {
  /** `pixel_values` to `image_features` [N, R, E]. */
  vision: OnnxModel;
  /** Ids to embeddings. */
  embed: OnnxModel;
  /** `inputs_embeds` and `attention_mask` to `last_hidden_state`. */
  encoder: OnnxModel;
  /** For messages. */
  file: string;
}

/** One graph from `pixel_values` to `last_hidden_state`: the image's features, then the prompt's, encoded together. */
export function promptedEncoder(
  { vision, embed, encoder, file }: PromptedParts,
  prompt: readonly number[],
): OnnxModel {
  const models = [vision, embed, encoder];
  const opsets = commonOpsets(models);
  const [pixels] = inputsOf(vision);
  const [features] = vision.outputs;
  const [hidden] = encoder.outputs;
  if (!opsets || !pixels || !features || !hidden) {
    throw new SourceError('SourceUnsupported', {
      file,
      expected: 'vision encoder, embedding and encoder of one export',
      actual: `opsets ${models.map((model) => model.opsets['']).join(', ')}`,
      remedy: 'Export all of them with the same --opset.',
    });
  }
  const g = new GraphBuilder();
  include(g, vision, 'vision/', { [pixels.name]: pixels.name });
  g.constant('prompt', tensorOf(BigInt64Array.from(prompt, BigInt), [1, prompt.length]));
  include(g, embed, 'prompt/', { [inputsOf(embed)[0]!.name]: 'prompt' });
  const image = `vision/${features.name}`;
  g.node('Shape', [image], 'features_shape');
  g.constant('first', integers(0));
  g.node('Gather', ['features_shape', 'first'], 'images', { axis: 0 });
  g.constant('one', integers(1));
  g.node('Concat', ['images', 'one', 'one'], 'prompts_shape', { axis: 0 });
  g.node('Expand', [`prompt/${embed.outputs[0]!.name}`, 'prompts_shape'], 'prompts');
  g.node('Concat', [image, 'prompts'], 'inputs_embeds', { axis: 1 });
  g.node('Shape', ['inputs_embeds'], 'embeds_shape');
  g.constant('rows_and_cells', integers(0, 1));
  g.node('Gather', ['embeds_shape', 'rows_and_cells'], 'mask_shape', { axis: 0 });
  g.node('ConstantOfShape', ['mask_shape'], 'attention_mask', { value: { tensor: integers(1) } });
  include(g, encoder, 'text/', { inputs_embeds: 'inputs_embeds', attention_mask: 'attention_mask' });
  g.node('Identity', [`text/${hidden.name}`], 'last_hidden_state');
  const outputs = [{ ...hidden, name: 'last_hidden_state' }];
  return {
    ...g.model('encoder', [pixels], outputs),
    opsets,
    irVersion: commonIrVersion(models, opsets['']!),
  };
}
