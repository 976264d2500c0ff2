import assert from 'node:assert/strict';
import { test } from 'node:test';
import { choicesIn, graphsIn } from '../../../src/import/hub/choose-files.ts';

const named = (names: string) => names.split(' ').map((name) => `${name}.onnx`);

test('graphs come from onnx/, or from the top where there is none', () => {
  const top = named('encoder_model decoder_model');
  const inFolder = named('onnx/encoder_model onnx/decoder_model');
  assert.deepEqual(graphsIn([...top, ...inFolder, 'other/model.onnx', 'onnx/deep/model.onnx']), inFolder);
  assert.deepEqual(graphsIn([...top, 'onnx/README.md', '../model.onnx', 'onnx/..onnx']), top);
});

test('a pair of decoders comes where there is no merged one', () => {
  const names = named('encoder_model decoder_model decoder_with_past_model');
  assert.deepEqual(choicesIn(names), [{ precision: 'fp32', paths: names }]);
  const merged = named('encoder_model decoder_model_merged');
  assert.deepEqual(choicesIn([...names, 'decoder_model_merged.onnx'])[0]!.paths, merged);
});

test('each precision has its own, none has those of others', () => {
  const parts = ['vision_encoder', 'embed_tokens', 'encoder_model', 'decoder_model_merged'];
  const names = parts.flatMap((part) =>
    ['', '_fp16', '_quantized', '_int8', '_uint8', '_q4', '_q4f16', '_bnb4'].map(
      (suffix) => `onnx/${part}${suffix}.onnx`,
    ),
  );
  assert.deepEqual(
    choicesIn(names),
    [
      ['fp32', ''],
      ['fp16', '_fp16'],
      ['int8', '_quantized'],
    ].map(([precision, suffix]) => ({ precision, paths: parts.map((part) => `onnx/${part}${suffix}.onnx`) })),
  );
});

test('a part that is missing in one precision leaves the others', () => {
  const names = named('encoder_model encoder_model_fp16 encoder_model_int8 decoder_model_int8');
  assert.deepEqual(choicesIn(names), [
    { precision: 'int8', paths: named('encoder_model_int8 decoder_model_int8') },
  ]);
  assert.deepEqual(choicesIn(named('model model_fp16')), []);
  assert.deepEqual(choicesIn(named('vision_encoder_model')), []);
});

test('what a graph keeps beside itself comes with it', () => {
  const data = ['encoder_model.onnx_data', 'encoder_model.onnx_data_1', 'encoder_model.onnx.data'];
  const others = ['encoder_model.onnx_database', 'encoder_model_fp16.onnx_data', 'encoder_model.onnx/../x'];
  const names = named('encoder_model decoder_model');
  assert.deepEqual(choicesIn([...names, ...data, ...others])[0]!.paths, [names[0], ...data, names[1]]);
});
