import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import type { CaptionResult } from '../../../src/caption/result.ts';
import { Overloaded } from '../../../src/errors.ts';
import type { Problem } from '../../../src/http/failures.ts';
import { COFFEE, readSamples } from '../../support/samples.ts';
import { app, appWith, ask, assertProblem, captioner, formOf, post, postJson } from '../harness.ts';

const coffee = readFileSync(COFFEE);
const ofCoffee = (await captioner.caption(coffee)).captions;
const TEXT = Buffer.from('not a photograph');

type Results = { results: ({ name: string } & Partial<CaptionResult> & { error?: Problem })[] };

describe('POST /captions', () => {
  it('captions a raw body of any image type as the core does', async () => {
    for (const { name, bytes } of readSamples()) {
      const { status, body } = await post<CaptionResult>(app, '/captions', bytes, 'image/jpeg');
      assert.equal(status, 200, name);
      const { timings: _, ...expected } = await captioner.caption(bytes);
      const { timings, ...found } = body;
      assert.deepEqual(found, expected);
      assert.ok(timings.total > 0);
    }
  });

  it('reads the same image out of every kind of body', async () => {
    const answers = [
      await post<CaptionResult>(app, '/captions', coffee, 'application/octet-stream'),
      await post<CaptionResult>(app, '/captions', coffee, 'IMAGE/JPEG; charset=binary'),
      // What a body says it is does not matter to the decoder, as long as it is an image.
      await post<CaptionResult>(app, '/captions', coffee, 'image/png'),
      await post<CaptionResult>(app, '/captions', formOf(['cup.jpg', coffee])),
      await postJson<CaptionResult>(app, '/captions', { image: coffee.toString('base64') }),
    ];
    for (const { status, body } of answers) {
      assert.equal(status, 200);
      assert.deepEqual(body.captions, ofCoffee);
      assert.deepEqual([body.width, body.height, body.format], [600, 400, 'jpeg']);
    }
  });

  const base64 = coffee.toString('base64');
  const SPELLINGS: [what: string, image: string][] = [
    ['a data: URL', `data:image/jpeg;base64,${base64}`],
    ['a data: URL in capitals and with a parameter', `DATA:image/jpeg;name=a.jpg;BASE64,${base64}`],
    ['a data: URL without a type', `data:;base64,${base64}`],
    ['a data: URL with its characters escaped', `data:image/jpeg;base64,${encodeURIComponent(base64)}`],
    ['the alphabet for URLs', coffee.toString('base64url')],
    ['the alphabet for URLs in a data: URL', `data:;base64,${coffee.toString('base64url')}`],
    ['the alphabet for URLs with padding', base64.replaceAll('+', '-').replaceAll('/', '_')],
    ['lines, as base64 writes them', base64.replaceAll(/(.{76})/g, '$1\n').concat('\n')],
    ['lines, as MIME has them', base64.replaceAll(/(.{76})/g, '$1\r\n')],
    ['lines in a data: URL', `data:image/jpeg;base64,\n${base64.replaceAll(/(.{64})/g, '$1\n')}`],
  ];
  for (const [what, image] of SPELLINGS) {
    it(`reads base64 in JSON: ${what}`, async () => {
      const { status, body } = await postJson<CaptionResult>(app, '/captions', { image });
      assert.equal(status, 200);
      assert.deepEqual(body.captions, ofCoffee);
    });
  }

  it('reads base64 without its padding, whatever the padding would be', async () => {
    const seen: Uint8Array[] = [];
    const own = appWith({
      caption: (bytes) => {
        seen.push(bytes);
        return captioner.caption(coffee);
      },
    });
    for (const extra of [0, 1, 2]) {
      const bytes = Buffer.concat([coffee, Buffer.alloc(extra, 1)]);
      const unpadded = bytes.toString('base64').replace(/=+$/, '');
      for (const image of [unpadded, `data:image/jpeg;base64,${unpadded}`]) {
        assert.equal((await postJson(own, '/captions', { image })).status, 200);
        assert.deepEqual(seen.pop(), bytes);
      }
    }
  });

  it('leaves what a request does not ask for to the model', async () => {
    const defaults = { beamWidth: 1, bannedWords: ['dog'] };
    const own = appWith({ plan: (options) => captioner.plan({ ...defaults, ...options }) });
    const { body } = await post<CaptionResult>(own, '/captions', coffee, 'image/jpeg');
    const expected = await captioner.caption(coffee, captioner.plan(defaults));
    assert.deepEqual(body.captions, expected.captions);
    assert.equal(body.captions.length, 1);
  });

  it('takes options from the query', async () => {
    const options = {
      beamWidth: 4,
      maxLength: 9,
      minLength: 2,
      lengthNormalization: 0.5,
      count: 2,
      bannedWords: ['dog', 'white'],
    };
    const query = 'beamWidth=4&maxLength=9&minLength=2&lengthNormalization=0.5&count=2&bannedWords=dog,white';
    const { body } = await post<CaptionResult>(app, `/captions?${query}`, coffee, 'image/jpeg');
    assert.deepEqual(body.captions, (await captioner.caption(coffee, captioner.plan(options))).captions);
    assert.notDeepEqual(body.captions, ofCoffee);
  });

  it('takes options from a JSON body, and from the query beside it', async () => {
    const image = coffee.toString('base64');
    const options = { bannedWords: ['dog', ','], beamWidth: 2, maxLength: 10 };
    const expected = (await captioner.caption(coffee, captioner.plan(options))).captions;
    const inBody = await postJson<CaptionResult>(app, '/captions', { image, ...options });
    assert.deepEqual(inBody.body.captions, expected);
    const { beamWidth, ...others } = options;
    const both = await postJson<CaptionResult>(app, `/captions?beamWidth=${beamWidth}`, { image, ...others });
    assert.deepEqual(both.body.captions, expected);
  });

  it('tells what the search looked at when asked', async () => {
    const traced = await post<CaptionResult>(app, '/captions?trace=1&beamWidth=2', coffee, 'image/jpeg');
    const { trace } = await captioner.caption(coffee, captioner.plan({ beamWidth: 2 }), { trace: true });
    assert.ok(trace!.length > 10);
    assert.deepEqual(traced.body.trace, trace);
    const json = { image: coffee.toString('base64'), trace: true, beamWidth: 2 };
    assert.deepEqual((await postJson<CaptionResult>(app, '/captions', json)).body.trace, trace);
    const plain = await post<CaptionResult>(app, '/captions?trace=0', coffee, 'image/jpeg');
    assert.equal(plain.body.trace, undefined);
  });

  it('tells which part of the image each word came from when asked', async () => {
    const asked = await post<CaptionResult>(app, '/captions?explain=1', coffee, 'image/jpeg');
    const { explanation } = await captioner.caption(coffee, undefined, { explain: true });
    assert.equal(explanation!.words.length, ofCoffee[0]!.words.length);
    assert.deepEqual(asked.body.explanation, explanation);
    const json = { image: coffee.toString('base64'), explain: true };
    assert.deepEqual((await postJson<CaptionResult>(app, '/captions', json)).body.explanation, explanation);
    const plain = await post<CaptionResult>(app, '/captions', coffee, 'image/jpeg');
    assert.equal(plain.body.explanation, undefined);
  });

  it('tells how long each stage took in Server-Timing', async () => {
    const { headers, body } = await post<CaptionResult>(app, '/captions', coffee, 'image/jpeg');
    const stages = headers
      .get('server-timing')!
      .split(', ')
      .map((stage) => stage.split(';dur='));
    assert.deepEqual(
      Object.fromEntries(stages),
      Object.fromEntries(Object.entries(body.timings).map(([stage, ms]) => [stage, ms.toFixed(1)])),
    );
  });

  it('tells it whether or not any image of a form could be read, and only where there are captions', async () => {
    const none = await post<Results>(app, '/captions', formOf(['a.txt', TEXT], ['b.txt', TEXT]));
    assert.match(none.headers.get('server-timing')!, /^decode;dur=0\.0, .*total;dur=0\.0$/);
    // The first image is captioned, the second finds no place.
    let calls = 0;
    const full = appWith({
      caption: (bytes) =>
        ++calls === 1 ? captioner.caption(bytes) : Promise.reject(new Overloaded('the queue is full')),
    });
    const failed = await post(full, '/captions', formOf(['a.jpg', coffee], ['b.jpg', coffee]));
    assertProblem(failed, 'Overloaded');
    assert.equal(failed.headers.get('server-timing'), null);
    const predicted = await post(app, '/model/predict', formOf(['a.jpg', coffee]));
    assert.match(predicted.headers.get('server-timing')!, /total;dur=[1-9]/);
  });

  it('answers a form of several images one by one, and lets none spoil the others', async () => {
    const [first, second] = readSamples();
    const form = formOf([first!.name, first!.bytes], ['notes.txt', TEXT], [second!.name, second!.bytes]);
    const { status, body, headers } = await post<Results>(app, '/captions?count=1', form);
    assert.equal(status, 200);
    assert.deepEqual(
      body.results.map(({ name }) => name),
      [first!.name, 'notes.txt', second!.name],
    );
    const [a, failed, b] = body.results;
    assert.deepEqual(
      a!.captions,
      (await captioner.caption(first!.bytes, captioner.plan({ count: 1 }))).captions,
    );
    assert.deepEqual(
      b!.captions,
      (await captioner.caption(second!.bytes, captioner.plan({ count: 1 }))).captions,
    );
    assert.equal(failed!.error!.code, 'UnsupportedImage');
    assert.equal(failed!.error!.status, 415);
    assert.equal(failed!.error!.requestId, headers.get('x-request-id'));
    const total = /total;dur=([\d.]+)/.exec(headers.get('server-timing')!)![1];
    assert.ok(Math.abs(Number(total) - a!.timings!.total - b!.timings!.total) < 0.1);
  });

  it('has as many images of a form at work as it is told, and begins none after a failure of the service', async () => {
    const result = await captioner.caption(coffee);
    const form = () =>
      formOf(...Array.from({ length: 7 }, (_, i) => [`${i}.jpg`, coffee] as [string, Buffer]));
    for (const [together, most] of [
      [undefined, 1],
      [3, 3],
      [20, 7],
    ] as const) {
      const seen = { atWork: 0, most: 0, asked: 0 };
      const caption = async () => {
        const at = seen.asked++;
        seen.most = Math.max(seen.most, ++seen.atWork);
        // The first ones take longest.
        await setTimeout(40 - 5 * at);
        seen.atWork--;
        return { ...result, width: 1 + at };
      };
      const edge = appWith({ caption, ...(together && { together }) });
      const { body } = await post<Results>(edge, '/captions', form());
      assert.deepEqual(
        body.results.map(({ name, width }) => [name, width]),
        Array.from({ length: 7 }, (_, i) => [`${i}.jpg`, i + 1]),
      );
      assert.equal(seen.most, most);
    }
    let asked = 0;
    const full = appWith({
      together: 2,
      caption: async () => {
        if (++asked === 3) throw new Overloaded('no place');
        return result;
      },
    });
    assertProblem(await post(full, '/captions', form()), 'Overloaded');
    await setTimeout(10);
    assert.ok(asked <= 4, `${asked} were asked for`);
  });

  it('fails a form of several images as a whole when an option is wrong', async () => {
    const form = () => formOf(['notes.txt', TEXT], ['a.jpg', coffee], ['b.jpg', coffee]);
    // Found wrong before an image is read, and only by the search: there is no room for both words.
    for (const query of ['beamWidth=0', 'requiredWords=xyzzy', 'maxLength=2&requiredWords=dog,red']) {
      assertProblem(await post(app, `/captions?${query}`, form()), 'InvalidRequest');
    }
  });

  it('keeps the captions of one photograph apart from those of requests beside it', async () => {
    const samples = readSamples();
    const answers = await Promise.all(
      samples.map(({ bytes }) => post<CaptionResult>(app, '/captions', bytes, 'image/jpeg')),
    );
    for (const [i, { body }] of answers.entries()) {
      assert.deepEqual(body.captions, (await captioner.caption(samples[i]!.bytes)).captions);
    }
  });

  it('hands its deadline to the model', async () => {
    const late = appWith({ deadlineOf: () => Date.now() - 1 });
    assertProblem(await post(late, '/captions', coffee, 'image/jpeg'), 'DeadlineExceeded');
    const early = appWith({ deadlineOf: () => Date.now() + 60_000 });
    assert.equal((await post(early, '/captions', coffee, 'image/jpeg')).status, 200);
  });

  it('is never kept by a cache', async () => {
    const { headers } = await post(app, '/captions', coffee, 'image/jpeg');
    assert.equal(headers.get('cache-control'), 'no-store');
    const failed = await ask(app, '/captions');
    assert.equal(failed.headers.get('cache-control'), 'no-store');
  });
});
