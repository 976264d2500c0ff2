import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { createAnnouncer } from '../../src/events/announcer.ts';
import { type FakeEventBus, startFakeEventBus } from '../support/aws/fake-event-bus.ts';
import { rejectsWith } from '../support/errors.ts';
import { CAPTIONED, LOCATION, REFUSED, RUN } from './results.ts';

let bus: FakeEventBus;
before(async () => {
  bus = await startFakeEventBus();
  Object.assign(process.env, {
    AWS_ENDPOINT_URL_EVENTBRIDGE: bus.url,
    AWS_REGION: 'eu-west-1',
    AWS_ACCESS_KEY_ID: 'a',
    AWS_SECRET_ACCESS_KEY: 'b',
  });
});
after(() => bus.close());
beforeEach(() => {
  bus.requests.length = 0;
});

const sizes = () => bus.requests.map((entries) => entries.length);
const settings = { bus: 'own', deployment: 'test' };

describe('an announcer', () => {
  it('tells of images and runs at once, each in the name of its deployment', async () => {
    const { image, run } = createAnnouncer(settings);
    await image(CAPTIONED, LOCATION);
    await image(REFUSED, LOCATION);
    await run(RUN);
    assert.deepEqual(sizes(), [1, 1, 1]);
    const [captioned, refused, finished] = bus.events();
    assert.deepEqual(
      [captioned, refused, finished].map((event) => [event!.type, event!.bus, event!.detail.deployment]),
      ['Image Captioned', 'Image Refused', 'Bucket Run Finished'].map((type) => [type, 'own', 'test']),
    );
  });

  it('gathers images until a request is full, and puts the rest when it is told to', async () => {
    const { image, flush } = createAnnouncer(settings).gather();
    await flush();
    for (let i = 0; i < 23; i++) await image(CAPTIONED, LOCATION);
    assert.deepEqual(sizes(), [10, 10]);
    await flush();
    await flush();
    assert.deepEqual(sizes(), [10, 10, 3]);
  });

  it('forgets what it could not put: whoever asked is asked again', async () => {
    const { image, flush } = createAnnouncer(settings).gather();
    await image(CAPTIONED, LOCATION);
    await rejectsWith(flush(Date.now() - 1), 'DeadlineExceeded');
    await flush();
    assert.deepEqual(sizes(), []);
    await rejectsWith(
      createAnnouncer(settings).image(CAPTIONED, LOCATION, Date.now() - 1),
      'DeadlineExceeded',
    );
    for (let i = 0; i < 9; i++) await image(CAPTIONED, LOCATION, Date.now() - 1);
    await rejectsWith(image(CAPTIONED, LOCATION, Date.now() - 1), 'DeadlineExceeded');
  });

  it('has its client traced', async () => {
    let traced: EventBridgeClient | undefined;
    createAnnouncer(settings, (client) => {
      traced = client;
      return client;
    });
    assert.equal(await traced?.config.region(), 'eu-west-1');
  });
});
