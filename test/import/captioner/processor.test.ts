import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SourceError } from '../../../src/errors.ts';
import { readProcessor } from '../../../src/import/captioner/processor.ts';

const FILE = 'preprocessor_config.json';
const read = (settings: unknown) => readProcessor(FILE, JSON.stringify(settings));
const VIT = { image_processor_type: 'ViTImageProcessor' };
const CLIP = { image_processor_type: 'CLIPImageProcessor' };
const CONVNEXT = { image_processor_type: 'ConvNextImageProcessor' };
const MOBILE = { image_processor_type: 'MobileViTImageProcessor' };

describe('the file of an image processor', () => {
  it('is read as it stands in repositories', () => {
    // https://huggingface.co/nlpconnect/vit-gpt2-image-captioning
    const found = read({
      do_normalize: true,
      do_resize: true,
      feature_extractor_type: 'ViTFeatureExtractor',
      image_mean: [0.5, 0.5, 0.5],
      image_std: [0.5, 0.5, 0.5],
      resample: 2,
      size: 224,
    });
    assert.deepEqual(found, {
      image: {
        resampling: 'pillow',
        filter: 'bilinear',
        resize: { width: 224, height: 224 },
        width: 224,
        height: 224,
        dtype: 'uint8',
        range: [0, 255],
        aspect: 'squash',
      },
      normalize: { scale: 1 / 255, mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5], channels: 'rgb' },
    });
  });

  it('may be that of Florence-2', () => {
    const { image, normalize } = read({
      auto_map: { AutoProcessor: 'processing_florence2.Florence2Processor' },
      _valid_processor_keys: ['images', 'do_resize'],
      crop_size: { height: 768, width: 768 },
      do_center_crop: false,
      do_convert_rgb: null,
      do_normalize: true,
      do_rescale: true,
      do_resize: true,
      image_mean: [0.485, 0.456, 0.406],
      image_processor_type: 'CLIPImageProcessor',
      image_seq_length: 577,
      image_std: [0.229, 0.224, 0.225],
      processor_class: 'Florence2Processor',
      resample: 3,
      rescale_factor: 0.00392156862745098,
      size: { height: 768, width: 768 },
    });
    assert.deepEqual([image.width, image.height, image.filter], [768, 768, 'bicubic']);
    assert.deepEqual(normalize.mean, [0.485, 0.456, 0.406]);
  });

  it('may be what a fast processor saved', () => {
    const saved = {
      crop_size: null,
      data_format: 'channels_first',
      device: 'cpu',
      do_pad: null,
      pad_size: null,
    };
    const own = {
      default_to_square: true,
      disable_grouping: null,
      do_center_crop: null,
      return_tensors: null,
    };
    const { image } = read({ ...saved, ...own, image_processor_type: 'ViTImageProcessorFast', size: 48 });
    assert.equal(image.width, 48);
  });

  const sizes: [what: string, settings: object, wanted: object][] = [
    ['a pair, height first', { ...VIT, size: [30, 20] }, { resize: { width: 20, height: 30 }, width: 20 }],
    ['null', { ...VIT, size: null }, { width: 224 }],
    [
      'one number of CLIP',
      { ...CLIP, size: 50 },
      { resize: { shortestEdge: 50 }, width: 224, aspect: 'crop' },
    ],
    [
      'sides of CLIP',
      { ...CLIP, size: { height: 50, width: 60 }, crop_size: 40 },
      { resize: { width: 60, height: 50 }, height: 40, aspect: 'squash' },
    ],
    [
      'a crop alone',
      { ...CLIP, do_resize: false, crop_size: [30, 20] },
      { resize: null, width: 20, height: 30 },
    ],
    ['large ConvNeXt', CONVNEXT, { resize: { width: 384, height: 384 }, width: 384, aspect: 'squash' }],
    [
      'small ConvNeXt',
      { ...CONVNEXT, size: 224 },
      { resize: { shortestEdge: 256 }, width: 224, aspect: 'crop' },
    ],
    [
      'ConvNeXt of another share',
      { ...CONVNEXT, size: { shortest_edge: 224 }, crop_pct: 0.95 },
      { resize: { shortestEdge: 235 }, height: 224 },
    ],
    ['null for do_resize, which is no', { ...CLIP, do_resize: null }, { resize: null }],
  ];
  for (const [what, settings, wanted] of sizes) {
    it(`may give as size ${what}`, () => {
      const { image } = read(settings);
      assert.deepEqual({ ...image, ...wanted }, image);
    });
  }

  it('may want blue first, and no mean', () => {
    assert.equal(read(MOBILE).normalize.channels, 'bgr');
    assert.equal(read({ ...MOBILE, do_flip_channel_order: false }).normalize.channels, 'rgb');
    assert.deepEqual(read({ ...VIT, do_normalize: false, do_rescale: false }).normalize, {
      scale: 1,
      mean: [0, 0, 0],
      std: [1, 1, 1],
      channels: 'rgb',
    });
    assert.deepEqual(read({ ...VIT, image_mean: 0.4 }).normalize.mean, [0.4, 0.4, 0.4]);
  });
});

