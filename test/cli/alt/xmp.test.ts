import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import sharp from 'sharp';
import { altText } from '../../../src/alt/alt-text.ts';
import { DEFAULT_BUNDLE, loadCaptioner } from '../../../src/model/load.ts';
import { assertOnlyXmpDiffers, readXmp } from '../../alt/described.ts';
import { rawBehind } from '../../alt/raw-files.ts';
import {
  dataSet,
  exifSegment,
  imageDescription,
  photoshopSegment,
  resources,
  tiffBlock,
} from '../../alt/words/files.ts';
import { temporaryDirectory } from '../../support/bundles.ts';
import { finished, runCli, startCli } from '../../support/cli.ts';
import { COFFEE, readSamples } from '../../support/samples.ts';

const samples = readSamples();
const captioner = await loadCaptioner(DEFAULT_BUNDLE, { threads: 1 });
const COFFEE_ALT = altText((await captioner.caption(readFileSync(COFFEE))).captions[0]!.text);

const temporary = temporaryDirectory();
before(() => chmodSync(temporary.path, 0o755));
after(() => temporary.dispose());
const at = (name: string) => join(temporary.path, name);

/** A new directory with the sample photographs in it. */
function album(name: string, names = samples.map((sample) => sample.name)): string {
  const directory = at(name);
  mkdirSync(directory);
  for (const file of names) {
    writeFileSync(join(directory, file), samples.find((sample) => sample.name === file)!.bytes);
  }
  return directory;
}

/** A packet as another program writes it. */
function someXmp(description: string): string {
  return `<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:description><rdf:Alt><rdf:li xml:lang="x-default">${description}</rdf:li></rdf:Alt></dc:description></rdf:Description></rdf:RDF></x:xmpmeta>`;
}

