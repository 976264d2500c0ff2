/** What `import --list` prints: the kinds of networks that become bundles, a line each. */

const KINDS: Record<string, readonly [name: string, what: string][]> = {
  'Show and Tell': [['im2txt', 'Inception v3 with an LSTM, as a frozen graph or a checkpoint of TensorFlow']],
  'Captioners of Hugging Face, by model_type in config.json': [
    ['vision-encoder-decoder', 'an encoder of images, a decoder of words'],
    ['florence2', 'Florence-2'],
  ],
  Encoders: [
    ['vit', 'ViT'],
    ['deit', 'DeiT'],
    ['beit', 'BEiT'],
    ['swin, swinv2', 'Swin, Swin v2'],
    ['dinov2', 'DINOv2'],
    ['clip_vision_model', 'the image encoder of CLIP'],
    ['siglip_vision_model', 'that of SigLIP'],
    ['vit_msn', 'ViT of MSN'],
    ['data2vec-vision', 'Data2Vec of images'],
    ['davit', 'DaViT, of Florence-2'],
  ],
  Decoders: [
    ['gpt2', 'GPT-2'],
    ['bert', 'BERT with cross-attention'],
    ['roberta', 'RoBERTa with cross-attention; so are camembert, xlm-roberta, data2vec-text'],
    ['electra', 'ELECTRA; of this kind are megatron-bert, rembert and roformer too'],
    ['trocr', 'TrOCR'],
    ['bart', 'BART, also of Florence-2'],
    ['mbart', 'mBART; of this kind are marian, pegasus, bigbird_pegasus and blenderbot too'],
  ],
  Layouts: [
    ['merged', 'encoder_model.onnx, decoder_model_merged.onnx (transformers.js)'],
    ['pair', 'encoder_model.onnx, decoder_model.onnx, decoder_with_past_model.onnx (Optimum)'],
    ['no cache', 'encoder_model.onnx, decoder_model.onnx'],
    ['Florence-2', 'vision_encoder.onnx, embed_tokens.onnx, encoder_model.onnx, decoder_model_merged.onnx'],
  ],
  Precisions: [
    ['fp32', 'files without a suffix'],
    ['fp16', 'files that end in _fp16'],
    ['int8', 'files that end in _quantized or _int8 (q8 in transformers.js)'],
  ],
  'Tasks of Florence-2': [
    ['caption', 'one sentence'],
    ['detailed', 'two or three'],
    ['more-detailed', 'a paragraph'],
  ],
};

export function kindsText(): string {
  return Object.entries(KINDS)
    .map(
      ([title, kinds]) =>
        `${title}:\n${kinds.map(([name, what]) => `  ${name.padEnd(22)} ${what}\n`).join('')}`,
    )
    .join('');
}
