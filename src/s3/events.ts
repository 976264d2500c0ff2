/**
 * Objects out of the events that S3 sends: straight to a queue, through EventBridge, or through a topic of SNS.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
 * https://docs.aws.amazon.com/sns/latest/dg/sns-sqs-as-subscriber.html
 */
import * as z from 'zod';
import type { ObjectReference } from '../aws/object-reference.ts';
import { InvalidRequest } from '../errors.ts';

/** An object that an event reports as created, or as restored from an archive. */
export interface ReadableObject extends ObjectReference {
  /** Hexadecimal; grows from event to event of one key. */
  sequencer?: string | undefined;
}

export interface EventContent {
  readable: ReadableObject[];
  /** Records of other kinds: deleted, about to be restored, tagged, … */
  ignored: number;
}

const text = z.string().min(1);

/** `ObjectCreated:Put`, `…:Post`, `…:Copy`, `…:CompleteMultipartUpload`; some senders put `s3:` before it. */
const READABLE_EVENT = /^(s3:)?(ObjectCreated:|ObjectRestore:Completed$)/;
const READABLE_DETAILS: readonly string[] = ['Object Created', 'Object Restore Completed'];

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

/** What a topic puts around a message, unless its subscription asks for raw delivery. */
const envelopeSchema = z.object({ Type: z.literal('Notification'), TopicArn: text, Message: z.string() });

/**
 * What a message says.
 * @param body of an SQS message
 * @throws InvalidRequest when it is no event of S3
 */
export function readEvent(body: string): EventContent {
  const content = jsonOf(body);
  const envelope = envelopeSchema.safeParse(content);
  const parsed = messageSchema.safeParse(envelope.success ? jsonOf(envelope.data.Message) : content);
  if (!parsed.success) throw new InvalidRequest('the message is not an event of S3');
  const message = parsed.data;
  if ('Event' in message) return { readable: [], ignored: 1 };
  if ('Records' in message) {
    const readable = message.Records.filter(({ eventName }) => READABLE_EVENT.test(eventName));
    return { readable: readable.map(fromRecord), ignored: message.Records.length - readable.length };
  }
  if (!READABLE_DETAILS.includes(message['detail-type'])) return { readable: [], ignored: 1 };
  return { readable: [fromDetail(message.detail)], ignored: 0 };
}

function jsonOf(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch (cause) {
    throw new InvalidRequest('the message is not JSON', { cause });
  }
}

function fromRecord({ s3 }: z.output<typeof recordSchema>): ReadableObject {
  const { key, versionId, sequencer } = s3.object;
  return { bucket: s3.bucket.name, key: decodedKey(key), versionId, sequencer };
}

/** Unlike notifications, events of EventBridge carry keys as they are. */
function fromDetail({ bucket, object }: z.output<typeof eventBridgeSchema>['detail']): ReadableObject {
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
