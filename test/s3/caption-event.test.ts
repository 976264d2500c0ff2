import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Overloaded } from '../../src/errors.ts';
import { captionEvent, type Fate } from '../../src/s3/caption-event.ts';
import type { ObjectOutcome } from '../../src/s3/caption-object.ts';
import type { ReadableObject } from '../../src/s3/events.ts';
import { detail, notification, record } from './event-factory.ts';

const RESULTS = { bucket: 'photos', prefix: 'captions/' };
const location = { bucket: 'photos', key: 'captions/x.json' };
const DOCUMENT = { status: 'captioned' } as ObjectOutcome['document'] & object;

/** What became of the objects of one message, with the key where one is told. */
async function fatesOf(
  body: string,
  caption: (object: ReadableObject) => Promise<ObjectOutcome>,
): Promise<{ fates: [Fate, string?][]; error: unknown }> {
  const fates: [Fate, string?][] = [];
  const count = (fate: Fate, key?: string) => fates.push(key === undefined ? [fate] : [fate, key]);
  const error = await captionEvent(body, { results: RESULTS, caption, count }).catch(
    (cause: unknown) => cause,
  );
  return { fates, error };
}

describe('captionEvent', () => {
  it('captions each new object in turn, and tells what became of it', async () => {
    const outcomes: Record<string, ObjectOutcome> = {
      'new.jpg': { status: 'captioned', location, document: DOCUMENT },
      'text.jpg': { status: 'failed', location, document: DOCUMENT },
      'old.jpg': { status: 'failed', location },
    };
    const records = Object.keys(outcomes).map((key) => record('photos', key));
    const { fates, error } = await fatesOf(notification(records), async ({ key }) => outcomes[key]!);
    assert.deepEqual(fates, [['captioned'], ['recorded'], ['skipped']]);
    assert.equal(error, undefined);
  });

  it('passes over results, deletions and test events without captioning', async () => {
    const never = () => assert.fail('nothing to caption');
    const removed = record('photos', 'a.jpg', {}, 'ObjectRemoved:Delete');
    const result = record('photos', 'captions/photos/a.jpg/x.json');
    assert.deepEqual((await fatesOf(notification([removed, result]), never)).fates, [
      ['ignored'],
      ['ignored', 'captions/photos/a.jpg/x.json'],
    ]);
    assert.deepEqual((await fatesOf('{"Event":"s3:TestEvent"}', never)).fates, [['ignored']]);
  });

  it('tells of folders by their keys as of what is ignored', async () => {
    const body = notification([record('photos', '2026/'), record('photos', '2026/a.jpg')]);
    const { fates } = await fatesOf(body, async ({ key }) =>
      key.endsWith('/') ? { status: 'passed over' } : { status: 'captioned', location, document: DOCUMENT },
    );
    assert.deepEqual(fates, [['ignored', '2026/'], ['captioned']]);
  });

  it('ends at the first failure of the service, after what was done before', async () => {
    const busy = new Overloaded('no place');
    const body = notification([
      record('photos', 'a.jpg'),
      record('photos', 'b.jpg'),
      record('photos', 'c.jpg'),
    ]);
    const { fates, error } = await fatesOf(body, async ({ key }) => {
      if (key === 'b.jpg') throw busy;
      return { status: 'captioned', location, document: DOCUMENT };
    });
    assert.deepEqual([fates, error], [[['captioned']], busy]);
  });

  it('refuses what is no event of S3, and reads those of EventBridge', async () => {
    const outcome = async () => ({ status: 'captioned', location }) as const;
    assert.equal(((await fatesOf('{}', outcome)).error as Error).name, 'InvalidRequest');
    assert.deepEqual((await fatesOf(detail('photos', 'a b.jpg'), outcome)).fates, [['skipped']]);
  });
});
