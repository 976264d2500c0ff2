import { readFileSync } from 'node:fs';
import * as z from 'zod';
import { type EnvironmentName, type Settings, settingsOf } from './settings.ts';

/**
 * @param overrides file of JSON with settings in place of the environment's own
 * @throws Error naming every setting that is wrong
 */
export function readSettings(environment: EnvironmentName, overrides: string | undefined): Settings {
  try {
    return settingsOf(
      environment,
      overrides === undefined ? {} : JSON.parse(readFileSync(overrides, 'utf8')),
    );
  } catch (error) {
    if (error instanceof z.ZodError)
      throw new Error(`settings of ${environment}:\n${z.prettifyError(error)}`);
    throw error;
  }
}
