/** What is answered before the app sees a request, or where there is none: the document, the headers, and the line in the log. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, beforeEach, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { DEFAULT_BUNDLE } from '../../src/model/load.ts';
import type { ReportLine } from '../../src/server/access-log.ts';
import { type RunningServer, startServer } from '../../src/server/server.ts';
import { type ServerSettingsInput, serverSettingsSchema } from '../../src/server/settings.ts';
import { type Answer, answersIn, assertServes, type Exchange, exchange, open } from './harness.ts';

const TRACE = { traceId: 'c3'.repeat(16), spanId: 'd4'.repeat(8) };
const ORIGIN = 'http://localhost:3000';
const HEADERS = `Host: here\r\nTraceparent: 00-${TRACE.traceId}-${TRACE.spanId}-01\r\nOrigin: ${ORIGIN}\r\n`;
const MIB = 1 << 20;
const upload = (length: number) =>
  `POST /captions HTTP/1.1\r\n${HEADERS}Content-Type: image/jpeg\r\nContent-Length: ${length}\r\n\r\n`;

let server: RunningServer;
let port: number;
const lines: ReportLine[] = [];

const start = (settings: ServerSettingsInput) =>
  startServer({
    model: DEFAULT_BUNDLE,
    settings: serverSettingsSchema.parse({ port: 0, workers: 1, ...settings }),
    report: (line) => lines.push(line as ReportLine),
  });
const portOf = ({ url }: RunningServer) => Number(new URL(url).port);

before(async () => {
  server = await start({ headersTimeout: 400, requestTimeout: 800 });
  port = portOf(server);
});
after(() => server.stop());
beforeEach(() => {
  lines.length = 0;
});

interface Refused extends Exchange {
  title: string;
  status: number;
  reason: string;
  code: string;
  /** Where the path could be read. */
  path?: string;
  method?: string;
  route: string;
  detail?: string;
  /** Of the request, where its headers could be read. */
  trace?: typeof TRACE;
}

const MALFORMED = { status: 400, reason: 'Bad Request', code: 'MalformedRequest' };
const TOO_LARGE = { status: 431, reason: 'Request Header Fields Too Large', code: 'HeadersTooLarge' };
const chunked = `POST /captions HTTP/1.1\r\n${HEADERS}Content-Type: image/jpeg\r\nTransfer-Encoding: chunked\r\n\r\n`;
const cases: Refused[] = [
  { title: 'no HTTP', send: ['\x16\x03\x01 hello\r\n\r\n'], ...MALFORMED, route: 'other' },
  {
    title: 'headers that are too long',
    send: [`GET / HTTP/1.1\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`],
    ...TOO_LARGE,
    route: 'other',
  },
  {
    title: 'chunk extensions that are too long',
    send: [chunked, `1;${'x'.repeat(20_000)}\r\nx\r\n`],
    ...TOO_LARGE,
    method: 'POST',
    route: '/captions',
  },
  {
    title: 'silence',
    send: [],
    status: 408,
    reason: 'Request Timeout',
    code: 'RequestTimeout',
    route: 'other',
  },
  {
    title: 'a body that does not come',
    send: [upload(1000), 'x'],
    status: 408,
    reason: 'Request Timeout',
    code: 'RequestTimeout',
    method: 'POST',
    route: '/captions',
  },
  {
    title: 'a body that breaks off',
    send: [upload(1000), 'x'],
    end: true,
    ...MALFORMED,
    method: 'POST',
    route: '/captions',
  },
  {
    title: 'an expectation that nobody knows',
    send: [`GET /model?secret HTTP/1.1\r\n${HEADERS}Expect: cake\r\n\r\n`],
    status: 417,
    reason: 'Expectation Failed',
    code: 'ExpectationFailed',
    detail: 'expect 100-continue or nothing',
    path: '/model',
    method: 'GET',
    route: '/model',
    trace: TRACE,
  },
];

