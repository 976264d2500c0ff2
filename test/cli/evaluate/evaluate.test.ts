import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { readBundle } from '../../../src/model/bundle.ts';
import { DEFAULT_BUNDLE } from '../../../src/model/load.ts';
import { temporaryDirectory } from '../../support/bundles.ts';
import { runCli } from '../../support/cli.ts';
import { readSamples } from '../../support/samples.ts';
import { zipOf } from '../../support/zip.ts';

interface Report {
  metrics: Record<string, number | string>;
  perImage: { image: string; caption: string; ciderD: number }[];
}

describe('show-and-tell evaluate', () => {
  const samples = readSamples();
  const references = Object.fromEntries(
    samples.map(({ name }) => [name, [`This is ${name}, a picture .`, 'A thing is seen in a place .']]),
  );
  let place: ReturnType<typeof temporaryDirectory>;
  let captions: string;
  let directory: string;
  let zip: string;

  before(() => {
    place = temporaryDirectory();
    captions = join(place.path, 'captions.json');
    directory = join(place.path, 'images');
    zip = join(place.path, 'images.any');
    mkdirSync(directory);
    for (const { name, path } of samples) cpSync(path, join(directory, name));
    const entries = samples.map(({ name, bytes }) => [`folder/${name}`, bytes]);
    writeFileSync(zip, zipOf(Object.fromEntries(entries)));
    writeFileSync(captions, JSON.stringify({ dev: references, test: {} }));
  });
  after(() => place.dispose());

  const evaluate = (...args: string[]) => runCli(['evaluate', ...args]);

  it('scores a directory and a zip archive alike, with any number of jobs', async () => {
    const [fromDirectory, fromZip] = await Promise.all([
      evaluate('--images', directory, '--captions', captions, '--json'),
      evaluate('--images', zip, '--captions', captions, '--json', '--jobs', '2'),
    ]);
    assert.equal(fromDirectory.status, 0, fromDirectory.stderr);
    assert.equal(fromZip.status, 0, fromZip.stderr);
    const [a, b] = [fromDirectory, fromZip].map(({ stdout }) => JSON.parse(stdout) as Report);
    assert.deepEqual(a!.metrics, b!.metrics);
    assert.equal(a!.metrics.images, samples.length);
    assert.deepEqual(
      a!.perImage.map(({ image, caption }) => ({ image, caption })),
      b!.perImage.map(({ image, caption }) => ({ image, caption })),
    );
  });

  it('gives full marks when the captions are what people wrote', async () => {
    const first = await evaluate('--images', directory, '--captions', captions, '--json');
    const said = (JSON.parse(first.stdout) as Report).perImage;
    const file = join(place.path, 'said.json');
    writeFileSync(file, JSON.stringify({ dev: Object.fromEntries(said.map((i) => [i.image, [i.caption]])) }));
    const { stdout } = await evaluate('--images', directory, '--captions', file, '--json');
    const { metrics } = JSON.parse(stdout) as Report;
    assert.equal(metrics.bleu1, 100);
    assert.equal(metrics.rougeL, 100);
  });

  it('prints the table with best, worst and slowest images', async () => {
    const { status, stdout, stderr } = await evaluate('--images', directory, '--captions', captions);
    assert.equal(status, 0);
    assert.equal(stderr, '');
    assert.match(stdout, new RegExp(`split dev, ${samples.length} images`));
    for (const row of ['BLEU-4', 'ROUGE-L', 'CIDEr-D', 'Best by', 'Worst by', 'Slowest']) {
      assert.ok(stdout.includes(row), row);
    }
  });

  it('goes on without an image that cannot be read, and says so in its exit status', async () => {
    const file = join(place.path, 'more.json');
    writeFileSync(file, JSON.stringify({ dev: { ...references, 'lost.jpg': ['Nobody knows .'] } }));
    for (const images of [directory, zip]) {
      const { status, stdout, stderr } = await evaluate('--images', images, '--captions', file, '--json');
      assert.equal(status, 3);
      assert.equal((JSON.parse(stdout) as Report).metrics.images, samples.length);
      assert.match(stderr, /lost\.jpg: ImageNotFound/);
    }
  });

  it('takes two images of one name by their paths, in an archive as unpacked, and refuses the bare name', async () => {
    const [a, b] = samples;
    const archive = join(place.path, 'namesakes.zip');
    const unpacked = join(place.path, 'namesakes');
    const entries = { 'train/1.jpg': a!.bytes, 'val/1.jpg': b!.bytes };
    writeFileSync(archive, zipOf(entries));
    for (const [path, bytes] of Object.entries(entries)) {
      mkdirSync(join(unpacked, path, '..'), { recursive: true });
      writeFileSync(join(unpacked, path), bytes);
    }
    const byPath = join(place.path, 'by-path.json');
    const byName = join(place.path, 'by-name.json');
    writeFileSync(byPath, JSON.stringify({ dev: { 'val/1.jpg': ['b'], 'train/1.jpg': ['a'] } }));
    writeFileSync(byName, JSON.stringify({ dev: { '1.jpg': ['a'] } }));
    const said = await Promise.all(
      [archive, unpacked].map(async (images) => {
        const { status, stdout, stderr } = await evaluate('--images', images, '--captions', byPath, '--json');
        assert.equal(status, 0, stderr);
        const refused = await evaluate('--images', images, '--captions', byName);
        assert.equal(refused.status, 2);
        assert.match(refused.stderr, /1\.jpg may mean train\/1\.jpg, val\/1\.jpg/);
        return (JSON.parse(stdout) as Report).perImage.map(({ image, caption }) => [image, caption]);
      }),
    );
    assert.deepEqual(said[0], said[1]);
    const captions = new Map(said[0] as [string, string][]);
    assert.notEqual(captions.get('train/1.jpg'), captions.get('val/1.jpg'));
  });

  it('saves scores of a whole split only', async () => {
    const model = join(place.path, 'model');
    const manifest = join(model, 'manifest.json');
    const file = join(place.path, 'more.json');
    cpSync(DEFAULT_BUNDLE, model, { recursive: true });
    const before = readFileSync(manifest, 'utf8');
    writeFileSync(file, JSON.stringify({ dev: { ...references, 'lost.jpg': ['Nobody knows .'] } }));
    const save = (captions: string) =>
      evaluate('--model', model, '--images', directory, '--captions', captions, '--save');
    const { status, stderr } = await save(file);
    assert.equal(status, 3);
    assert.match(stderr, /nothing was saved/);
    assert.equal(readFileSync(manifest, 'utf8'), before);
    assert.equal((await save(captions)).status, 0);
    const { metrics } = JSON.parse(readFileSync(manifest, 'utf8')) as { metrics: { images: number } };
    assert.equal(metrics.images, samples.length);
  });

  it('scores several sets each for itself, and saves all of them', async () => {
    const model = join(place.path, 'kinds');
    cpSync(DEFAULT_BUNDLE, model, { recursive: true });
    const few = join(place.path, 'few.json');
    writeFileSync(few, JSON.stringify({ test: Object.fromEntries(Object.entries(references).slice(0, 3)) }));
    const sets = ['--set', `all=${directory},${captions}`, '--set', `few=${zip},${few},test`];
    const { status, stdout, stderr } = await evaluate('--model', model, ...sets, '--json', '--save');
    assert.equal(status, 0, stderr);
    const report = JSON.parse(stdout) as { sets: Record<string, Report>; metrics?: unknown };
    assert.equal(report.metrics, undefined);
    assert.deepEqual(
      Object.entries(report.sets).map(([name, { metrics, perImage }]) => [
        name,
        metrics.split,
        perImage.length,
      ]),
      [
        ['all', 'dev', samples.length],
        ['few', 'test', 3],
      ],
    );
    const alone = await evaluate('--images', zip, '--captions', few, '--split', 'test', '--json');
    assert.deepEqual(report.sets.few!.metrics, (JSON.parse(alone.stdout) as Report).metrics);
    const { manifest } = await readBundle(model);
    assert.deepEqual(
      manifest.metrics,
      Object.fromEntries(Object.entries(report.sets).map(([name, { metrics }]) => [name, metrics])),
    );
    const table = await evaluate('--model', model, ...sets);
    for (const row of [
      `set all, split dev, ${samples.length} images`,
      'set few, split test, 3 images',
      'CIDEr-D, set few',
    ]) {
      assert.ok(table.stdout.includes(row), row);
    }
  });

  const set = () => `a=${directory},${captions}`;
  const WRONG: [string, () => string[], RegExp][] = [
    ['no --images', () => ['--captions', captions], /--images/],
    ['images that are nowhere', () => ['--images', '/nowhere', '--captions', captions], /nowhere/],
    ['images that are no archive', () => ['--images', captions, '--captions', captions], /zip/],
    ['a captions file that is nowhere', () => ['--images', directory, '--captions', '/nowhere'], /nowhere/],
    ['a captions file that is no JSON', () => ['--images', directory, '--captions', zip], /JSON/],
    [
      'an unknown split, naming those there are',
      () => ['--images', directory, '--captions', captions, '--split', 'x'],
      /dev, test/,
    ],
    [
      'a split without images',
      () => ['--images', directory, '--captions', captions, '--split', 'test'],
      /none of the split/,
    ],
    ['a set without captions', () => ['--set', `a=${directory}`], /NAME=IMAGES,CAPTIONS/],
    ['two sets of one name', () => ['--set', set(), '--set', set()], /two sets are named a/],
    ['a set beside --images', () => ['--set', set(), '--images', directory], /cannot be mixed/],
    [
      'too few images that are no photographs',
      () => ['--set', set(), '--not-photographs', directory],
      new RegExp(`${samples.length} images are too few to fit on; give 50`),
    ],
    ['a wide beam', () => ['--images', directory, '--captions', captions, '--beam', '11'], /--beam/],
  ];
  for (const [name, args, message] of WRONG) {
    it(`refuses ${name}`, async () => {
      const { status, stdout, stderr } = await evaluate(...args());
      assert.equal(status, 2, stderr);
      assert.equal(stdout, '');
      assert.match(stderr, message);
    });
  }

  it('refuses captions of another form and a damaged archive', async () => {
    const odd = join(place.path, 'odd.json');
    writeFileSync(odd, JSON.stringify({ dev: { 'a.jpg': 'not a list' } }));
    assert.equal((await evaluate('--images', directory, '--captions', odd)).status, 2);
    const broken = join(place.path, 'broken.zip');
    writeFileSync(broken, 'PK\x03\x04 and nothing more');
    const { status, stderr } = await evaluate('--images', broken, '--captions', captions);
    assert.equal(status, 2);
    assert.match(stderr, /damaged zip/);
  });
});
