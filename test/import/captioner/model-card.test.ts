import assert from 'node:assert/strict';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { importCaptioner } from '../../../src/import/captioner/import-captioner.ts';
import { readBundle } from '../../../src/model/bundle.ts';
import { temporaryDirectory } from '../../support/bundles.ts';
import { ROOT } from '../../support/samples.ts';

const EXPORT = join(ROOT, 'test/fixtures/captioners/vit-gpt2');
const place = temporaryDirectory();
after(() => place.dispose());

test('a bundle brings a card that says where it is from and what nobody knows', async () => {
  const origin = {
    id: 'somebody/captioner',
    revision: 'a'.repeat(40),
    files: {},
    baseModels: ['base/model'],
  };
  const known = await importCaptioner({
    directory: EXPORT,
    out: join(place.path, 'known'),
    name: 'mine',
    license: 'apache-2.0',
    origin,
  });
  const card = readFileSync(join(known.draft.directory, 'README.md'), 'utf8');
  for (const said of [
    '# mine: vit + gpt2',
    `[somebody/captioner](https://huggingface.co/somebody/captioner) at revision \`${'a'.repeat(40)}\``,
    'Licence: apache-2.0.',
    'Made of base/model',
    'encoder_model.onnx',
  ]) {
    assert.ok(card.includes(said), `${said} in ${card}`);
  }
  // Every file that was read, by its hash.
  const { manifest } = await readBundle(known.draft.directory);
  for (const { sha256 } of manifest.provenance) assert.ok(card.includes(sha256!), sha256);
  await known.draft.discard();

  const unknown = await importCaptioner({
    directory: EXPORT,
    out: join(place.path, 'unknown'),
    name: 'mine',
  });
  const plain = readFileSync(join(unknown.draft.directory, 'README.md'), 'utf8');
  assert.match(plain, /imported from vit-gpt2; fp32, images of /);
  assert.match(plain, /Licence: unknown/);
  assert.match(plain, /What it was made of, its files do not say/);
  await unknown.draft.discard();
});

test('texts lose the blanks before their stops where the tokenizer says so', async () => {
  const closesUp = async (said: object) => {
    const directory = place.make(`closing-${JSON.stringify(said).length}`);
    cpSync(EXPORT, directory, { recursive: true });
    writeFileSync(join(directory, 'tokenizer_config.json'), JSON.stringify(said));
    const { draft } = await importCaptioner({ directory, out: `${directory}-bundle`, name: 'mine' });
    const { manifest } = await readBundle(draft.directory);
    await draft.discard();
    assert.ok(manifest.formatVersion === 2);
    return manifest.tokens.closesUp;
  };
  assert.equal(await closesUp({ clean_up_tokenization_spaces: true }), true);
  assert.equal(await closesUp({ clean_up_tokenization_spaces: false }), undefined);
  assert.equal(await closesUp({}), undefined);
});
