/** `npx cdk deploy -c env=prod [-c settings=overrides.json]`; without `env`, `dev`. */
import { join } from 'node:path';
import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks, ServerlessChecks } from 'cdk-nag';
import * as z from 'zod';
import type { FunctionSource } from './functions/captioner-function.ts';
import { assembleFunctions, checkForGpu } from './functions/function-code.ts';
import { forgetCopies } from './functions/readable.ts';
import { ROOT } from './functions/stage-native.ts';
import { readSettings } from './read-settings.ts';
import { ENVIRONMENTS, type Settings } from './settings.ts';
import { CaptionerStack } from './stack.ts';

const app = new App();
forgetCopies(app.outdir);
const environment = z.enum(ENVIRONMENTS).default('dev').parse(app.node.tryGetContext('env'));
const settings = readSettings(environment, z.string().optional().parse(app.node.tryGetContext('settings')));

new CaptionerStack(app, `ShowAndTell-${environment}`, {
  description: 'show-and-tell: captions for images',
  settings,
  source: await makeSource(settings),
});
Validations.of(app).addPlugins(new AwsSolutionsChecks(app), new ServerlessChecks(app));
app.synth();

async function makeSource({
  packaging,
  architecture,
  modelDirectory,
  gpu,
}: Settings): Promise<FunctionSource> {
  if (gpu !== undefined) await checkForGpu(modelDirectory);
  if (packaging === 'container') return { kind: 'container' };
  const directory = join(ROOT, `node_modules/.cache/show-and-tell/functions-${environment}`);
  const bytes = await assembleFunctions({ architecture, modelDirectory }, directory);
  console.error(`functions: ${(bytes / 1e6).toFixed(1)} MB unpacked, of 262.1 MB that Lambda takes`);
  return { kind: 'zip', directory };
}
