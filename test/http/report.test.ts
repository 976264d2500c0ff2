import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { it } from 'node:test';
import type { CaptionResult } from '../../src/caption/result.ts';
import type { RequestReport } from '../../src/http/parts.ts';
import { COFFEE } from '../support/samples.ts';
import { appWith, ask, formOf, post, postJson } from './harness.ts';

const coffee = readFileSync(COFFEE);
const reports: RequestReport[] = [];
const app = appWith({ report: (line) => reports.push(line) });
const lastReport = () => reports.at(-1)!;

it('one line a request says what was asked, what became of it, and how long each stage took', async () => {
  const { headers, body } = await post<CaptionResult>(app, '/captions?beamWidth=2', coffee, 'image/jpeg');
  const { milliseconds, ...line } = lastReport();
  const [, trace_id, span_id] = headers.get('traceresponse')!.split('-');
  assert.deepEqual(line, {
    id: headers.get('x-request-id'),
    trace_id,
    span_id,
    method: 'POST',
    route: '/captions',
    status: 200,
    bytes: coffee.length,
    images: 1,
    timings: body.timings,
  });
  assert.ok(milliseconds >= body.timings.total);
  assert.equal(reports.length, 1);
});

it('a line sums up the stages of several images, and counts those that were captioned', async () => {
  const form = formOf(['a.jpg', coffee], ['b.txt', Buffer.from('text')], ['c.jpg', coffee]);
  const { body } = await post<{ results: CaptionResult[] }>(app, '/captions', form);
  const { images, timings, code } = lastReport();
  assert.deepEqual([images, code], [2, undefined]);
  const totals = body.results.flatMap((result) => result.timings?.total ?? []);
  assert.equal(totals.length, 2);
  assert.ok(Math.abs(timings!.total - totals[0]! - totals[1]!) < 1e-9);
});

it('a refused request has a line with its code, and no error of the service', async () => {
  await post(app, '/captions', 'text', 'text/plain');
  const { milliseconds: _, id: __, trace_id: ___, span_id: ____, ...line } = lastReport();
  assert.deepEqual(line, {
    method: 'POST',
    route: '/captions',
    status: 415,
    code: 'UnsupportedMediaType',
    bytes: 0,
    images: 0,
  });
});

it('a form without an image for MAX has a code too', async () => {
  const { body } = await post<{ message: string }>(app, '/model/predict', new FormData());
  assert.ok(body.message);
  assert.deepEqual([lastReport().status, lastReport().code], [400, 'InvalidRequest']);
});

it('addresses that clients invent are all called other', async () => {
  await ask(app, '/captions/secret-token');
  assert.deepEqual([lastReport().route, lastReport().code], ['other', 'RouteNotFound']);
  await ask(app, '/captions', { method: 'DELETE' });
  assert.deepEqual([lastReport().route, lastReport().code], ['/captions', 'MethodNotAllowed']);
});

it('no line has words of a caption, of a query or of a file name', async () => {
  const from = reports.length;
  const secret = 'unmistakable';
  const { body } = await post<CaptionResult>(app, '/captions', formOf([`${secret}.jpg`, coffee]));
  await post(app, `/captions?bannedWords=${secret}`, coffee, 'image/jpeg');
  await post(app, `/captions?${secret}=1`, coffee, 'image/jpeg');
  await postJson(app, '/captions', { s3: { bucket: secret, key: secret } });
  await ask(app, `/${secret}`);
  const lines = JSON.stringify(reports.slice(from));
  assert.equal(reports.length - from, 5);
  assert.doesNotMatch(lines, new RegExp(secret));
  assert.ok(!lines.includes(body.captions[0]!.text.split(' ').slice(0, 3).join(' ')));
});
