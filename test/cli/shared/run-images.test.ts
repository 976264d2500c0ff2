import assert from 'node:assert/strict';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { Command } from 'commander';
import { countInputs, expandInputs, isImageName, walkInputs } from '../../../src/cli/shared/inputs.ts';
import { addCaptionerFlags, inOrder, startCaptioner } from '../../../src/cli/shared/run-images.ts';
import { InvalidRequest } from '../../../src/errors.ts';
import { temporaryDirectory } from '../../support/bundles.ts';

const temporary = temporaryDirectory();
after(() => temporary.dispose());

describe('flags of the captioner', () => {
  const parse = (...words: string[]) =>
    addCaptionerFlags(new Command()).parse(words, { from: 'user' }).opts();

  it('are numbers, and one job where none is said', () => {
    assert.deepEqual(parse(), { jobs: 1 });
    assert.deepEqual(parse('--jobs', '3', '--threads', '2', '--max-pixels', '1e6', '--model', 'dir'), {
      jobs: 3,
      threads: 2,
      maxPixels: 1e6,
      model: 'dir',
    });
    assert.deepEqual(parse('--jobs', 'x', '--threads', ''), { jobs: NaN, threads: NaN });
  });

  const most = 2 * availableParallelism();
  const jobs = '--jobs: expected a whole number from 1 to 64';
  const threads = `--threads: expected a whole number from 1 to ${most}`;
  const maxPixels = '--max-pixels: expected a whole number from 1 on';
  for (const [flags, message] of [
    [{ jobs: 0 }, jobs],
    [{ jobs: 65 }, jobs],
    [{ jobs: 1.5 }, jobs],
    [{ jobs: NaN }, jobs],
    [{ jobs: 1, threads: 0 }, threads],
    [{ jobs: 1, threads: most + 1 }, threads],
    [{ jobs: 1, maxPixels: 0 }, maxPixels],
    [{ jobs: 1, maxPixels: 2 ** 53 }, maxPixels],
  ] as const) {
    it(`${JSON.stringify(flags)} is refused before a model is looked for`, () =>
      assert.rejects(
        startCaptioner({ ...flags, model: join(temporary.path, 'none') }),
        new InvalidRequest(message),
      ));
  }

  it('at their bounds lead to the model', async () => {
    const model = join(temporary.path, 'none');
    for (const flags of [{ jobs: 64 }, { jobs: 1, threads: most, maxPixels: Number.MAX_SAFE_INTEGER }]) {
      await assert.rejects(startCaptioner({ ...flags, model }), { code: 'ModelUnusable' });
    }
  });

  it('of the search are refused before a thread starts, and planned', async () => {
    for (const count of [1, 2]) {
      await assert.rejects(startCaptioner({ jobs: count, beam: 0 } as never), { code: 'InvalidRequest' });
    }
    const one = await startCaptioner({ jobs: 1, beam: 7 } as never);
    const two = await startCaptioner({ jobs: 2, beam: 7 } as never);
    await two.close();
    await one.close();
    assert.deepEqual([one.inFlight, two.inFlight], [1, 16]);
    assert.equal(one.plan.options.beamWidth, 7);
    assert.deepEqual([two.plan, two.model], [one.plan, one.model]);
  });
});

describe('things at a time', () => {
  async function all(limit: number, times: readonly number[]) {
    let running = 0;
    let most = 0;
    const results: number[] = [];
    const work = async (ms: number) => {
      most = Math.max(most, ++running);
      await pause(ms);
      running--;
      return ms;
    };
    for await (const result of inOrder(times, limit, work)) results.push(result);
    return { results, most };
  }

  it('are as many as may be, and come in their order', async () => {
    const times = [20, 1, 10, 1, 1];
    assert.deepEqual(await all(1, times), { results: times, most: 1 });
    assert.deepEqual(await all(5, times), { results: times, most: 5 });
    assert.deepEqual(await all(9, times), { results: times, most: 5 });
    assert.deepEqual(await all(2, []), { results: [], most: 0 });
  });
});

describe('arguments', () => {
  it('that name nothing, and standard input, are yielded themselves', async () => {
    const args = ['-', join(temporary.path, 'none.jpg'), join(temporary.path, '*.jpg'), temporary.path];
    assert.deepEqual(await expandInputs(args, () => true), args);
    assert.equal(await countInputs(args), args.length);
    assert.deepEqual((await walkInputs([]).next()).done, true);
  });

  it('are images by their ending', () => {
    for (const name of ['a.jpg', 'a.JPEG', 'a.b.png', 'x/a.webp'])
      assert.equal(isImageName(name), true, name);
    for (const name of ['jpg', 'a.nef', 'a.txt', '.jpg', 'a.jpg.txt', ''])
      assert.equal(isImageName(name), false, name);
  });
});
