/**
 * Objects out of the events that S3 sends, straight to a queue or through EventBridge.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
 */
import * as z from 'zod';
import type { ObjectReference } from '../aws/object-reference.ts';
import { InvalidRequest } from '../errors.ts';

/** An object that an event reports as created. */
export interface CreatedObject extends ObjectReference {
  /** Hexadecimal; grows from event to event of one key. */
  sequencer?: string | undefined;
}

export interface EventContent {
  created: CreatedObject[];
  /** Records of other kinds: deleted, restored, tagged, … */
  ignored: number;
}

const text = z.string().min(1);

/** A bucket's first message, when its notifications are set up. */
const testEventSchema = z.object({ Event: z.literal('s3:TestEvent') });

const recordSchema = z.object({
  eventSource: z.literal('aws:s3'),
  eventName: text,
  s3: z.object({
    bucket: z.object({ name: text }),
    object: z.object({ key: text, versionId: text.optional(), sequencer: text.optional() }),
  }),
});
const notificationSchema = z.object({ Records: z.array(recordSchema) });

const eventBridgeSchema = z.object({
  source: z.literal('aws.s3'),
  'detail-type': text,
  detail: z.object({
    bucket: z.object({ name: text }),
    object: z.object({ key: text, 'version-id': text.optional(), sequencer: text.optional() }),
  }),
});

const messageSchema = z.union([notificationSchema, eventBridgeSchema, testEventSchema]);

/**
 * What a message says.
 * @param body of an SQS message
 * @throws InvalidRequest when it is no event of S3
 */
export function readEvent(body: string): EventContent {
  const parsed = messageSchema.safeParse(jsonOf(body));
  if (!parsed.success) throw new InvalidRequest('the message is not an event of S3');
  const message = parsed.data;
  if ('Event' in message) return { created: [], ignored: 1 };
  if ('Records' in message) {
    const created = message.Records.filter(({ eventName }) => isCreation(eventName));
    return { created: created.map(fromRecord), ignored: message.Records.length - created.length };
  }
  if (message['detail-type'] !== 'Object Created') return { created: [], ignored: 1 };
  return { created: [fromDetail(message.detail)], ignored: 0 };
}

function jsonOf(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch (cause) {
    throw new InvalidRequest('the message is not JSON', { cause });
  }
}

/** `ObjectCreated:Put`, `…:Post`, `…:Copy`, `…:CompleteMultipartUpload`; some senders put `s3:` before it. */
function isCreation(eventName: string): boolean {
  return /^(s3:)?ObjectCreated:/.test(eventName);
}

function fromRecord({ s3 }: z.output<typeof recordSchema>): CreatedObject {
  const { key, versionId, sequencer } = s3.object;
  return { bucket: s3.bucket.name, key: decodedKey(key), versionId, sequencer };
}

/** Unlike notifications, events of EventBridge carry keys as they are. */
function fromDetail({ bucket, object }: z.output<typeof eventBridgeSchema>['detail']): CreatedObject {
  return {
    bucket: bucket.name,
    key: object.key,
    versionId: object['version-id'],
    sequencer: object.sequencer,
  };
}

/** Notifications encode keys as HTML forms do: `+` is a space, `%2B` a plus sign. */
export function decodedKey(key: string): string {
  try {
    return decodeURIComponent(key.replaceAll('+', ' '));
  } catch (cause) {
    throw new InvalidRequest('the key is not URL-encoded UTF-8', { cause });
  }
}
