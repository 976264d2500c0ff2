/** Exports that are none, that lack a file or that are of another kind: one line says which file and what is known. */
import assert from 'node:assert/strict';
import { cpSync, existsSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Command } from 'commander';
import { addImportCommand } from '../../../src/cli/import/import.ts';
import { sayFailure } from '../../../src/cli/shared/failure.ts';
import { InvalidRequest } from '../../../src/errors.ts';
import { type ModelMessage, messages } from '../../../src/onnx/schema.ts';
import { temporaryDirectory } from '../../support/bundles.ts';
import { runCli } from '../../support/cli.ts';
import { ROOT } from '../../support/samples.ts';

const EXPORTS = join(ROOT, 'test/fixtures/captioners');
const { make, dispose } = temporaryDirectory();
after(dispose);

type Json = Record<string, unknown> & { encoder: Json; decoder: Json; model: Json; vocab: Json };

function edit(directory: string, name: string, change: (json: Json) => unknown): void {
  const file = join(directory, name);
  const json = JSON.parse(readFileSync(file, 'utf8')) as Json;
  change(json);
  writeFileSync(file, JSON.stringify(json));
}

const remove = (name: string) => (directory: string) => rmSync(join(directory, name));
const DECODERS = ['decoder_model.onnx', 'decoder_with_past_model.onnx'];
/** So much of every weight of a graph is in the file itself. */
const LARGE_BYTES = 256;

const editEncoder = (change: (model: ModelMessage) => void) => (directory: string) => {
  const file = join(directory, 'encoder_model.onnx');
  const model = messages.Model.decode(readFileSync(file)) as unknown as ModelMessage;
  change(model);
  writeFileSync(file, messages.Model.encode(messages.Model.fromObject(model)).finish());
};

/** As exporters write graphs above 2 GB: weights lie in a file beside it, which did not come. */
const loseData = editEncoder(({ graph }) => {
  for (const weight of graph!.initializer) {
    if ((weight.raw_data?.length ?? 0) < LARGE_BYTES) continue;
    delete weight.raw_data;
    weight.data_location = 1;
    Object.assign(weight, { external_data: [{ key: 'location', value: 'encoder_model.onnx_data' }] });
  }
});

/** As `optimum-cli export onnx --no-dynamic-axes` writes it. */
const fixBatch = editEncoder(({ graph }) => {
  const [batch] = graph!.input[0]!.type!.tensor_type!.shape!.dim;
  delete batch!.dim_param;
  Object.assign(batch!, { dim_value: 2 });
});

