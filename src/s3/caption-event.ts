/** One message of a queue: the objects that its event of S3 names, captioned one after the other. */
import type { Place } from '../aws/places.ts';
import { isResult } from './access.ts';
import type { ObjectOutcome } from './caption-object.ts';
import { type ReadableObject, readEvent } from './events.ts';

/** What can become of an object: `recorded` is a failure of its own, `skipped` has its result from before. */
export type Fate = 'captioned' | 'recorded' | 'skipped' | 'ignored';

export interface EventParts {
  /** Where results are written, whose events are ignored. */
  results: Place;
  /** Captions one object. @throws what leaves the message in the queue */
  caption: (object: ReadableObject) => Promise<ObjectOutcome>;
  /** Called for each object when it is done; `key` is that of a result or folder, none where nothing became readable. */
  count: (fate: Fate, key?: string) => void;
}

/**
 * @param body of the message
 * @throws InvalidRequest when it is no event of S3; whatever `caption` throws, the objects before it done
 */
export async function captionEvent(body: string, { results, caption, count }: EventParts): Promise<void> {
  const { readable, ignored } = readEvent(body);
  for (let i = 0; i < ignored; i++) count('ignored');
  for (const object of readable) {
    const fate = isResult(object, results) ? 'ignored' : fateOf(await caption(object));
    if (fate === 'ignored') count(fate, object.key);
    else count(fate);
  }
}

/** What became of an object that was captioned, or not. */
function fateOf({ status, document }: ObjectOutcome): Fate {
  if (status === 'passed over') return 'ignored';
  if (document === undefined) return 'skipped';
  return status === 'captioned' ? 'captioned' : 'recorded';
}
