/** Descriptions of HTTP interfaces, held to the rules of redocly. */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { temporaryDirectory } from './bundles.ts';
import { ROOT } from './samples.ts';

const REDOCLY = join(ROOT, 'node_modules/@redocly/cli/bin/cli.js');

/** Findings of redocly's recommended rules in a document of OpenAPI 3.1 or Swagger 2.0; it is kept off the network. */
export async function lint(document: unknown): Promise<string[]> {
  const temporary = temporaryDirectory();
  const file = join(temporary.path, 'openapi.json');
  writeFileSync(file, JSON.stringify(document));
  const env = { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' };
  const args = [REDOCLY, 'lint', file, '--format=json'];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env, cwd: temporary.path })
    // It exits with 1 when it finds errors, and prints them all the same.
    .catch((error: { stdout: string }) => error)
    .finally(() => temporary.dispose());
  const { problems } = JSON.parse(stdout) as { problems: { ruleId: string }[] };
  return problems.map(({ ruleId }) => ruleId);
}