const BROKEN: [name: string, spoil: (directory: string) => void, says: RegExp][] = [
  ['no encoder', remove('encoder_model.onnx'), /encoder_model\.onnx/],
  [
    'no decoder',
    (directory) => {
      for (const name of DECODERS) remove(name)(directory);
    },
    /decoder_model/,
  ],
  [
    'encoder and decoder in one graph',
    (directory) => {
      cpSync(join(directory, 'encoder_model.onnx'), join(directory, 'model.onnx'));
      for (const name of ['encoder_model.onnx', ...DECODERS]) remove(name)(directory);
    },
    /found model\.onnx\. Export it without --monolith\./,
  ],
  ['no tokenizer.json', remove('tokenizer.json'), /tokenizer\.json/],
  ['no config.json', remove('config.json'), /config\.json/],
  ['no preprocessor_config.json', remove('preprocessor_config.json'), /preprocessor_config\.json/],
  [
    'config.json that is no JSON',
    (directory) => writeFileSync(join(directory, 'config.json'), '<!doctype html>'),
    /config\.json/,
  ],
  [
    'a network that is no captioner',
    (directory) => edit(directory, 'config.json', (config) => Object.assign(config, { model_type: 'bert' })),
    /config\.json: expected .*vision-encoder-decoder.*, found .*bert/,
  ],
  [
    'a captioner of another kind',
    (directory) => edit(directory, 'config.json', (config) => Object.assign(config, { model_type: 'blip' })),
    /config\.json: expected .*vision-encoder-decoder.*, found .*blip/,
  ],
  [
    'a decoder that reads no image',
    (directory) => {
      for (const name of DECODERS) {
        cpSync(join(directory, 'encoder_model.onnx'), join(directory, name));
      }
    },
    /decoder_(with_past_)?model\.onnx: expected [^,]+.*, found /,
  ],
  [
    'an encoder that reads words',
    (directory) => cpSync(join(directory, 'decoder_model.onnx'), join(directory, 'encoder_model.onnx')),
    /encoder_model\.onnx: expected .*, found /,
  ],
  [
    'a decoder that ends early',
    (directory) => {
      // Either may be the one that is read.
      for (const name of DECODERS) {
        const file = join(directory, name);
        truncateSync(file, statSync(file).size >> 1);
      }
    },
    /decoder_(with_past_)?model\.onnx/,
  ],
  [
    'an encoder of two images at once',
    fixBatch,
    /encoder_model\.onnx: expected .*, found one for 2\. .*axes/,
  ],
  ['weights that lie in a file which did not come', loseData, /encoder_model\.onnx_data/],
  [
    'more words than the decoder has',
    (directory) =>
      edit(directory, 'tokenizer.json', ({ model }) => {
        for (let id = Object.keys(model.vocab as Json).length; id < 1000; id++) {
          Object.assign(model.vocab as Json, { [`word${id}`]: id });
        }
      }),
    /tokenizer\.json/,
  ],
  [
    'a network of text alone',
    (directory) => {
      remove('encoder_model.onnx')(directory);
      edit(directory, 'config.json', (config) => {
        const { decoder } = config;
        for (const key of Object.keys(config)) delete config[key];
        Object.assign(config, decoder);
      });
    },
    /(config\.json: expected .*, found .*gpt2|encoder_model\.onnx)/,
  ],
];

function brokenExport(name: string, spoil: (directory: string) => void): string {
  const directory = join(make(name.replaceAll(/\W/g, '-')), 'export');
  cpSync(join(EXPORTS, 'vit-gpt2'), directory, { recursive: true });
  spoil(directory);
  return directory;
}

for (const [name, spoil, says] of BROKEN) {
  test(name, async (t) => {
    const directory = brokenExport(name, spoil);
    const out = join(directory, '../bundle');
    const program = new Command();
    addImportCommand(program);
    const said: string[] = [];
    const status = await program
      .parseAsync(['import', directory, '--out', out], { from: 'user' })
      .then(() => 0)
      .catch((error: unknown) => {
        const { mock } = t.mock.method(process.stderr, 'write', (text: string) => said.push(text));
        const code = sayFailure(error);
        mock.restore();
        return code;
      });
    assert.equal(status, 4, said.join(''));
    assert.match(said.join(''), /^show-and-tell: \w+: [^\n]+\n$/);
    assert.match(said.join(''), says);
    assert.ok(!existsSync(out));
  });
}

test('a task for a captioner that has none', async () => {
  const program = new Command();
  addImportCommand(program);
  const words = [
    'import',
    join(EXPORTS, 'vit-gpt2'),
    '--task',
    'detailed',
    '--out',
    `${make('task')}/bundle`,
  ];
  await assert.rejects(
    program.parseAsync(words, { from: 'user' }),
    new InvalidRequest('--task is for exports of Florence-2, this is vit + gpt2'),
  );
});

test('weights for PyTorch alone, as users see it', async () => {
  const directory = make('torch');
  writeFileSync(join(directory, 'config.json'), '{"model_type":"vision-encoder-decoder"}');
  writeFileSync(join(directory, 'pytorch_model.bin'), 'PK');
  const { status, stderr } = await runCli(['import', directory, '--out', join(directory, 'bundle')]);
  assert.equal(status, 4);
  assert.match(
    stderr,
    /^show-and-tell: SourceUnsupported: [^\n]*onnx[^\n]*optimum-cli export onnx [^\n]*--task image-to-text-with-past[^\n]*\n$/i,
  );
});
