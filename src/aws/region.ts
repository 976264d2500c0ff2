import { InvalidRequest } from '../errors.ts';

/**
 * The region that a client of AWS is set to, by the environment or its configuration files.
 * @throws InvalidRequest when there is none: the clients' own error for that has no code
 */
export async function regionOf(client: { config: { region: () => Promise<string> } }): Promise<string> {
  try {
    return await client.config.region();
  } catch (cause) {
    throw new InvalidRequest('no region is set; AWS_REGION in the environment names one', { cause });
  }
}