const KINDS =
  'ViTImageProcessor, DeiTImageProcessor, BeitImageProcessor, BlipImageProcessor, CLIPImageProcessor, BitImageProcessor, SiglipImageProcessor, ConvNextImageProcessor, MobileViTImageProcessor';
const REFUSED: [what: string, settings: unknown, says: RegExp][] = [
  [
    'another processor',
    { image_processor_type: 'DonutImageProcessor' },
    new RegExp(`${KINDS}, found "Donut`),
  ],
  ['a name of all objects', { image_processor_type: 'toString' }, /found "toString"/],
  ['no processor', { size: 224 }, new RegExp(`${KINDS}, found neither`)],
  [
    'code of its own',
    { ...VIT, auto_map: { AutoImageProcessor: 'a.B' } },
    /code of its own.*AutoImageProcessor/,
  ],
  ['padding', { ...VIT, do_pad: true }, /known here \(do_resize, size, .*\), found "do_pad": true/],
  [
    'reduced labels',
    { image_processor_type: 'BeitImageProcessor', do_reduce_labels: true },
    /do_reduce_labels/,
  ],
  ['thumbnails', { ...VIT, do_thumbnail: true }, /"do_thumbnail": true/],
  ['turning', { ...VIT, do_align_long_axis: true }, /"do_align_long_axis": true/],
  ['channels behind', { ...VIT, data_format: 'channels_last' }, /"data_format": "channels_last"/],
  ['a crop that the processor ignores', { ...VIT, do_center_crop: true }, /"do_center_crop": true/],
  ['a share that it ignores', { ...CLIP, crop_pct: 0.9 }, /"crop_pct": 0.9/],
  ['a mean that it ignores', { ...MOBILE, do_normalize: true }, /"do_normalize": true/],
  [
    'blue first where it is ignored',
    { ...VIT, do_flip_channel_order: true },
    /"do_flip_channel_order": true/,
  ],
  [
    'an edge where sides are wanted',
    { ...VIT, size: { shortest_edge: 9 } },
    /"size" of a ViT\S+ to be height and/,
  ],
  [
    'sides where an edge is wanted',
    { ...CONVNEXT, size: { height: 9, width: 9 } },
    /to be a shortest_edge, found \{/,
  ],
  ['any width', { ...CLIP, do_center_crop: false }, /same width and height, found .* without do_center_crop/],
  ['no size', { ...VIT, do_resize: false }, /same width and height, found do_resize: false/],
  ['a filter that Pillow lacks', { ...VIT, resample: 6 }, /resample: /],
  ['a huge size', { ...VIT, size: 5000 }, /size: /],
  ['two channels', { ...VIT, image_mean: [1, 2] }, /image_mean: /],
  ['a list', [], /the JSON object of an image processor of transformers, found \[\]/],
];

describe('the file of an image processor is refused that says', () => {
  for (const [what, settings, says] of REFUSED) {
    it(what, () => {
      assert.throws(
        () => read(settings),
        (error) => {
          assert.ok(error instanceof SourceError);
          assert.equal(error.code, 'SourceUnsupported');
          assert.equal(error.problem.file, FILE);
          assert.match(error.message, says);
          assert.ok(!error.message.includes('\n'));
          return true;
        },
      );
    });
  }

  it('nothing that is JSON', () => {
    assert.throws(
      () => readProcessor(FILE, '{"size": 2'),
      (error) => error instanceof SourceError && error.code === 'SourceDamaged',
    );
  });
});
