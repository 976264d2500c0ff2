/** Environment variables of functions that tell others of results, which a deployment has only when it wants that. */
import * as z from 'zod';
import { deploymentName, eventBusName } from '../aws/event-names.ts';

/** Name of the bus that events are put on; without it nobody is told. */
export const EVENT_BUS = 'EVENT_BUS';
/** What events call this deployment. */
export const DEPLOYMENT = 'DEPLOYMENT';

const schema = z
  .object({ [EVENT_BUS]: eventBusName, [DEPLOYMENT]: deploymentName })
  .transform((env) => ({ bus: env[EVENT_BUS], deployment: env[DEPLOYMENT] }));

export type EventSettings = z.output<typeof schema>;

/**
 * @returns null where nobody is told
 * @throws ZodError naming every variable that is missing or wrong
 */
export function readEventSettings(env: Record<string, string | undefined>): EventSettings | null {
  return env[EVENT_BUS] === undefined ? null : schema.parse(env);
}
