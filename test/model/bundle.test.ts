import assert from 'node:assert/strict';
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { after, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { checkBundle, readBundle, verifiedPath } from '../../src/model/bundle.ts';
import { DEFAULT_BUNDLE, loadCaptioner } from '../../src/model/load.ts';
import type { ShowAndTellManifest as Manifest } from '../../src/model/manifest.ts';
import { type BundleCopy, copyBundle, flipByte, temporaryDirectory } from '../support/bundles.ts';
import { rejectsUnusable, rejectsWith } from '../support/errors.ts';
import { ROOT, readSamples } from '../support/samples.ts';

const { image, regions } = (await readBundle(DEFAULT_BUNDLE)).manifest;
const temporary = temporaryDirectory();
after(() => temporary.dispose());
let copies = 0;

/** A fresh copy of the default bundle. */
async function copy(): Promise<BundleCopy> {
  const directory = join(temporary.path, String(copies++));
  await mkdir(directory);
  return copyBundle(directory);
}

/** One kind of damage, and what the message must name. */
interface Damage {
  title: string;
  damage: (bundle: BundleCopy) => void;
  file: string;
  expected: RegExp;
  actual: RegExp;
  /** Neither graph fits any more; which of them `ready` finds first is chance. */
  bothGraphs?: boolean;
}

/** `expected` and `actual` name the thing, whatever the words around it. */
async function check(promise: Promise<unknown>, bundle: BundleCopy, { file, expected, actual }: Damage) {
  const problem = await rejectsUnusable(promise);
  assert.equal(problem.file, join(bundle.directory, file));
  assert.match(problem.expected, expected);
  assert.match(problem.actual, actual);
}

/** Refused as soon as the directory is read: manifest and word list. */
const REFUSED_AT_ONCE: Damage[] = [
  {
    title: 'without a manifest',
    damage: (b) => rmSync(b.manifestPath),
    file: 'manifest.json',
    expected: /readable/,
    actual: /none/,
  },
  {
    title: 'whose manifest is no JSON',
    damage: (b) => b.writeManifest('{"formatVersion": 1,'),
    file: 'manifest.json',
    expected: /JSON/,
    actual: /./,
  },
  {
    title: 'whose manifest is JSON but no object',
    damage: (b) => b.writeManifest('null'),
    file: 'manifest.json',
    expected: /formatVersion 1 or 2/,
    actual: /undefined/,
  },
  {
    title: 'of a later format version',
    damage: (b) => b.editManifest((m) => Object.assign(m, { formatVersion: 3 })),
    file: 'manifest.json',
    expected: /formatVersion 1 or 2/,
    actual: /formatVersion 3/,
  },
  {
    title: 'whose word evidence has a flipped byte',
    damage: (b) => flipByte(b.pathOf('evidence')),
    file: 'evidence.bin',
    expected: /SHA-256/,
    actual: /SHA-256/,
  },
  {
    title: 'whose word evidence is of another width',
    damage: (b) => b.replace('evidence', readFileSync(b.pathOf('evidence')).subarray(4)),
    file: 'evidence.bin',
    expected: /rows of \d+ bytes/,
    actual: /\d+ bytes/,
  },
  {
    title: 'whose manifest names its license twice',
    damage: (b) => b.editManifest((m) => Object.assign(m, { license: 'x', licence: 'y' })),
    file: 'manifest.json',
    expected: /manifest/,
    actual: /licence/,
  },
  {
    title: 'whose manifest has a key that the format does not know',
    damage: (b) => b.editManifest((m) => Object.assign(m, { temperature: 1 })),
    file: 'manifest.json',
    expected: /manifest/,
    actual: /temperature/,
  },
  {
    title: 'whose manifest lacks a key',
    damage: (b) => b.editManifest((m) => Reflect.deleteProperty(m, 'stateWidth')),
    file: 'manifest.json',
    expected: /manifest/,
    actual: /stateWidth/,
  },
  {
    title: 'whose manifest tells of no license where something came from',
    damage: (b) => b.editManifest((m) => Object.assign(m, { provenance: ['weights'] })),
    file: 'manifest.json',
    expected: /manifest/,
    actual: /provenance\.0/,
  },
  {
    title: 'whose decoding defaults are no object',
    damage: (b) => b.editManifest((m) => Object.assign(m, { decoding: 'beam' })),
    file: 'manifest.json',
    expected: /manifest/,
    actual: /decoding/,
  },
  {
    title: 'whose manifest points out of its directory',
    damage: (b) => b.editManifest((m) => Object.assign(m.files.encoder, { path: '../encoder.onnx' })),
    file: 'manifest.json',
    expected: /manifest/,
    actual: /files\.encoder\.path/,
  },
  {
    title: 'whose manifest names an absolute path',
    damage: (b) => b.editManifest((m) => Object.assign(m.files.vocabulary, { path: '/etc/passwd' })),
    file: 'manifest.json',
    expected: /manifest/,
    actual: /files\.vocabulary\.path/,
  },
  {
    title: 'whose decoding defaults are out of bounds',
    damage: (b) => b.editManifest((m) => Object.assign(m.decoding, { beamWidth: 11 })),
    file: 'manifest.json',
    expected: /manifest/,
    actual: /decoding\.beamWidth/,
  },
  {
    title: 'with a changed byte in the word list',
    damage: (b) => flipByte(b.pathOf('vocabulary')),
    file: 'word_counts.txt',
    expected: /SHA-256 [0-9a-f]{64}/,
    actual: /SHA-256 [0-9a-f]{64}/,
  },
  {
    title: 'with a truncated word list',
    damage: (b) => truncateSync(b.pathOf('vocabulary'), 1000),
    file: 'word_counts.txt',
    expected: /\d+ bytes/,
    actual: /1000 bytes/,
  },
  {
    title: 'without its word list',
    damage: (b) => rmSync(b.pathOf('vocabulary')),
    file: 'word_counts.txt',
    expected: /readable/,
    actual: /none/,
  },
  {
    title: 'with the word list of another model',
    damage: (b) => b.replace('vocabulary', Buffer.from('<S> 9\n</S> 9\na 5\ndog 3\n')),
    file: 'word_counts.txt',
    expected: /size \d+/,
    actual: /size 5/,
  },
  {
    title: 'with a word list of the right size whose start and end stand elsewhere',
    damage: (b) =>
      b.replace('vocabulary', Buffer.from(reversed(readFileSync(b.pathOf('vocabulary'), 'utf8')))),
    file: 'word_counts.txt',
    expected: /startId \d+/,
    actual: /startId \d+/,
  },
  {
    title: 'whose manifest swaps the start and end ids',
    damage: (b) => b.editManifest(swapStartAndEnd),
    file: 'word_counts.txt',
    expected: /startId \d+/,
    actual: /startId \d+/,
  },
  {
    title: 'with a word list in which a word stands twice',
    damage: (b) => b.replace('vocabulary', Buffer.from('<S> 9\n</S> 9\ndog 5\ndog 3\n')),
    file: 'word_counts.txt',
    expected: /word list/,
    actual: /line 4/,
  },
  {
    title: 'with a word list whose gzip stream is cut short',
    damage: (b) => b.replace('vocabulary', gzipSync(readFileSync(b.pathOf('vocabulary'))).subarray(0, 500)),
    file: 'word_counts.txt',
    expected: /word list/,
    actual: /./,
  },
  {
    title: 'with a word list that becomes larger than any is',
    damage: (b) => b.replace('vocabulary', gzipSync(Buffer.alloc((64 << 20) + 1), { level: 1 })),
    file: 'word_counts.txt',
    expected: /word list/,
    actual: /larger than/,
  },
];

/** Of bundles that this version wrote: the manifest says that a checksum belongs to it. */
const COVERED: Damage[] = [
  {
    title: 'whose checksum was removed',
    damage: (b) => rmSync(checksumOf(b)),
    file: 'manifest.json.sha256',
    expected: /readable/,
    actual: /none/,
  },
  {
    title: 'whose manifest is of another day than its checksum',
    damage: (b) => {
      const checksum = readFileSync(checksumOf(b));
      b.editManifest((m) => Object.assign(m, { name: 'other' }));
      writeFileSync(checksumOf(b), checksum);
    },
    file: 'manifest.json',
    expected: /SHA-256 [0-9a-f]{64}, which manifest\.json\.sha256 says/,
    actual: /SHA-256 [0-9a-f]{64}/,
  },
  ...(
    [
      ['is empty', () => ''],
      ['has no file name', (line) => `${line.slice(0, 64)}\n`],
      ['is of another file', (line) => line.replace('manifest.json', 'manifest.yaml')],
      ['has capital letters', (line) => line.toUpperCase()],
      ['has no end of line', (line) => line.trimEnd()],
      ['has two lines', (line) => line + line],
    ] satisfies [string, (line: string) => string][]
  ).map(
    ([what, change]): Damage => ({
      title: `whose checksum ${what}`,
      damage: (b) => writeFileSync(checksumOf(b), change(readFileSync(checksumOf(b), 'utf8'))),
      file: 'manifest.json.sha256',
      expected: /sha256sum/,
      actual: /./,
    }),
  ),
  {
    title: 'whose checksum is far too long',
    damage: (b) => writeFileSync(checksumOf(b), Buffer.alloc(5000)),
    file: 'manifest.json.sha256',
    expected: /at most \d+ bytes/,
    actual: /5000 bytes/,
  },
  {
    title: 'whose checksum cannot be read',
    damage: (b) => {
      rmSync(checksumOf(b));
      mkdirSync(checksumOf(b));
    },
    file: 'manifest.json.sha256',
    expected: /readable/,
    actual: /EISDIR/,
  },
];

function checksumOf({ manifestPath }: BundleCopy): string {
  return `${manifestPath}.sha256`;
}

/** Refused while the graphs are opened. */
const REFUSED_WHEN_OPENED: Damage[] = [
  ...(['encoder', 'decoder'] as const).flatMap((role): Damage[] => [
    {
      title: `with a changed byte in the ${role}`,
      damage: (b) => flipByte(b.pathOf(role)),
      file: `${role}.onnx`,
      expected: /SHA-256 [0-9a-f]{64}/,
      actual: /SHA-256 [0-9a-f]{64}/,
    },
    {
      title: `with a truncated ${role}`,
      damage: (b) => truncateSync(b.pathOf(role), 1000),
      file: `${role}.onnx`,
      expected: /\d+ bytes/,
      actual: /1000 bytes/,
    },
    {
      title: `without its ${role}`,
      damage: (b) => rmSync(b.pathOf(role)),
      file: `${role}.onnx`,
      expected: /readable/,
      actual: /none/,
    },
    {
      title: `whose ${role} is garbage with the right hash`,
      damage: (b) => b.replace(role, Buffer.from('no graph at all')),
      file: `${role}.onnx`,
      expected: /graph/,
      actual: /./,
    },
  ]),
  {
    title: 'whose encoder file holds the decoder',
    damage: (b) => b.replace('encoder', readFileSync(b.pathOf('decoder'))),
    file: 'encoder.onnx',
    expected: /input "image" uint8 \[/,
    actual: /word/,
  },
  {
    title: 'whose decoder file holds the encoder',
    damage: (b) => b.replace('decoder', readFileSync(b.pathOf('encoder'))),
    file: 'decoder.onnx',
    expected: /input "word" int64 \[/,
    actual: /image/,
  },
  mismatch('image height', (m) => m.image.height++, 'encoder', 'input "image" uint8', image.height + 1),
  mismatch('image width', (m) => m.image.width++, 'encoder', 'input "image" uint8', image.width + 1),
  mismatch('regions', (m) => m.regions++, 'encoder', 'output "region_embeddings" float32', regions + 1),
  {
    ...mismatch(
      'embeddingWidth',
      (m) => {
        m.embeddingWidth++;
        // Its size follows from the width, too; it would be refused first.
        delete m.files.evidence;
      },
      'encoder',
      'output "image_embedding" float32',
      513,
    ),
    bothGraphs: true,
  },
  mismatch('stateWidth', (m) => m.stateWidth++, 'decoder', 'input "state" float32', 1025),
  mismatch('logits', (m) => m.vocabulary.logits++, 'decoder', 'output "log_probabilities" float32', null),
  {
    title: 'whose manifest names the other resampling rule, and with it another dtype',
    damage: (b) =>
      b.editManifest((m) => {
        m.image = {
          resampling: 'tf1-bilinear',
          width: image.width,
          height: image.height,
          dtype: 'float32',
          range: [-1, 1],
          aspect: 'squash',
          resizedTo: 2 * image.width,
        };
      }),
    file: 'encoder.onnx',
    expected: new RegExp(`input "image" float32 \\[\\?, ${image.height}, ${image.width}, 3\\]`),
    actual: new RegExp(`uint8 \\[.*${image.height}, ${image.width}, 3\\]`),
  },
];

/** A manifest that is off by one somewhere; the message shows the tensor, the wrong number and the right one. */
function mismatch(
  what: string,
  edit: (manifest: Manifest) => void,
  role: 'encoder' | 'decoder',
  tensor: string,
  wrong: number | null,
): Damage {
  return {
    title: `whose manifest is off by one in ${what}`,
    damage: (b) => b.editManifest(edit),
    file: `${role}.onnx`,
    expected: new RegExp(`${tensor} \\[\\?, .*${wrong === null ? '\\d+' : `\\b${wrong}\\b`}.*\\]`),
    actual: wrong === null ? /float32 \[.+, \d+\]/ : new RegExp(`\\[.+\\b${wrong - 1}\\b.*\\]`),
  };
}

function reversed(list: string): string {
  return list.trimEnd().split('\n').reverse().join('\n');
}

function swapStartAndEnd({ vocabulary }: Manifest): void {
  [vocabulary.startId, vocabulary.endId] = [vocabulary.endId, vocabulary.startId];
}

const [sample] = readSamples();

describe('a bundle is refused at once', () => {
  for (const damage of REFUSED_AT_ONCE) {
    it(damage.title, async () => {
      const bundle = await copy();
      damage.damage(bundle);
      await check(loadCaptioner(bundle.directory), bundle, damage);
      await rejectsWith(checkBundle(bundle.directory), 'ModelUnusable');
    });
  }

  for (const damage of COVERED) {
    it(damage.title, async () => {
      const bundle = await copy();
      bundle.editManifest((m) => Object.assign(m, { checksum: 'manifest.json.sha256' }));
      damage.damage(bundle);
      await check(loadCaptioner(bundle.directory), bundle, damage);
    });
  }

  it('that is no directory at all', async () => {
    const directory = join(temporary.path, 'nowhere');
    const problem = await rejectsUnusable(loadCaptioner(directory));
    assert.equal(problem.file, join(directory, 'manifest.json'));
  });
});

describe('every committed bundle', () => {
  for (const name of globSync('models/*/manifest.json', { cwd: ROOT })) {
    it(`${name} is covered by a checksum, as all of its files are`, async () => {
      const directory = dirname(join(ROOT, name));
      await checkBundle(directory);
      assert.ok(existsSync(join(directory, 'manifest.json.sha256')));
    });
  }
});

describe('a bundle is refused by `ready` and by every caption', () => {
  for (const damage of REFUSED_WHEN_OPENED) {
    it(damage.title, async () => {
      const bundle = await copy();
      damage.damage(bundle);
      const captioner = await loadCaptioner(bundle.directory, { threads: 1 });
      // Asked before the graphs are open.
      const caption = captioner.caption(sample!.bytes);
      await check(caption, bundle, damage);
      if (damage.bothGraphs) await rejectsUnusable(captioner.ready);
      else await check(captioner.ready, bundle, damage);
      await rejectsWith(captioner.caption(sample!.bytes), 'ModelUnusable');
    });
  }

  it('and leaves no rejection unhandled when nobody asks', async (t) => {
    const unhandled: unknown[] = [];
    const listen = (reason: unknown) => unhandled.push(reason);
    process.on('unhandledRejection', listen);
    t.after(() => process.off('unhandledRejection', listen));
    const bundle = await copy();
    flipByte(bundle.pathOf('encoder'));
    truncateSync(bundle.pathOf('decoder'), 10);

    const { ready } = await loadCaptioner(bundle.directory);
    await new Promise((resolve) => setTimeout(resolve, 300));

    assert.deepEqual(unhandled, []);
    await rejectsWith(ready, 'ModelUnusable');
  });
});

describe('a bundle is read', () => {
  it('with its word list compressed', async () => {
    const bundle = await copy();
    const plain = readFileSync(bundle.pathOf('vocabulary'));
    bundle.replace('vocabulary', gzipSync(plain), 'word_counts.txt.gz');
    rmSync(join(bundle.directory, 'word_counts.txt'));

    const compressed = await readBundle(bundle.directory);
    const original = await readBundle(DEFAULT_BUNDLE);

    const ids = Array.from({ length: original.vocabulary.size }, (_, id) => id);
    assert.deepEqual(compressed.vocabulary.words(ids), original.vocabulary.words(ids));
  });

  it('whether it says license or, as before version 1.0.0, licence', async () => {
    const former = { licence: 'CC0', captions: 2 };
    const today = { license: 'CC0', count: 2 };
    const read = async ({ licence, license, captions, count }: Record<string, unknown>) => {
      const bundle = await copy();
      bundle.editManifest((m: Record<string, unknown>) => {
        const named = licence === undefined ? { license } : { licence };
        const others = { ...m };
        for (const name of ['licence', 'license']) Reflect.deleteProperty(others, name);
        for (const name of Object.keys(m)) Reflect.deleteProperty(m, name);
        const provenance = [{ what: 'weights', source: 'here', ...named }];
        const decoding = { beamWidth: 3, ...(captions === undefined ? { count } : { captions }) };
        Object.assign(m, others, named, { provenance, decoding });
      });
      return (await readBundle(bundle.directory)).manifest;
    };
    const manifest = await read(former);
    assert.deepEqual(manifest, await read(today));
    assert.deepEqual([manifest.license, manifest.decoding.count], ['CC0', 2]);
    assert.equal(manifest.provenance[0]!.license, 'CC0');
  });

  it('without a checksum, as version 1.0.0 wrote it, under the same hash', async () => {
    const bundle = await copy();
    rmSync(checksumOf(bundle));

    const old = await readBundle(bundle.directory);

    assert.equal(old.hash, (await readBundle(DEFAULT_BUNDLE)).hash);
    assert.equal(old.manifest.checksum, undefined);
    await checkBundle(bundle.directory);
  });

  it('under a hash that changes with any of its files', async () => {
    const bundle = await copy();
    const original = await readBundle(DEFAULT_BUNDLE);
    assert.equal((await readBundle(bundle.directory)).hash, original.hash);

    bundle.replace('encoder', Buffer.from('another graph'));

    assert.notEqual((await readBundle(bundle.directory)).hash, original.hash);
  });

  it('and says where its verified graphs are', async () => {
    const bundle = await readBundle(DEFAULT_BUNDLE);
    for (const role of ['encoder', 'decoder'] as const) {
      assert.equal(await verifiedPath(bundle, role), join(DEFAULT_BUNDLE, bundle.manifest.files[role].path));
    }
  });
});
