import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { readCaptions } from '../../../src/cli/evaluate/captions-file.ts';
import { InvalidRequest } from '../../../src/errors.ts';
import { codeOf } from '../../../src/files/system-error.ts';
import { temporaryDirectory } from '../../support/bundles.ts';

const COCO = {
  info: { year: 2017 },
  licenses: [],
  images: [
    { id: 7, file_name: '000000000007.jpg', coco_url: 'http://images.example/7.jpg', height: 4, width: 4 },
    { id: 9, file_name: '000000000009.jpg' },
    { id: 11, file_name: 'nobody-wrote-of-it.jpg' },
  ],
  annotations: [
    { image_id: 9, id: 1, caption: 'A boat.' },
    { image_id: 7, id: 2, caption: 'A dog runs. ' },
    { image_id: 7, id: 3, caption: 'A brown dog' },
  ],
};

const KARPATHY = {
  dataset: 'coco',
  images: [
    {
      filepath: 'val2014',
      filename: 'a.jpg',
      split: 'val',
      sentids: [1],
      sentences: [{ raw: 'A dog runs.', tokens: ['a', 'dog', 'runs'], imgid: 0, sentid: 1 }],
    },
    {
      filename: 'b.jpg',
      split: 'test',
      sentences: [{ raw: 'A cat', tokens: ['a', 'cat'] }, { raw: 'Cats' }],
    },
    { filename: 'c.jpg', filepath: '', split: 'test', sentences: [{ raw: 'A cow' }] },
  ],
};

describe('a captions file', () => {
  let place: ReturnType<typeof temporaryDirectory>;
  before(() => {
    place = temporaryDirectory();
  });
  after(() => place.dispose());

  const read = (content: unknown, split?: string, name = 'captions.json') => {
    const file = join(place.path, name);
    writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
    return readCaptions(file, split);
  };

  it('of COCO has the split after which it is named', async () => {
    const { split, images } = await read(COCO, undefined, 'captions_val2017.json');
    assert.equal(split, 'captions_val2017');
    assert.deepEqual(images, [
      ['000000000009.jpg', ['A boat.']],
      ['000000000007.jpg', ['A dog runs. ', 'A brown dog']],
    ]);
  });

  it('of Karpathy has several, val where none is asked for', async () => {
    assert.deepEqual(await read(KARPATHY), { split: 'val', images: [['val2014/a.jpg', ['A dog runs.']]] });
    assert.deepEqual(await read(KARPATHY, 'test'), {
      split: 'test',
      images: [
        ['b.jpg', ['A cat', 'Cats']],
        ['c.jpg', ['A cow']],
      ],
    });
  });

  it('of our own form prefers dev', async () => {
    const own = { val: { 'v.jpg': ['v'] }, dev: { 'd.jpg': ['d'] } };
    assert.equal((await read(own)).split, 'dev');
    assert.equal((await read({ val: own.val, train: own.dev })).split, 'val');
    assert.equal((await read({ photos: own.val })).split, 'photos');
  });

  it('may have a split that is called images', async () => {
    assert.equal((await read({ images: { 'a.jpg': ['a'] } })).split, 'images');
  });

  it('may begin with a byte order mark, in any form', async () => {
    for (const form of [COCO, KARPATHY, { dev: { 'd.jpg': ['d'] } }]) {
      assert.ok((await read(`\uFEFF${JSON.stringify(form)}`)).images.length > 0);
    }
  });

  it('that cannot be read, or is no JSON, is refused with what the system says', async () => {
    const none = join(place.path, 'none.json');
    await assert.rejects(readCaptions(none, undefined), (error) => {
      assert.ok(error instanceof InvalidRequest && error.cause instanceof Error);
      const { message, cause } = error;
      assert.deepEqual([message, codeOf(cause)], [`${none}: no readable captions file`, 'ENOENT']);
      return true;
    });
    await assert.rejects(read('{'), (error) => {
      assert.ok(error instanceof InvalidRequest && error.cause instanceof SyntaxError);
      assert.equal(error.message, `${join(place.path, 'captions.json')}: not JSON: ${error.cause.message}`);
      return true;
    });
  });

  const WRONG: [string, unknown, string | undefined, RegExp][] = [
    ['annotations of an image that is not listed', { ...COCO, images: [] }, undefined, /image 9, which/],
    [
      'COCO’s instances, which have no captions',
      { images: [], annotations: [{ image_id: 1 }] },
      undefined,
      /COCO; annotations\.0\.caption/,
    ],
    [
      'Karpathy’s images without sentences',
      { images: [{ filename: 'a', split: 'val', sentences: [] }] },
      undefined,
      /Karpathy.*sentences/,
    ],
    ['a caption that is none', { dev: { 'a.jpg': ['a'.repeat(10_001)] } }, undefined, /dev\.a\.jpg\.0/],
    ['a split that is not there', KARPATHY, 'dev', /no split "dev"; it has val, test/],
    ['a choice that nobody made', { x: {}, y: {} }, undefined, /it has x, y.*--split/],
    ['another form', [], undefined, /expected \{"split"/],
    ['no images at all', {}, undefined, /it has none/],
  ];
  for (const [name, content, split, message] of WRONG) {
    it(`refuses ${name}`, async () => {
      await assert.rejects(read(content, split), { code: 'InvalidRequest', message });
    });
  }
});
