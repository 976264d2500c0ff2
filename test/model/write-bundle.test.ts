import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { InvalidRequest } from '../../src/errors.ts';
import { checkBundle, readBundle } from '../../src/model/bundle.ts';
import { DEFAULT_BUNDLE } from '../../src/model/load.ts';
import { type BundleFiles, claimPlace, draftBundle, saveMeasured } from '../../src/model/write-bundle.ts';
import { copyBundle, readShowAndTell, temporaryDirectory } from '../support/bundles.ts';

describe('writing a bundle', () => {
  let place: ReturnType<typeof temporaryDirectory>;
  before(() => {
    place = temporaryDirectory();
  });
  after(() => place.dispose());

  async function parts() {
    const { manifest } = await readShowAndTell();
    const { files: _files, ...rest } = manifest;
    const read = (name: string) => [readFileSync(join(DEFAULT_BUNDLE, name))];
    const files: BundleFiles = {
      encoder: read(manifest.files.encoder.path),
      decoder: read(manifest.files.decoder.path),
      vocabulary: read(manifest.files.vocabulary.path),
    };
    return { rest, files };
  }

  it('makes a bundle that reads back, at its place only when it is published', async () => {
    const { rest, files } = await parts();
    const out = join(place.path, 'deep', 'bundle');
    const draft = await draftBundle(out, files, rest);
    assert.throws(() => statSync(out));
    assert.equal((await readShowAndTell(draft.directory)).manifest.name, rest.name);
    await draft.publish();
    const { hash, manifest } = await readBundle(out);
    assert.equal(manifest.checksum, 'manifest.json.sha256');
    assert.equal(readFileSync(join(out, 'manifest.json.sha256'), 'utf8'), `${hash}  manifest.json\n`);
    assert.equal(
      (await readBundle(out)).manifest.files.encoder.bytes,
      (await readShowAndTell()).manifest.files.encoder.bytes,
    );
    assert.deepEqual(readdirSync(join(place.path, 'deep')), ['bundle']);
    assert.equal(statSync(out).mode & 0o777, 0o755);
  });

  it('leaves nothing when it is discarded or when the manifest is refused', async () => {
    const { rest, files } = await parts();
    const out = join(place.path, 'nothing', 'bundle');
    await (await draftBundle(out, files, rest)).discard();
    await assert.rejects(draftBundle(out, files, { ...rest, regions: -1 }));
    assert.deepEqual(readdirSync(join(place.path, 'nothing')), []);
  });

  it('refuses a place that is taken', async () => {
    await assert.rejects(claimPlace(place.path), InvalidRequest);
    await claimPlace(join(place.path, 'free'));
  });

  it('has each file as its parts, whatever they are, and no directory but its own is read by others', async () => {
    const { rest, files } = await parts();
    const [decoder] = [...files.decoder] as [Buffer];
    const pieces = [decoder.subarray(0, 10), Buffer.alloc(0), decoder.subarray(10)];
    const evidence = [readFileSync(join(DEFAULT_BUNDLE, 'evidence.bin'))];
    const out = join(place.path, 'pieces');
    const draft = await draftBundle(out, { ...files, decoder: pieces, evidence }, rest);
    assert.equal(statSync(draft.directory).mode & 0o777, 0o700);
    await draft.publish();
    await checkBundle(out);
    assert.deepEqual(readFileSync(join(out, 'decoder.onnx')), decoder);
  });

  it('goes with a process that ends before it is published, and not afterwards', async () => {
    const { rest, files } = await parts();
    const listeners = process.listeners('exit');
    const out = join(place.path, 'ended');
    const draft = await draftBundle(out, files, rest);
    const [remove, ...others] = process.listeners('exit').filter((listener) => !listeners.includes(listener));
    assert.deepEqual(others, []);
    remove!.call(process, 0);
    assert.equal(existsSync(draft.directory), false);
    // There is nothing to remove any more.
    remove!.call(process, 0);
    await assert.rejects(draft.publish(), new InvalidRequest(`${out} cannot be written (ENOENT)`));
    await draft.discard();
    await (await draftBundle(out, files, rest)).publish();
    assert.deepEqual(process.listeners('exit'), listeners);
  });

  it('leaves alone what somebody put at its place meanwhile', async () => {
    const { rest, files } = await parts();
    for (const put of [
      (out: string) => writeFileSync(out, 'mine'),
      (out: string) => {
        mkdirSync(out);
        writeFileSync(join(out, 'mine'), 'mine');
      },
    ]) {
      const out = join(place.path, `taken ${put}`.length.toString());
      const draft = await draftBundle(out, files, rest);
      put(out);
      await assert.rejects(
        draft.publish(),
        new InvalidRequest(`${out} exists already: remove it or choose another --out`),
      );
      await draft.discard();
      assert.equal(readFileSync(statSync(out).isFile() ? out : join(out, 'mine'), 'utf8'), 'mine');
    }
  });

  it('says where it cannot be written', async () => {
    const { rest, files } = await parts();
    writeFileSync(join(place.path, 'file'), '');
    const out = join(place.path, 'file', 'in', 'bundle');
    const refusal = new InvalidRequest(`${out} cannot be written (ENOTDIR)`);
    await assert.rejects(draftBundle(out, files, rest), refusal);
    await assert.rejects(claimPlace(out), refusal);
  });

  it('is one process’s at a time, its directories made', async () => {
    const out = join(place.path, 'claimed', 'by', 'one');
    await claimPlace(out);
    await assert.rejects(claimPlace(out), /is written by another run/);
    assert.deepEqual(readdirSync(join(out, '..')), ['one.lock']);
  });

  it('saves metrics, and the bundle still reads', async () => {
    const { directory } = copyBundle(join(place.path));
    const metrics = { split: 'dev', images: 9, bleu1: 1, bleu2: 2, bleu3: 3, bleu4: 4, rougeL: 5, ciderD: 6 };
    const before = await readBundle(directory);
    await saveMeasured(directory, { metrics });
    const after = await readBundle(directory);
    assert.deepEqual(after.manifest, { ...before.manifest, checksum: 'manifest.json.sha256', metrics });
    assert.notEqual(after.hash, before.hash);
    assert.deepEqual(
      readdirSync(directory).filter((name) => name.includes('partial')),
      [],
    );
    assert.equal(
      readFileSync(join(directory, 'manifest.json.sha256'), 'utf8'),
      `${after.hash}  manifest.json\n`,
    );
  });
});
