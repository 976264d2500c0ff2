/** What an evaluation captions, of its flags. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { openSets, parseSet, type SetFlags, setsOf } from '../../../src/cli/evaluate/labelled-sets.ts';
import { InvalidRequest } from '../../../src/errors.ts';
import { temporaryDirectory } from '../../support/bundles.ts';
import { zipOf } from '../../support/zip.ts';

const temporary = temporaryDirectory();
after(() => temporary.dispose());
const at = (name: string) => join(temporary.path, name);

describe('--set', () => {
  it('is a name, images, captions and perhaps a split', () => {
    const first = { name: 'a-b_1', images: 'a b.zip', captions: 'x=y.json', split: undefined };
    assert.deepEqual(parseSet('a-b_1=a b.zip,x=y.json'), [first]);
    const second = { name: 'b', images: 'i', captions: 'c', split: 's' };
    assert.deepEqual(parseSet('b=i,c,s', [first]), [first, second]);
    assert.throws(
      () => parseSet('b=other,c', [first, second]),
      new InvalidRequest('--set: two sets are named b'),
    );
  });

  for (const text of [
    '',
    'a',
    'a=',
    'a=i',
    'a=i,',
    '=i,c',
    'a b=i,c',
    ' a=i,c',
    'a=,c',
    'a=i,c,',
    'a=i,c,s,t',
  ]) {
    it(`${text || 'without anything'} is refused, with its form`, () => {
      assert.throws(
        () => parseSet(text),
        new InvalidRequest(`--set ${text}: expected NAME=IMAGES,CAPTIONS or NAME=IMAGES,CAPTIONS,SPLIT`),
      );
    });
  }
});

describe('the labelled sets', () => {
  it('are those of --set, or the one of three flags, named after its split', () => {
    const set = [{ name: 'a', images: 'i', captions: 'c', split: undefined }];
    assert.equal(setsOf({ set, notPhotographs: 'n' }), set);
    const one = { images: 'i', captions: 'c' };
    assert.deepEqual(setsOf(one), [{ name: 'dev', ...one, split: undefined }]);
    assert.deepEqual(setsOf({ ...one, split: 'test' }), [{ name: 'test', ...one, split: 'test' }]);
  });

  it('are told one way alone, and whole', () => {
    const mixed = '--set: cannot be mixed with --images, --captions and --split; give another --set';
    const missing = '--images and --captions (or --set) must say what to caption';
    const cases: [SetFlags, string][] = [
      [{ set: [], images: 'i' }, mixed],
      [{ set: [], captions: 'c' }, mixed],
      [{ set: [], split: 's' }, mixed],
      [{}, missing],
      [{ images: 'i', split: 's' }, missing],
      [{ captions: 'c' }, missing],
    ];
    for (const [flags, message] of cases) assert.throws(() => setsOf(flags), new InvalidRequest(message));
  });

  it('are opened: each image with its captions and its path, and those that nobody captioned', async () => {
    mkdirSync(at('photos/deep'), { recursive: true });
    writeFileSync(at('photos/deep/1.jpg'), 'one');
    writeFileSync(at('captions.json'), JSON.stringify({ val: { '1.jpg': ['a', 'b'], 'lost.jpg': ['c'] } }));
    const names = Array.from({ length: 50 }, (_, i) => `${i + 10}.png`);
    writeFileSync(at('odd.zip'), zipOf(Object.fromEntries(names.map((name) => [name, Buffer.from(name)]))));
    const source = { name: 'mine', images: at('photos'), captions: at('captions.json'), split: undefined };
    const { items, sets, close } = await openSets([source], at('odd.zip'));
    assert.deepEqual(sets, [{ name: 'mine', split: 'val' }]);
    assert.deepEqual(
      items.map(({ images: _, ...item }) => item),
      [
        { set: 'mine', image: '1.jpg', path: 'deep/1.jpg', references: ['a', 'b'] },
        { set: 'mine', image: 'lost.jpg', path: 'lost.jpg', references: ['c'] },
        ...names.map((name) => ({ set: null, image: name, path: name, references: [] })),
      ],
    );
    assert.deepEqual(await items[0]!.images.read('deep/1.jpg'), Buffer.from('one'));
    const [odd] = items.slice(-1);
    assert.deepEqual(await odd!.images.read('59.png'), Buffer.from('59.png'));
    close();
    // An archive that is closed is not read any more.
    await assert.rejects(odd!.images.read('59.png'));
  });

  it('are fitted on fifty images that are no photographs, or more', async () => {
    const names = Array.from({ length: 49 }, (_, i) => `${i}.png`);
    writeFileSync(at('few.zip'), zipOf(Object.fromEntries(names.map((name) => [name, Buffer.from(name)]))));
    await assert.rejects(
      openSets([], at('few.zip')),
      new InvalidRequest(
        `--not-photographs ${at('few.zip')}: 49 images are too few to fit on; give 50 or more`,
      ),
    );
  });
});
