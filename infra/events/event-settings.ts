/** What a deployer may change about the events that tell of results. */
import * as z from 'zod';
import { DEFAULT_EVENT_BUS, eventBusName } from '../../src/aws/event-names.ts';

export const eventSettingsSchema = z.strictObject({
  /** A bus that is there already, of this account and region. */
  bus: eventBusName.default(DEFAULT_EVENT_BUS),
  /** Whether a topic of SNS gets every event as well. */
  topic: z.boolean().default(false),
});
export type EventSettings = z.output<typeof eventSettingsSchema>;
