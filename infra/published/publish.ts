/**
 * Writes what somebody without Node deploys: templates, the code of the functions, a script.
 * `npm run template [-- --env prod] [--settings FILE] [--out DIR]`; without `--env` both environments.
 */
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks, ServerlessChecks } from 'cdk-nag';
import * as z from 'zod';
import { sha256Of } from '../../src/model/sha256.ts';
import { assembleFunctions } from '../functions/function-code.ts';
import { ROOT } from '../functions/stage-native.ts';
import { readSettings } from '../read-settings.ts';
import { ENVIRONMENTS, type EnvironmentName, type Settings } from '../settings.ts';
import { PublishedStack } from './published-stack.ts';
import { writeZip } from './write-zip.ts';

const SCRIPT = 'deploy.sh';
const SUMS = 'SHA256SUMS';
/** Bytes of a template that lies in S3. https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html */
const LARGEST_TEMPLATE = 1_000_000;

interface PublishOptions {
  environments: readonly EnvironmentName[];
  /** File of JSON. */
  overrides: string | undefined;
  /** Made anew. */
  out: string;
}

/** @throws Error for settings that a template alone cannot have, ModelUnusable */
export async function publish({ environments, overrides, out }: PublishOptions): Promise<void> {
  const settings = environments.map((environment) => ({
    environment,
    settings: readSettings(environment, overrides),
  }));
  const { architecture, modelDirectory } = settings[0]!.settings;
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const zip = `functions-${architecture}.zip`;
  await zipFunctions({ architecture, modelDirectory }, join(out, zip));
  const sha256 = await sha256Of(join(out, zip));
  const templates = settings.map(({ environment, settings: own }) => {
    const name = `show-and-tell-${environment}.template.json`;
    writeFileSync(join(out, name), templateOf(environment, own, sha256));
    return name;
  });
  copyFileSync(fileURLToPath(new URL(SCRIPT, import.meta.url)), join(out, SCRIPT));
  const files = [SCRIPT, zip, ...templates].sort();
  const sums = await Promise.all(files.map(async (file) => `${await sha256Of(join(out, file))}  ${file}\n`));
  writeFileSync(join(out, SUMS), sums.join(''));
}

async function zipFunctions(
  settings: Pick<Settings, 'architecture' | 'modelDirectory'>,
  to: string,
): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'show-and-tell-functions-'));
  try {
    await assembleFunctions(settings, directory);
    await writeZip(directory, to);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** @param sha256 of the zip @throws Error where CDK would have to upload something */
export function templateOf(environment: EnvironmentName, settings: Settings, sha256: string): string {
  const beyond = {
    "packaging: 'container'": settings.packaging === 'container',
    gpu: settings.gpu,
    "page.firewall of kind 'own'": settings.page?.firewall.kind === 'own',
  };
  const found = Object.entries(beyond).flatMap(([name, isWanted]) => (isWanted ? [name] : []));
  if (found.length > 0) {
    throw new Error(
      `${found.join(', ')}: images to build, or a stack in another region. A template alone has neither: use npx cdk deploy`,
    );
  }
  const outdir = mkdtempSync(join(tmpdir(), 'show-and-tell-template-'));
  try {
    const { context } = JSON.parse(readFileSync(join(ROOT, 'cdk.json'), 'utf8'));
    const app = new App({ outdir, context, analyticsReporting: false });
    const stack = new PublishedStack(app, `ShowAndTell-${environment}`, { settings, sha256 });
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app), new ServerlessChecks(app));
    app.synth();
    const template = readFileSync(join(outdir, stack.templateFile), 'utf8');
    if (template.length > LARGEST_TEMPLATE) {
      throw new Error(`the template has ${template.length} bytes, CloudFormation takes ${LARGEST_TEMPLATE}`);
    }
    return `${template}\n`;
  } finally {
    rmSync(outdir, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      env: { type: 'string' },
      settings: { type: 'string' },
      out: { type: 'string', default: join(ROOT, 'build/cloudformation') },
    },
  });
  const environments = values.env === undefined ? ENVIRONMENTS : [z.enum(ENVIRONMENTS).parse(values.env)];
  await publish({ environments, overrides: values.settings, out: values.out });
  console.log(values.out);
}
