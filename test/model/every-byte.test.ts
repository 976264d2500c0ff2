/** A bundle of which one byte is another is refused, wherever the byte stands. */
import assert from 'node:assert/strict';
import { closeSync, openSync, readFileSync, readSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type ModelProblem, ModelUnusable } from '../../src/errors.ts';
import { checkBundle, MANIFEST_FILE } from '../../src/model/bundle.ts';
import { loadCaptioner } from '../../src/model/load.ts';
import { CHECKSUM_FILE } from '../../src/model/manifest.ts';
import { type BundleCopy, copyBundle, temporaryDirectory } from '../support/bundles.ts';

/** Of each file: 300 in all, the 80 of the checksum being all that it has. */
const POSITIONS = {
  [MANIFEST_FILE]: 120,
  [CHECKSUM_FILE]: 80,
  'word_counts.txt': 40,
  'evidence.bin': 20,
  'encoder.onnx': 20,
  'decoder.onnx': 20,
};
/** Files whose damage is found only after the others were opened: that is seen once in four. */
const FOUND_LATE = /\.(onnx|bin)$/;

describe('a bundle with one other byte', () => {
  const place = temporaryDirectory();
  let bundle: BundleCopy;
  before(() => {
    bundle = copyBundle(place.path);
  });
  after(() => place.dispose());

  async function load(): Promise<void> {
    const { ready, close } = await loadCaptioner(bundle.directory, { threads: 1 });
    await ready.finally(close);
  }

  const check = () => checkBundle(bundle.directory);

  for (const [name, count] of Object.entries(POSITIONS)) {
    it(`is refused: ${count} bytes of ${name}`, async () => {
      const file = join(bundle.directory, name);
      const { size } = statSync(file);
      const accepted: string[] = [];
      for (let i = 0; i < count; i++) {
        // The first and the last are among them.
        const at = Math.round((i * (size - 1)) / (count - 1));
        const readers = !FOUND_LATE.test(name) ? [load, check] : [i % 4 === 0 ? load : check];
        flip(file, at, i % 8);
        for (const read of readers) {
          const problem = await refusal(read);
          if (problem === undefined) accepted.push(`bit ${i % 8} of byte ${at}`);
          // Which of the two is damaged when they differ, nobody can tell.
          else if (name === CHECKSUM_FILE) assert.ok([file, bundle.manifestPath].includes(problem.file));
          else assert.equal(problem.file, file);
        }
        flip(file, at, i % 8);
      }
      assert.deepEqual(accepted, []);
    });
  }

  it('has 300 positions tried, and is accepted as it was', async () => {
    const tried = Object.values(POSITIONS).reduce((a, b) => a + b);
    assert.equal(tried, 300);
    await load();
    await check();
  });

  /** What JSON takes for the same, and values as good as those that were measured. */
  const HARMLESS_IN_JSON: [what: string, from: string, to: string][] = [
    ['a space that is a tab', ': ', ':\t'],
    ['a line feed that is a carriage return', '{\n', '{\r'],
    ['a letter of another case', 'Show and Tell', 'show and Tell'],
    ['another digit', '"images": 130', '"images": 131'],
  ];
  for (const [what, from, to] of HARMLESS_IN_JSON) {
    it(`is refused for ${what} in the manifest`, async () => {
      const text = readFileSync(bundle.manifestPath, 'utf8');
      assert.notEqual(text.replace(from, to), text);
      writeFileSync(bundle.manifestPath, text.replace(from, to));
      const problem = await refusal(load);
      writeFileSync(bundle.manifestPath, text);
      assert.equal(problem?.file, bundle.manifestPath);
      assert.match(problem.expected, /^SHA-256 [0-9a-f]{64}/);
      assert.match(problem.actual, /^SHA-256 [0-9a-f]{64}$/);
      assert.match(problem.remedy, /sha256sum manifest\.json > manifest\.json\.sha256/);
    });
  }
});

/** @returns `undefined` where the bundle is accepted */
async function refusal(read: () => Promise<void>): Promise<ModelProblem | undefined> {
  try {
    await read();
    return undefined;
  } catch (error) {
    assert.ok(error instanceof ModelUnusable, String(error));
    return error.problem;
  }
}

/** Done twice, the file is as it was. */
function flip(file: string, at: number, bit: number): void {
  const byte = Buffer.alloc(1);
  const descriptor = openSync(file, 'r+');
  readSync(descriptor, byte, 0, 1, at);
  byte[0]! ^= 1 << bit;
  writeSync(descriptor, byte, 0, 1, at);
  closeSync(descriptor);
}
