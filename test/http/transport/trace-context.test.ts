/** W3C Trace Context (https://www.w3.org/TR/trace-context/): which trace a request belongs to. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RequestReport } from '../../../src/http/parts.ts';
import { appWith, ask, post } from '../harness.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = 'b7ad6b7169203331';
const reports: RequestReport[] = [];
const app = appWith({ report: (line) => reports.push(line) });

interface Traced {
  response: string;
  traceId: string;
  spanId: string;
  flags: string;
  line: RequestReport;
}

/** Asks with a `traceparent`, and takes the answer's `traceresponse` apart. */
async function traced(headers: Record<string, string> | Headers = {}): Promise<Traced> {
  const answer = await app.request('/model', { headers });
  const response = answer.headers.get('traceresponse') ?? 'none';
  const [, traceId, spanId, flags] = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(response) ?? [];
  assert.ok(traceId && spanId && flags, response);
  assert.doesNotMatch(traceId, /^0+$/);
  assert.doesNotMatch(spanId, /^0+$/);
  return { response, traceId, spanId, flags, line: reports.at(-1)! };
}

describe('a request that belongs to a trace', () => {
  it('stays in it, as an operation of its own', async () => {
    const { traceId, spanId, flags, line } = await traced({ traceparent: `00-${TRACE}-${PARENT}-01` });
    assert.deepEqual([traceId, flags], [TRACE, '01']);
    assert.notEqual(spanId, PARENT);
    assert.deepEqual([line.trace_id, line.span_id, line.parent_span_id], [TRACE, spanId, PARENT]);
  });

  it('has its id in problem documents and their line', async () => {
    const headers = { traceparent: `00-${TRACE}-${PARENT}-00`, 'content-type': 'text/plain' };
    const { body } = await ask<{ traceId: string }>(app, '/captions', { method: 'POST', headers, body: 'x' });
    assert.equal(body.traceId, TRACE);
    assert.equal(reports.at(-1)!.trace_id, TRACE);
  });

  const readable = [
    { what: 'flags of a later level', given: `00-${TRACE}-${PARENT}-ff`, flags: '03' },
    { what: 'a later version', given: `cc-${TRACE}-${PARENT}-01`, flags: '01' },
    { what: 'a later version with more in it', given: `cc-${TRACE}-${PARENT}-01-what-will-be`, flags: '01' },
    {
      what: 'many zeros',
      given: `00-${'0'.repeat(31)}1-${'0'.repeat(15)}1-00`,
      flags: '00',
      trace: `${'0'.repeat(31)}1`,
    },
    {
      what: 'zeros behind',
      given: `00-1${'0'.repeat(31)}-1${'0'.repeat(15)}-01`,
      flags: '01',
      trace: `1${'0'.repeat(31)}`,
    },
    { what: 'a flag that is not known', given: `00-${TRACE}-${PARENT}-04`, flags: '00' },
    { what: 'white space around it', given: ` 00-${TRACE}-${PARENT}-00\t`, flags: '00' },
  ];
  for (const { what, given, flags, trace = TRACE } of readable) {
    it(`is read with ${what}`, async () => {
      const found = await traced({ traceparent: given });
      assert.deepEqual([found.traceId, found.flags], [trace, flags]);
    });
  }
});

describe('a request without a trace that can be read', () => {
  it('begins one, of random bits', async () => {
    const [one, other] = [await traced(), await traced()];
    assert.notEqual(one.traceId, other.traceId);
    assert.notEqual(one.spanId, other.spanId);
    assert.equal(one.flags, '02');
    assert.deepEqual([one.line.trace_id, one.line.span_id], [one.traceId, one.spanId]);
    assert.ok(!('parent_span_id' in one.line));
  });

  const unreadable = [
    { what: 'upper case', given: `00-${TRACE.toUpperCase()}-${PARENT}-01` },
    { what: 'a trace of zeros', given: `00-${'0'.repeat(32)}-${PARENT}-01` },
    { what: 'a parent of zeros', given: `00-${TRACE}-${'0'.repeat(16)}-01` },
    { what: 'the version that is none', given: `ff-${TRACE}-${PARENT}-01` },
    { what: 'more than version 00 has', given: `00-${TRACE}-${PARENT}-01-more` },
    { what: 'a later version that goes on without a dash', given: `cc-${TRACE}-${PARENT}-01.more` },
    { what: 'a trace that is too short', given: `00-${TRACE.slice(1)}-${PARENT}-01` },
    { what: 'a parent that is too short', given: `00-${TRACE}-${PARENT.slice(1)}-01` },
    { what: 'a version that is too short', given: `0-${TRACE}-${PARENT}-01` },
    { what: 'something before it', given: `x00-${TRACE}-${PARENT}-01` },
    { what: 'one letter of flags', given: `00-${TRACE}-${PARENT}-1` },
    { what: 'a later version with more flags', given: `cc-${TRACE}-${PARENT}-011` },
    { what: 'no flags', given: `00-${TRACE}-${PARENT}` },
    { what: 'letters that are no digits', given: `00-${TRACE.replace('0', 'g')}-${PARENT}-01` },
    { what: 'nothing', given: '' },
  ];
  for (const { what, given } of unreadable) {
    it(`begins one for ${what}`, async () => {
      const { traceId, line } = await traced({ traceparent: given });
      assert.notEqual(traceId, TRACE);
      assert.equal(line.trace_id, traceId);
    });
  }

  it('begins one where two are named', async () => {
    const headers = new Headers();
    for (const flags of ['00', '01']) headers.append('traceparent', `00-${TRACE}-${PARENT}-${flags}`);
    assert.notEqual((await traced(headers)).traceId, TRACE);
  });

  it('begins one in a problem document as well', async () => {
    const { body, headers } = await post<{ traceId: string }>(app, '/captions', 'text', 'text/plain');
    assert.equal(headers.get('traceresponse')!.split('-')[1], body.traceId);
  });
});
