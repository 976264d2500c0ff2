/** Refusals, their lines in the log, and what metrics make of all lines, as plain data; over HTTP in `refusals` and `metrics`. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CaptionResult } from '../../../src/caption/result.ts';
import { Overloaded } from '../../../src/errors.ts';
import { ClientLeft } from '../../../src/http/failures.ts';
import { reportOfRefusal } from '../../../src/server/access-log.ts';
import { createMetrics } from '../../../src/server/metrics.ts';
import { type RefusalCode, refusalOf } from '../../../src/server/refusal.ts';
import { readScrape } from '../../support/prometheus.ts';

const TRACE = { traceId: 'c3'.repeat(16), spanId: 'd4'.repeat(8) };

describe('a refusal', () => {
  const STATUSES: Record<RefusalCode, number> = {
    MalformedRequest: 400,
    RequestTimeout: 408,
    ExpectationFailed: 417,
    HeadersTooLarge: 431,
    Overloaded: 503,
  };
  for (const [name, status] of Object.entries(STATUSES)) {
    const code = name as RefusalCode;
    it(`${code} is a problem document and a line`, () => {
      const traceparent = `00-${TRACE.traceId}-${TRACE.spanId}-01`;
      const refusal = refusalOf(code, { detail: 'größer', instance: '/a b|c', traceparent });
      const { requestId, trace, body } = refusal;
      const { title, ...problem } = JSON.parse(body);
      assert.ok(title.endsWith('.'));
      assert.deepEqual(problem, {
        type: `/docs#${code}`,
        status,
        detail: 'größer',
        instance: '/a%20b%7Cc',
        code,
        requestId,
        traceId: TRACE.traceId,
      });
      assert.deepEqual(trace, {
        traceId: TRACE.traceId,
        parentSpanId: TRACE.spanId,
        spanId: trace.spanId,
        flags: 1,
      });
      assert.deepEqual([refusal.code, refusal.status], [code, status]);
      assert.deepEqual(refusal.headers, {
        'content-type': 'application/problem+json',
        'content-length': `${Buffer.byteLength(body)}`,
        'x-request-id': requestId,
        traceresponse: `00-${TRACE.traceId}-${trace.spanId}-01`,
        ...(code === 'Overloaded' && { 'retry-after': '1' }),
      });
      const line = {
        id: requestId,
        trace_id: TRACE.traceId,
        span_id: trace.spanId,
        parent_span_id: TRACE.spanId,
        route: 'other',
        status,
        code,
        bytes: 0,
        images: 0,
        milliseconds: 0,
      };
      assert.deepEqual(reportOfRefusal(refusal), line);
      assert.deepEqual(reportOfRefusal(refusal, { method: undefined }), line);
      const asked = { method: 'PUT', route: '/captions' };
      assert.deepEqual(reportOfRefusal(refusal, asked), { ...line, ...asked });
    });
  }

  it('needs to know nothing of the request', () => {
    const { requestId, trace, body } = refusalOf('RequestTimeout');
    const { title: _, ...problem } = JSON.parse(body);
    const { traceId } = trace;
    assert.deepEqual(problem, {
      type: '/docs#RequestTimeout',
      status: 408,
      instance: '',
      code: 'RequestTimeout',
      requestId,
      traceId,
    });
    assert.notEqual(refusalOf('RequestTimeout').requestId, requestId);
  });
});

describe('metrics', () => {
  const INFO = { version: '1', model: 'm', model_hash: 'h', execution_provider: 'cpu' };
  const load = { pending: 5, waiting: 2, reading: 1, busy: 3, alive: 4 };
  const LINE = { id: '', trace_id: '', span_id: '', route: '/captions', bytes: 0, images: 0 };
  const TIMINGS = { decode: 1, preprocess: 2, encode: 4, search: 8, total: 16_000 };
  const metricsOf = () => createMetrics(INFO, () => ({ load, waitingLimit: 5, workers: 6, requests: 7 }));

  /** Those of this program, without how many observations each bucket has. */
  async function samplesOf(metrics: ReturnType<typeof metricsOf>) {
    const { text, type } = await metrics.read();
    assert.equal(type, 'text/plain; version=0.0.4; charset=utf-8');
    const { samples } = readScrape(text);
    const own = [...samples].filter(([name]) => /^(http|show_and_tell)_/.test(name));
    return {
      values: Object.fromEntries(own.filter(([name]) => !name.includes('_bucket{'))),
      buckets: (metric: string, label: string) =>
        own.flatMap(([name, value]) => {
          const found = new RegExp(`^${metric}_bucket\\{le="([^"]*)",${label}[},]`).exec(name);
          return found ? [[found[1], value]] : [];
        }),
    };
  }
  const GAUGES = {
    'show_and_tell_info{version="1",model="m",model_hash="h",execution_provider="cpu"}': 1,
    http_requests_in_progress: 7,
    show_and_tell_images_waiting: 2,
    show_and_tell_images_waiting_limit: 5,
    show_and_tell_images_pending: 5,
    show_and_tell_workers_configured: 6,
    show_and_tell_workers_alive: 4,
    show_and_tell_workers_busy: 3,
  };

  it('tell how things are at each scrape', async () => {
    assert.deepEqual((await samplesOf(metricsOf())).values, GAUGES);
  });

  it('count and time what was answered, and count alone what was refused or consumed', async () => {
    const metrics = metricsOf();
    metrics.answered({ ...LINE, method: 'POST', status: 200, milliseconds: 250 });
    metrics.answered({ ...LINE, method: 'POST', status: 299, milliseconds: 500 });
    metrics.answered({ ...LINE, method: 'PURGE', status: 415, milliseconds: 0, code: 'UnsupportedImage' });
    metrics.answered({ ...LINE, status: 599, milliseconds: 31_000 });
    metrics.refused({ ...LINE, method: 'HEAD', status: 417, milliseconds: 9, code: 'ExpectationFailed' });
    metrics.refused({ ...LINE, route: 'other', status: 400, milliseconds: 9, code: 'MalformedRequest' });
    metrics.refused({ ...LINE, method: 'OPTIONS', route: 'other', status: 400, milliseconds: 9 });
    metrics.consumed({ queue: 'done' });
    metrics.consumed({ queue: 'left' });
    metrics.consumed({ queue: 'left' });
    const route = 'route="/captions"';
    const { values, buckets } = await samplesOf(metrics);
    assert.deepEqual(values, {
      ...GAUGES,
      [`http_requests_total{method="POST",${route},status="200"}`]: 1,
      [`http_requests_total{method="POST",${route},status="299"}`]: 1,
      [`http_requests_total{method="other",${route},status="415"}`]: 1,
      [`http_requests_total{method="other",${route},status="599"}`]: 1,
      [`http_requests_total{method="HEAD",${route},status="417"}`]: 1,
      'http_requests_total{method="other",route="other",status="400"}': 1,
      'http_requests_total{method="OPTIONS",route="other",status="400"}': 1,
      [`http_request_duration_seconds_sum{method="POST",${route},status_class="2xx"}`]: 0.75,
      [`http_request_duration_seconds_count{method="POST",${route},status_class="2xx"}`]: 2,
      [`http_request_duration_seconds_sum{method="other",${route},status_class="4xx"}`]: 0,
      [`http_request_duration_seconds_count{method="other",${route},status_class="4xx"}`]: 1,
      [`http_request_duration_seconds_sum{method="other",${route},status_class="5xx"}`]: 31,
      [`http_request_duration_seconds_count{method="other",${route},status_class="5xx"}`]: 1,
      'http_problems_total{code="UnsupportedImage"}': 1,
      'http_problems_total{code="ExpectationFailed"}': 1,
      'http_problems_total{code="MalformedRequest"}': 1,
      'show_and_tell_queue_messages_total{outcome="done"}': 1,
      'show_and_tell_queue_messages_total{outcome="left"}': 2,
    });
    const limits = [
      '0.001',
      '0.005',
      '0.01',
      '0.025',
      '0.05',
      '0.1',
      '0.25',
      '0.5',
      '1',
      '2.5',
      '5',
      '10',
      '30',
    ];
    assert.deepEqual(
      buckets('http_request_duration_seconds', 'method="POST"'),
      [...limits, '+Inf'].map((limit, i) => [limit, i < 6 ? 0 : i < 7 ? 1 : 2]),
    );
  });

  it('count images by what became of them, time those with captions, and change nothing', async () => {
    const metrics = metricsOf();
    const result = { timings: TIMINGS } as unknown as CaptionResult;
    const given: unknown[] = [];
    const caption = metrics.counting('http', async (...args) => {
      given.push(args);
      return result;
    });
    const args = [Buffer.from('a'), undefined, { deadline: 5 }] as const;
    assert.equal(await caption(...args), result);
    assert.equal(await caption(...args), result);
    assert.deepEqual(given, [args, args]);
    for (const [source, error] of [
      ['http', new Overloaded('full')],
      ['http', new ClientLeft('gone')],
      ['queue', new Error('bug')],
    ] as const) {
      await assert.rejects(metrics.counting(source, () => Promise.reject(error))(...args), error);
    }
    const { values, buckets } = await samplesOf(metrics);
    const stages = Object.entries(TIMINGS).flatMap(([stage, ms]) => [
      [`show_and_tell_stage_duration_seconds_sum{stage="${stage}"}`, (2 * ms) / 1000],
      [`show_and_tell_stage_duration_seconds_count{stage="${stage}"}`, 2],
    ]);
    assert.deepEqual(values, {
      ...GAUGES,
      ...Object.fromEntries(stages),
      'show_and_tell_images_captioned_total{source="http"}': 2,
      'show_and_tell_images_failed_total{source="http",code="Overloaded"}': 1,
      'show_and_tell_images_failed_total{source="http",code="ClientLeft"}': 1,
      'show_and_tell_images_failed_total{source="queue",code="InternalError"}': 1,
    });
    const limits = [
      '0.0005',
      '0.001',
      '0.0025',
      '0.005',
      '0.01',
      '0.025',
      '0.05',
      '0.1',
      '0.25',
      '0.5',
      '1',
      '2.5',
      '5',
    ];
    assert.deepEqual(
      buckets('show_and_tell_stage_duration_seconds', 'stage="preprocess"'),
      [...limits, '+Inf'].map((limit, i) => [limit, i < 2 ? 0 : 2]),
    );
  });
});
