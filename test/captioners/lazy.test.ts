/** What only captioners of pieces need is not read before one is asked for. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { DEFAULT_BUNDLE } from '../../src/model/load.ts';
import { temporaryDirectory } from '../support/bundles.ts';
import { runCli } from '../support/cli.ts';
import { COFFEE } from '../support/samples.ts';
import { importKind } from './imported.ts';

const place = temporaryDirectory();
after(place.dispose);

/** Says at the end which modules of Hugging Face the program loaded. */
const NOTING = `
import { registerHooks } from 'node:module';
const loaded = new Set();
registerHooks({
  load: (url, context, next) => {
    const name = /[\\\\/](@huggingface[\\\\/][a-z]+)[\\\\/]/.exec(url)?.[1];
    if (name) loaded.add(name);
    return next(url, context);
  },
});
process.on('exit', () => process.stderr.write('loaded: ' + [...loaded].join()));
`;

test('the default model captions without a tokenizer and without the hub, a captioner of pieces without the hub', async () => {
  const hooks = join(place.path, 'noting.mjs');
  writeFileSync(hooks, NOTING);
  const env = { ...process.env, NODE_OPTIONS: `--import=${pathToFileURL(hooks)}` };
  for (const [model, loaded] of [
    [DEFAULT_BUNDLE, ''],
    [await importKind('vit-gpt2', place.path), '@huggingface/tokenizers'],
  ]) {
    const { status, stderr } = await runCli(['caption', '--model', model!, COFFEE], { env });
    assert.equal(status, 0, stderr);
    assert.equal(/loaded: (.*)$/.exec(stderr)?.[1], loaded);
  }
});
