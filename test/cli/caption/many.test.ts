import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { countInputs, walkInputs } from '../../../src/cli/shared/inputs.ts';
import { inOrder } from '../../../src/cli/shared/run-images.ts';
import { temporaryDirectory } from '../../support/bundles.ts';
import { LAUNCH } from '../../support/cli.ts';
import { COFFEE, ROOT } from '../../support/samples.ts';

const temporary = temporaryDirectory();
after(() => temporary.dispose());
const at = (name: string) => join(temporary.path, name);

describe('a tree of images', () => {
  it('is listed directory by directory, as the run comes to them', async () => {
    for (const album of ['tree/a', 'tree/b']) {
      mkdirSync(at(album), { recursive: true });
      writeFileSync(at(`${album}/1.jpg`), '');
    }
    const walk = walkInputs([at('tree'), 'plain.jpg']);
    assert.equal((await walk.next()).value, at('tree/a/1.jpg'));
    writeFileSync(at('tree/b/2.jpg'), 'not there when the walk began');
    const rest: string[] = [];
    for await (const image of walk) rest.push(image);
    assert.deepEqual(rest, [at('tree/b/1.jpg'), at('tree/b/2.jpg'), 'plain.jpg']);
    assert.equal(await countInputs([at('tree'), 'plain.jpg']), 4);
  });

  it('is read ahead by no more than was asked for', async () => {
    let started = 0;
    const results = inOrder(
      Array.from({ length: 100 }, (_, i) => i),
      4,
      async (i) => {
        started++;
        return i;
      },
    );
    for (let i = 0; i < 90; i++) {
      assert.equal((await results.next()).value, i);
      assert.ok(started <= i + 4, `${started} started for result ${i}`);
    }
  });
});

describe('the progress bar of a run over many images', () => {
  const hasScript = spawnSync('script', ['--version']).stdout?.toString().includes('util-linux') ?? false;

  it('counts failed and skipped images, and says how many a second', {
    skip: hasScript ? false : 'no pseudo terminal: `script` of util-linux is not installed',
  }, () => {
    mkdirSync(at('shown'));
    for (const name of ['1', '2', '3']) copyFileSync(COFFEE, at(`shown/${name}.jpg`));
    writeFileSync(at('shown/4.jpg'), 'not a photograph');
    const words = [process.execPath, LAUNCH, 'caption', '--beam', '1', '--skip-duplicates', at('shown')];
    const command = `${words.map((word) => `'${word}'`).join(' ')} > '${at('captions.txt')}' || true`;
    const shown = execFileSync('script', ['-qec', command, '/dev/null'], { encoding: 'utf8', cwd: ROOT });
    assert.match(shown, /4\/4 images, 1 failed, 2 skipped, \d+\/s/);
  });
});
