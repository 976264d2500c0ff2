import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import * as z from 'zod';
import { bytesOf } from './functions/function-code.ts';
import { ROOT } from './functions/stage-native.ts';
import { type EnvironmentName, type Settings, type SettingsInput, settingsOf } from './settings.ts';

/**
 * @param overrides file of JSON with settings in place of the environment's own
 * @throws Error naming every setting that is wrong
 */
export function readSettings(environment: EnvironmentName, overrides: string | undefined): Settings {
  try {
    const given = (
      overrides === undefined ? {} : JSON.parse(readFileSync(overrides, 'utf8'))
    ) as Partial<SettingsInput>;
    const { modelDirectory } = settingsOf(environment, given);
    // A directory that is not there has none; it is refused when its bundle is read.
    return settingsOf(environment, given, bytesOf(resolve(ROOT, modelDirectory)));
  } catch (error) {
    if (error instanceof z.ZodError)
      throw new Error(`settings of ${environment}:\n${z.prettifyError(error)}`);
    throw error;
  }
}
