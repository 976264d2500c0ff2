import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { CaptionError } from '../../src/errors.ts';
import { runEvent } from '../../src/events/details.ts';
import { createEventBridgeClient, putEvents } from '../../src/events/event-bus.ts';
import { type BusFault, type FakeEventBus, startFakeEventBus } from '../support/aws/fake-event-bus.ts';
import { rejectsWith } from '../support/errors.ts';
import { startHttp } from '../support/network/servers.ts';
import { RUN } from './results.ts';

let bus: FakeEventBus;
let client: EventBridgeClient;

before(() => {
  Object.assign(process.env, { AWS_REGION: 'eu-west-1', AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' });
});
beforeEach(async () => {
  await bus?.close();
  bus = await startFakeEventBus();
  process.env.AWS_ENDPOINT_URL_EVENTBRIDGE = bus.url;
  client = createEventBridgeClient();
});
after(() => bus.close());

const events = (count: number, bucket = 'photos') =>
  Array.from({ length: count }, (_, i) => runEvent({ ...RUN, bucket, execution: `run-${i}` }, 'test'));
const put = (count: number, deadline?: number) => putEvents(events(count), { client, bus: 'own' }, deadline);
const executions = () => bus.events().map(({ detail }) => detail.execution);

describe('events on a bus', () => {
  it('have a source, a type, the time when it happened, and their bus', async () => {
    const [event] = events(1);
    await putEvents([event!], { client, bus: 'own' });
    assert.deepEqual(bus.requests, [
      [
        {
          EventBusName: 'own',
          Source: 'show-and-tell',
          DetailType: 'Bucket Run Finished',
          Time: event!.time.getTime() / 1000,
          Detail: JSON.stringify(event!.detail),
        },
      ],
    ]);
  });

  it('are put ten at a time, in their order, and none is no request', async () => {
    await put(0);
    await put(23);
    assert.deepEqual(
      bus.requests.map((entries) => entries.length),
      [10, 10, 3],
    );
    assert.deepEqual(
      executions(),
      Array.from({ length: 23 }, (_, i) => `run-${i}`),
    );
  });

  it('are put in more requests where they are larger than one may be', async () => {
    await putEvents(events(5, 'b'.repeat(100_000)), { client, bus: 'own' });
    assert.deepEqual(
      bus.requests.map((entries) => entries.length),
      [2, 2, 1],
    );
  });

  it('that were refused one by one are put again alone, after longer and longer', async () => {
    const codes = ['ThrottlingException', 'InternalFailure', 'InternalException'];
    bus.failNext({ codes: [null, ...codes] }, { codes: [null, 'InternalFailure', null] });
    const start = performance.now();
    await put(4);
    const milliseconds = performance.now() - start;
    assert.ok(milliseconds > 290 && milliseconds < 2_000, `${milliseconds}`);
    assert.deepEqual(
      bus.requests.map((entries) => entries.length),
      [4, 3, 1],
    );
    assert.deepEqual(executions().sort(), ['run-0', 'run-1', 'run-2', 'run-3']);
  });

  const failures: [what: string, faults: BusFault[], code: string | null, says: RegExp][] = [
    [
      'are throttled for long',
      Array(3).fill({ codes: ['ThrottlingException'] }),
      'UpstreamUnavailable',
      /own refuses 1 of 1 events: ThrottlingException/,
    ],
    [
      'are refused for good',
      [{ codes: ['NotAuthorizedForSourceException'] }],
      null,
      /own refuses 1 of 1 events: NotAuthorizedForSourceException$/,
    ],
    ['find a broken service', Array(3).fill({ status: 500, code: 'Internal' }), 'UpstreamUnavailable', /own/],
    [
      'find a service that is throttled as a whole',
      Array(3).fill({ status: 400, code: 'ThrottlingException' }),
      'UpstreamUnavailable',
      /own does not take events now: ThrottlingException/,
    ],
    ['find no service', Array(3).fill('hang up'), 'UpstreamUnavailable', /own/],
    ['may not be put', [{ status: 400, code: 'AccessDeniedException' }], null, /./],
  ];
  for (const [what, faults, code, says] of failures) {
    it(`that ${what} ${code === null ? 'fail as what it is' : `are ${code}`}`, async () => {
      bus.failNext(...faults);
      await assert.rejects(put(1), (error: Error) => {
        assert.equal(error instanceof CaptionError ? error.code : null, code, String(error));
        assert.match(error.message, says);
        // What the client said, where it said something.
        assert.equal(error.cause instanceof Error, code !== null && !/refuses/.test(error.message));
        // Nothing of what they say.
        return !error.message.includes('run-0');
      });
      assert.equal(bus.requests.length, faults.length);
    });
  }

  it('wait no longer than there is time', async () => {
    bus.failNext('silence');
    const { message, cause } = await rejectsWith(put(1, Date.now() + 100), 'DeadlineExceeded');
    assert.match(message, /the event bus own/);
    assert.ok(cause instanceof Error);
  });

  it('that the client itself cannot put fail as it says', async () => {
    const error = new TypeError('no such thing');
    client.middlewareStack.add(() => () => Promise.reject(error), { step: 'initialize' });
    await assert.rejects(put(1), error);
  });

  it('are not taken by whoever else answers', async (t) => {
    const port = await startHttp(t, (_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
    process.env.AWS_ENDPOINT_URL_EVENTBRIDGE = `http://127.0.0.1:${port}`;
    client = createEventBridgeClient();
    const { message } = await rejectsWith(put(1), 'UpstreamUnavailable');
    assert.match(message, /not as AWS does/);
  });
});