/** Everything that an answer and its line in the log say; what is made anew each time only has to agree. */
function assertRefused({ headers, body, status }: Answer, refused: Refused): void {
  const problem = JSON.parse(body) as Record<string, unknown>;
  const { requestId, traceId, title, ...rest } = problem;
  assert.ok(headers.startsWith(`HTTP/1.1 ${refused.status} ${refused.reason}`), headers);
  assert.equal(status, refused.status);
  assert.deepEqual(rest, {
    type: `/docs#${refused.code}`,
    status: refused.status,
    code: refused.code,
    instance: refused.path ?? '',
    ...(refused.detail !== undefined && { detail: refused.detail }),
  });
  assert.ok(typeof title === 'string' && title.endsWith('.'));
  assert.match(headers, new RegExp(`^x-request-id: ${requestId}`, 'im'));
  assert.match(headers, new RegExp(`^traceresponse: 00-${traceId}-`, 'im'));
  assert.equal(/^retry-after: 1\r?$/im.test(headers), refused.code === 'Overloaded');
  assert.equal(lines.length, 1, JSON.stringify(lines));
  const { trace_id, span_id, parent_span_id, ...line } = lines[0]!;
  assert.equal(trace_id, traceId);
  assert.match(String(span_id), /^[0-9a-f]{16}$/);
  if (refused.trace) assert.deepEqual([trace_id, parent_span_id], [TRACE.traceId, TRACE.spanId]);
  assert.deepEqual(line, {
    id: requestId,
    ...(refused.method !== undefined && { method: refused.method }),
    route: refused.route,
    status: refused.status,
    code: refused.code,
    bytes: 0,
    images: 0,
    milliseconds: 0,
  });
}

describe('a refusal', { timeout: 60_000 }, () => {
  for (const refused of cases) {
    it(`of ${refused.title} says what is wrong, once in the answer and once in the log`, async () => {
      const [answer, ...more] = await exchange(port, refused, refused.trace ? 1 : undefined);
      assertRefused(answer!, refused);
      assert.deepEqual(more, []);
      assert.match(answer!.headers, /^content-type: application\/problem\+json\r?$/im);
    });
  }

  it('of a body for which there is no room says so, and may be read by pages of this machine', async (t) => {
    const small = await start({ maxBody: 2 * MIB, maxBodies: 2 * MIB });
    t.after(() => small.stop());
    const uploads = await Promise.all([0, 1].map(() => open(portOf(small))));
    for (const socket of uploads) {
      socket.on('error', () => undefined);
      socket.write(upload(1.25 * MIB));
      socket.write(Buffer.alloc(MIB));
    }
    // Until all that they sent has come: otherwise what a text gets, which is not read.
    const text = upload(1).replace('image/jpeg', 'text/plain');
    while ((await exchange(portOf(small), { send: [text] }, 1))[0]!.status === 415);
    const metrics = async () => (await fetch(`${small.url}/metrics`)).text();
    lines.length = 0;
    const refused = {
      title: 'a third',
      send: [upload(1.25 * MIB)],
      status: 503,
      reason: 'Service Unavailable',
      code: 'Overloaded',
      detail: 'too many bytes are on their way already',
      path: '/captions',
      method: 'POST',
      route: '/captions',
      trace: TRACE,
    };
    const [answer] = await exchange(portOf(small), refused, 1);
    assertRefused(answer!, refused);
    assert.match(answer!.headers, new RegExp(`^access-control-allow-origin: ${ORIGIN}\\r?$`, 'im'));
    await sleep(20);
    assert.equal(lines.length, 1, 'the rest of its body, which does not come, is no second request');
    for (const socket of uploads) socket.destroy();
    // Their places are free again.
    while (!/^http_requests_in_progress 1$/m.test(await metrics())) await sleep(5);
    await assertServes(small);
  });

  it('that a page has to read has the headers for its origin, if only the body breaks', async () => {
    const [answer] = await exchange(port, { send: [upload(1000), 'x'], end: true });
    assert.match(answer!.headers, new RegExp(`^access-control-allow-origin: ${ORIGIN}\\r?$`, 'im'));
    assert.match(answer!.headers, /^connection: close\r?$/im);
  });
});

it('a request that is answered before all of it came is one line in the log, whatever comes then', async () => {
  for (const end of [false, true]) {
    lines.length = 0;
    const answers = await exchange(port, { send: [upload(100 * MIB), 'x'], end });
    assert.deepEqual(
      answers.map(({ status }) => status),
      [413],
    );
    await assertServes(server);
    assert.deepEqual(
      lines.map(({ status }) => status),
      [413, 200],
    );
  }
});

describe('a connection with a wrong request', { timeout: 60_000 }, () => {
  it('is answered once, however much follows, and cut though the client keeps it open', async () => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    let received = '';
    socket.setEncoding('utf8').on('data', (text: string) => {
      received += text;
    });
    socket.on('error', () => undefined);
    while (!socket.closed) {
      socket.write('nonsense\r\n\r\n');
      await sleep(20);
    }
    assert.equal(answersIn(received).length, 1);
    assert.equal(lines.length, 1);
  });

  it('is not in the log when it is reset before anything was asked', async () => {
    const socket = await open(port);
    socket.write('GET / HT');
    await sleep(50);
    socket.resetAndDestroy();
    await assertServes(server);
    assert.deepEqual(
      lines.map(({ status }) => status),
      [200],
    );
  });
});
