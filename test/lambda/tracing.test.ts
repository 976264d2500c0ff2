import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { after, before, describe, it, type TestContext } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { notification, record } from '../s3/event-factory.ts';
import { type FakeS3, startFakeS3 } from '../support/aws/fake-s3.ts';
import { COFFEE } from '../support/samples.ts';
import { objectEnvironment, type PackedFunction, pack } from './packed-function.ts';

let fake: FakeS3;
let queue: PackedFunction;

before(async () => {
  fake = await startFakeS3(['photos', 'results']);
  fake.put('photos', 'a.jpg', readFileSync(COFFEE));
  queue = await pack('queue', objectEnvironment(fake));
});
after(async () => {
  queue.dispose();
  await fake.close();
});

/** In place of X-Ray's daemon; answers what it was sent. */
async function startDaemon(
  t: TestContext,
): Promise<{ address: string; segments: Record<string, unknown>[] }> {
  const segments: Record<string, unknown>[] = [];
  const socket = createSocket('udp4', (message) => {
    // A line that says what follows, then one segment.
    segments.push(JSON.parse(message.toString().split('\n')[1]!));
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  t.after(() => socket.close());
  return { address: `127.0.0.1:${socket.address().port}`, segments };
}

const EVENT = {
  Records: [{ messageId: 'm0', body: notification([record('photos', 'a.jpg')]), eventSource: 'aws:sqs' }],
};

describe('tracing', { timeout: 120_000 }, () => {
  it('sends a segment an invocation when it is on, with the requests to S3 below it', async (t) => {
    const daemon = await startDaemon(t);
    const environment = { TRACING: 'on', AWS_XRAY_DAEMON_ADDRESS: daemon.address };
    const lambda = await queue.startFor(t, { environment });
    assert.deepEqual(await lambda.invoke(EVENT), { payload: { batchItemFailures: [] } });
    const sent = () => JSON.stringify(daemon.segments.map(({ name, subsegments }) => [name, subsegments]));
    // Sent without waiting for anybody: it may come after the answer.
    for (let i = 0; i < 100 && !(sent().includes('"## test"') && sent().includes('"S3"')); i++)
      await setTimeout(20);
    assert.match(sent(), /"## test"/);
    assert.match(sent(), /"S3"/);
    const whole = daemon.segments.find(({ name }) => name === '## test')!;
    assert.deepEqual(whole.annotations, { ColdStart: true, Service: 'show-and-tell' });
    // Of the trace that the runtime names.
    assert.deepEqual([whole.parent_id, typeof whole.end_time], ['53995c3f42cd8ad8', 'number']);
    assert.deepEqual(new Set(daemon.segments.map((segment) => segment.trace_id)), new Set([whole.trace_id]));
    const requests = daemon.segments.filter(({ name }) => name === 'S3');
    assert.deepEqual(
      requests.map(({ parent_id, aws }) => [parent_id, (aws as { operation: string }).operation]),
      ['HeadObject', 'HeadObject', 'GetObject', 'PutObject'].map((operation) => [whole.id, operation]),
    );
  });

  it('tells of an invocation that failed, and goes on', async (t) => {
    const daemon = await startDaemon(t);
    const environment = { TRACING: 'on', AWS_XRAY_DAEMON_ADDRESS: daemon.address };
    const lambda = await queue.startFor(t, { environment });
    const answer = await lambda.invoke({ no: 'event of a queue' });
    assert.ok('error' in answer);
    while (!daemon.segments.some(({ name }) => name === '## test')) await setTimeout(20);
    const [failed] = daemon.segments.filter(({ name }) => name === '## test');
    assert.equal(failed!.fault, true);
    const { exceptions } = failed!.cause as { exceptions: { type: string }[] };
    assert.deepEqual(
      exceptions.map(({ type }) => type),
      [answer.error.errorType],
    );
    assert.deepEqual(await lambda.invoke(EVENT), { payload: { batchItemFailures: [] } });
  });

  it('sends nothing when it is off', async (t) => {
    const daemon = await startDaemon(t);
    const lambda = await queue.startFor(t, { environment: { AWS_XRAY_DAEMON_ADDRESS: daemon.address } });
    assert.deepEqual(await lambda.invoke(EVENT), { payload: { batchItemFailures: [] } });
    assert.deepEqual(daemon.segments, []);
  });
});
