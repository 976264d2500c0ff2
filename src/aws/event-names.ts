/** What events are called on a bus: for functions, server, infrastructure, and rules that others write. */
import * as z from 'zod';

export const EVENT_SOURCE = 'show-and-tell';
export const EVENT_TYPES = {
  captioned: 'Image Captioned',
  refused: 'Image Refused',
  runFinished: 'Bucket Run Finished',
} as const;

/** Every account has one in each region. */
export const DEFAULT_EVENT_BUS = 'default';
/** https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_CreateEventBus.html */
export const eventBusName = z
  .string()
  .regex(/^[\w.-]{1,256}$/, 'expected the name of an event bus of this account, not its ARN');
/** Tells several deployments apart that share a bus. */
export const deploymentName = z.string().min(1).max(128);
