import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import type { CaptionCall } from '../../../src/caption/describe.ts';
import { Overloaded } from '../../../src/errors.ts';
import type { RequestReport } from '../../../src/http/parts.ts';
import { pngClaiming } from '../../support/crafted-images.ts';
import { COFFEE, readSamples } from '../../support/samples.ts';
import { app, appWith, ask, captioner, formOf, MAX_BODY_BYTES, post } from '../harness.ts';

const coffee = readFileSync(COFFEE);

interface Predictions {
  status: string;
  predictions: { index: string; caption: string; probability: number }[];
}
interface MaxError {
  message: string;
  errors?: Record<string, string>;
}

describe('POST /model/predict', () => {
  it('answers as MAX does: ranks as text, captions as the network says them', async () => {
    for (const { name, bytes } of readSamples()) {
      const { status, headers, body } = await post<Predictions>(app, '/model/predict', formOf([name, bytes]));
      assert.equal(status, 200);
      assert.equal(headers.get('content-type'), 'application/json');
      const { captions } = await captioner.caption(bytes);
      const likeliestFirst = captions.toSorted((a, b) => b.probability - a.probability);
      assert.deepEqual(body, {
        status: 'ok',
        predictions: likeliestFirst.map(({ text, probability }, i) => ({
          index: String(i),
          caption: text,
          probability,
        })),
      });
    }
  });

  it('ranks by highest probability, where /captions ranks by score', async () => {
    const ranked = await captioner.caption(coffee);
    // A later caption that is likelier, as a shorter one may be.
    const captions = ranked.captions.map((caption, i) => {
      const probability = [0.001, 0.004, 0.002][i]!;
      return { ...caption, text: `caption ${i}`, probability, logProbability: Math.log(probability) };
    });
    const own = appWith({ caption: () => Promise.resolve({ ...ranked, captions }) });
    const { body } = await post<Predictions>(own, '/model/predict', formOf(['cup.jpg', coffee]));
    assert.deepEqual(body.predictions, [
      { index: '0', caption: 'caption 1', probability: 0.004 },
      { index: '1', caption: 'caption 2', probability: 0.002 },
      { index: '2', caption: 'caption 0', probability: 0.001 },
    ]);
  });

  it('reads what Python’s requests sends', async () => {
    const head = 'Content-Disposition: form-data; name="image"; filename="cup.jpg"\r\n\r\n';
    const body = Buffer.concat([
      Buffer.from(`--0f1e2d3c4b5a69788796a5b4c3d2e1f0\r\n${head}`),
      coffee,
      Buffer.from('\r\n--0f1e2d3c4b5a69788796a5b4c3d2e1f0--\r\n'),
    ]);
    const type = 'multipart/form-data; boundary=0f1e2d3c4b5a69788796a5b4c3d2e1f0';
    assert.equal((await post<Predictions>(app, '/model/predict', body, type)).body.status, 'ok');
  });

  it('takes the first image and leaves other fields and the query alone', async () => {
    const form = formOf(['cup.jpg', coffee], ['text.jpg', Buffer.from('text')]);
    form.append('threshold', '0.5');
    const { status, body } = await post<Predictions>(app, '/model/predict?top=5', form);
    assert.equal(status, 200);
    assert.equal(body.predictions[0]!.caption, (await captioner.caption(coffee)).captions[0]!.text);
  });

  const other = new FormData();
  other.append('file', new Blob([coffee]), 'cup.jpg');
  const text = new FormData();
  text.append('image', 'cup.jpg');
  const REFUSED: [
    what: string,
    body: FormData | string | Buffer,
    type: string | undefined,
    status: number,
  ][] = [
    ['a form without an image', other, undefined, 400],
    ['an image that is text', text, undefined, 400],
    ['a file that is no image', formOf(['a.jpg', Buffer.from('text')]), undefined, 400],
    ['an empty file', formOf(['a.jpg', Buffer.alloc(0)]), undefined, 400],
    ['a body that is no form', coffee, 'image/jpeg', 400],
    ['a form that breaks off', '--x\r\n', 'multipart/form-data; boundary=x', 400],
    ['an empty body', '', 'multipart/form-data; boundary=x', 400],
    ['too many pixels', formOf(['a.png', pngClaiming(40_000, 25_000)]), undefined, 413],
    ['too many bytes', formOf(['a.jpg', Buffer.alloc(MAX_BODY_BYTES)]), undefined, 413],
  ];
  for (const [what, body, type, status] of REFUSED) {
    it(`answers ${what} with ${status} and a message`, async () => {
      const answer = await post<MaxError>(app, '/model/predict', body, type);
      assert.equal(answer.status, status);
      assert.equal(answer.headers.get('content-type'), 'application/json');
      assert.ok(answer.body.message.length > 0);
    });
  }

  it('is in the log as /captions is, whether or not there was an image', async () => {
    const lines: RequestReport[] = [];
    const own = appWith({ report: (line) => lines.push(line) });
    const body = Buffer.from(await new Response(formOf(['cup.jpg', coffee])).arrayBuffer());
    const boundary = body.toString('latin1', 2, body.indexOf('\r\n'));
    await post(own, '/model/predict', body, `multipart/form-data; boundary=${boundary}`);
    await post(own, '/model/predict', `--x--`, 'multipart/form-data; boundary=x');
    assert.deepEqual(
      lines.map(({ route, status, bytes, images, code }) => [route, status, bytes, images, code]),
      [
        ['/model/predict', 200, body.length, 1, undefined],
        ['/model/predict', 400, 5, 0, 'InvalidRequest'],
      ],
    );
    assert.ok(lines[0]!.timings!.total > 0);
  });

  it('hands over its deadline, and when the client leaves', async () => {
    const calls: CaptionCall[] = [];
    const own = appWith({
      deadlineOf: () => 12_345_678,
      caption: (bytes, plan, call) => {
        assert.equal(plan, undefined);
        calls.push(call!);
        return captioner.caption(bytes);
      },
    });
    const client = new AbortController();
    const body = formOf(['cup.jpg', coffee]);
    await own.request('/model/predict', { method: 'POST', body, signal: client.signal });
    client.abort();
    assert.deepEqual(
      calls.map(({ deadline, signal }) => [deadline, signal!.aborted]),
      [[12_345_678, true]],
    );
  });

  it('names the argument that is missing', async () => {
    const { body } = await post<MaxError>(app, '/model/predict', other);
    assert.deepEqual(Object.keys(body.errors!), ['image']);
  });

  it('says when to come again, and nothing of bugs', async () => {
    const full = appWith({ caption: () => Promise.reject(new Overloaded('the queue is full')) });
    const busy = await post<MaxError>(full, '/model/predict', formOf(['cup.jpg', coffee]));
    assert.equal(busy.status, 503);
    assert.ok(Number(busy.headers.get('retry-after')) > 0);
    const broken = appWith({ caption: () => Promise.reject(new Error('secret')) });
    const bug = await post<MaxError>(broken, '/model/predict', formOf(['cup.jpg', coffee]));
    assert.equal(bug.status, 500);
    assert.doesNotMatch(JSON.stringify(bug.body), /secret/);
  });
});

describe('GET /model/metadata', () => {
  it('has the fields by which clients know the service', async () => {
    const { status, body } = await ask<Record<string, string>>(app, '/model/metadata');
    assert.equal(status, 200);
    const { id, name, type, ...others } = body;
    assert.deepEqual(
      { id, name, type },
      {
        id: 'max-image-caption-generator',
        name: 'MAX Image Caption Generator',
        type: 'Image-to-Text Translation',
      },
    );
    assert.deepEqual(Object.keys(others).sort(), ['description', 'license', 'source']);
    assert.ok(Object.values(others).every((value) => value.length > 0));
  });
});