describe('alt --write-xmp', () => {
  it('refuses cameras’ originals, by content or name, and describes them beside them when asked', async () => {
    const directory = at('DCIM');
    mkdirSync(directory);
    const preview = await sharp(readFileSync(COFFEE)).resize(320).tiff().toBuffer();
    const raw = rawBehind(preview);
    writeFileSync(join(directory, 'DSC_1.NEF'), raw);
    writeFileSync(join(directory, 'renamed.tif'), raw);
    writeFileSync(join(directory, 'preview.dng'), preview);
    const names = ['DSC_1.NEF', 'preview.dng', 'renamed.tif'];
    const run = async (...flags: string[]) => {
      const { status, stdout } = await runCli(['alt', '--json', '--write-xmp', ...flags, directory]);
      const lines = stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line));
      assert.deepEqual(
        lines.map(({ image }) => basename(image)),
        names,
      );
      return { status, lines };
    };
    const refused = await run();
    assert.equal(refused.status, 3);
    for (const { error, alt } of refused.lines) {
      assert.equal(error.code, 'UnsupportedImage');
      assert.match(error.message, /--sidecar/);
      assert.ok(alt.length > 0);
    }
    assert.deepEqual(readdirSync(directory).sort(), names);

    writeFileSync(join(directory, 'preview.xmp'), someXmp('words of a person'));
    const beside = await run('--sidecar');
    assert.equal(beside.status, 0);
    assert.deepEqual(
      beside.lines.map(({ xmp }) => [basename(xmp.sidecar), xmp.kept]),
      [
        ['DSC_1.xmp', []],
        ['preview.xmp', ['dc:description']],
        ['renamed.xmp', []],
      ],
    );
    assert.match(readFileSync(join(directory, 'DSC_1.xmp'), 'utf8'), new RegExp(beside.lines[0].alt));
    assert.match(readFileSync(join(directory, 'preview.xmp'), 'utf8'), /words of a person/);
    const again = await run('--sidecar');
    assert.deepEqual(again.lines[0].xmp.written, []);
    assert.deepEqual(
      readdirSync(directory).sort(),
      [...names, 'DSC_1.xmp', 'preview.xmp', 'renamed.xmp'].sort(),
    );
    for (const name of names) {
      assert.deepEqual(readFileSync(join(directory, name)), name.endsWith('dng') ? preview : raw);
    }
  });

  it('writes the printed text into every image, and nothing else', async () => {
    const directory = album('written');
    const { status, stdout, stderr } = await runCli([
      'alt',
      '--json',
      '--write-xmp',
      '--jobs',
      '2',
      directory,
    ]);
    assert.deepEqual([status, stderr], [0, '']);
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.deepEqual(
      lines.map(({ image }) => basename(image)),
      samples.map(({ name }) => name),
    );
    for (const { image, alt, xmp } of lines) {
      const bytes = readFileSync(image);
      assert.deepEqual(xmp, { written: ['dc:description', 'Iptc4xmpCore:AltTextAccessibility'], kept: [] });
      assert.deepEqual(await readXmp(bytes, 'dc:description'), { 'x-default': alt });
      assert.deepEqual(await readXmp(bytes, 'Iptc4xmpCore:AltTextAccessibility'), { 'x-default': alt });
      await assertOnlyXmpDiffers(samples.find(({ name }) => name === basename(image))!.bytes, bytes);
    }
    assert.equal(readdirSync(directory).length, samples.length);
  });

  it('keeps texts that are there, byte for byte, until told otherwise', async () => {
    const directory = album('kept', ['coffee.jpg']);
    const file = join(directory, 'coffee.jpg');
    await runCli(['alt', '--write-xmp', '--prefix', 'two', file]);
    const first = readFileSync(file);
    const { ino } = statSync(file);
    const again = await runCli(['alt', '--write-xmp', file]);
    assert.equal(again.status, 0);
    assert.match(again.stderr, /dc:description/);
    assert.deepEqual(readFileSync(file), first);
    assert.equal(statSync(file).ino, ino);
    assert.equal((await runCli(['alt', '--write-xmp', '--overwrite', file])).status, 0);
    assert.deepEqual(await readXmp(readFileSync(file), 'dc:description'), { 'x-default': COFFEE_ALT });
  });

  it('says where it found a description, and writes none beside it', async () => {
    const directory = album('captioned', []);
    const [coffee, other] = [join(directory, 'a.jpg'), join(directory, 'b.jpg')];
    const jpeg = readFileSync(COFFEE);
    const iptc = photoshopSegment(resources(dataSet(2, 120, 'Mayor Jane Doe')));
    writeFileSync(coffee, Buffer.concat([jpeg.subarray(0, 2), iptc, jpeg.subarray(2)]));
    const exif = exifSegment(tiffBlock('MM', [imageDescription('SONY DSC')]));
    writeFileSync(other, Buffer.concat([jpeg.subarray(0, 2), exif, jpeg.subarray(2)]));
    const { status, stdout, stderr } = await runCli(['alt', '--json', '--write-xmp', directory]);
    assert.deepEqual([status, stderr], [0, '']);
    const lines = stdout.trimEnd().split('\n');
    const alt = 'Iptc4xmpCore:AltTextAccessibility';
    assert.deepEqual(
      lines.map((line) => JSON.parse(line).xmp),
      [
        { written: [alt], kept: ['IPTC:Caption-Abstract'] },
        { written: ['dc:description', alt], kept: [] },
      ],
    );
    assert.ok(!readFileSync(other).includes('SONY DSC'));
    const again = await runCli(['alt', '--write-xmp', coffee]);
    assert.match(
      again.stderr,
      /a\.jpg: keeps its own Iptc4xmpCore:AltTextAccessibility and IPTC:Caption-Abstract/,
    );
  });

  it('leaves formats that it cannot write as they are, prints the text and goes on', async () => {
    const directory = album('mixed', ['coffee.jpg']);
    const gif = await sharp(readFileSync(COFFEE)).resize(90).gif().toBuffer();
    writeFileSync(join(directory, 'a.gif'), gif);
    const { status, stdout, stderr } = await runCli(['alt', '--write-xmp', directory]);
    assert.equal(status, 3);
    assert.match(stderr, /a\.gif: UnsupportedImage: /);
    assert.equal(stdout.split('\n').length, 3);
    assert.deepEqual(readFileSync(join(directory, 'a.gif')), gif);
    assert.ok((await sharp(readFileSync(join(directory, 'coffee.jpg'))).metadata()).xmp);
  });

  it('only prints what needs review', async () => {
    const directory = album('doubtful', ['coffee.jpg']);
    const file = join(directory, 'coffee.jpg');
    const sure = await runCli(['alt', '--write-xmp', '--min-confidence', '0', file]);
    assert.deepEqual([sure.status, sure.stderr], [0, '']);
    const written = readFileSync(file);
    const doubtful = await runCli([
      'alt',
      '--write-xmp',
      '--overwrite',
      '--prefix',
      'two',
      '--min-confidence',
      '1',
      file,
    ]);
    assert.equal(doubtful.status, 0);
    assert.match(doubtful.stdout, /: Two /);
    assert.match(doubtful.stderr, /review/);
    assert.deepEqual(readFileSync(file), written);
  });

  it('does not go past write protection', { skip: process.getuid?.() !== 0 && 'needs root' }, async () => {
    const directory = album('protected', ['coffee.jpg']);
    const file = join(directory, 'coffee.jpg');
    chmodSync(directory, 0o777);
    const { status, stderr } = await runCli(['alt', '--write-xmp', file], { uid: 65534, gid: 65534 });
    assert.equal(status, 3);
    assert.match(stderr, /InvalidRequest: /);
    assert.deepEqual(readFileSync(file), readFileSync(COFFEE));
    assert.deepEqual(readdirSync(directory), ['coffee.jpg']);
  });

  it('leaves whole files and nothing beside them after Ctrl-C', async () => {
    const directory = album('interrupted');
    const child = startCli(['alt', '--write-xmp', ...Array(20).fill(directory)]);
    const end = finished(child);
    await once(child.stdout!, 'data');
    child.kill('SIGINT');
    const { status, stdout } = await end;
    assert.equal(status, 130);
    assert.ok(stdout.endsWith('\n'));
    assert.deepEqual(
      readdirSync(directory),
      samples.map(({ name }) => name),
    );
    for (const { name, bytes } of samples) {
      const now = readFileSync(join(directory, name));
      if (!now.equals(bytes)) await assertOnlyXmpDiffers(bytes, now);
    }
  });
});
