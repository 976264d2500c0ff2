/** Events about results for those who want them; without, the client is not even evaluated. */
import type { Announcer } from '../events/announcer.ts';
import { readEventSettings } from './env.ts';
import type { Tracing } from './tracing.ts';

export type { Announcer };

/**
 * @returns `null` where the environment names no bus
 * @throws Error naming every variable that is missing or wrong
 */
export async function startAnnouncing(
  env: NodeJS.ProcessEnv,
  tracing?: Pick<Tracing, 'capture'>,
): Promise<Announcer | null> {
  const settings = readEventSettings(env);
  if (settings === null) return null;
  const { createAnnouncer } = await import('../events/announcer.ts');
  return createAnnouncer(settings, tracing?.capture);
}
