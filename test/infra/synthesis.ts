/** Synthesises the stack as `infra/app.ts` does, with an asset of one small file in place of the real code. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Stack, Validations } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { AwsSolutionsChecks, ServerlessChecks } from 'cdk-nag';
import type { FunctionSource } from '../../infra/functions/captioner-function.ts';
import { type EnvironmentName, type SettingsInput, settingsOf } from '../../infra/settings.ts';
import { CaptionerStack } from '../../infra/stack.ts';
import type { Resources } from '../support/aws/template.ts';
import { ROOT } from '../support/samples.ts';

export interface Synthesis {
  template: Template;
  /** Logical id to resource. */
  resources: Resources;
  /** What CDK and the rule packs complain about, after all acknowledgements. */
  complaints: string[];
  /** Directory of the cloud assembly. */
  assembly: string;
}

export interface SynthesisOptions {
  environment?: EnvironmentName;
  settings?: Partial<SettingsInput>;
  /** What the stack is called. @default 'Captioner' */
  stack?: string;
  source?: FunctionSource;
  /** With resources beside it that break rules. @default false */
  careless?: boolean;
  /** CloudFormation's own rules, which cost seconds. @default false */
  validate?: boolean;
}

const { context } = JSON.parse(readFileSync(join(ROOT, 'cdk.json'), 'utf8')) as {
  context: Record<string, unknown>;
};

/** @param assembly removed when the process ends */
export function synthesise({
  environment = 'dev',
  settings: overrides = {},
  stack = 'Captioner',
  source,
  validate = false,
  careless = false,
}: SynthesisOptions = {}): Synthesis {
  const assembly = temporary();
  const settings = settingsOf(environment, overrides);
  const app = new App({
    outdir: assembly,
    context,
    analyticsReporting: false,
    builtinCloudFormationValidation: validate,
  });
  new CaptionerStack(app, stack, { settings, source: source ?? cheapSource(settings.packaging) });
  if (careless) beCareless(new Stack(app, 'Careless'));
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app), new ServerlessChecks(app));
  const failure = failureOf(() => app.synth());
  const json = JSON.parse(readFileSync(join(assembly, `${stack}.template.json`), 'utf8'));
  const template = Template.fromJSON(json);
  return {
    template,
    resources: json.Resources as Resources,
    complaints: readComplaints(assembly, failure),
    assembly,
  };
}

function beCareless(stack: Stack): void {
  new Bucket(stack, 'Bucket');
  new LambdaFunction(stack, 'Function', {
    runtime: Runtime.NODEJS_24_X,
    handler: 'index.handler',
    code: Code.fromInline('//'),
  });
}

interface Report {
  pluginReports: {
    violations: { ruleName: string; violatingConstructs: { constructPath: string }[] }[];
  }[];
}

function readComplaints(assembly: string, failure: unknown): string[] {
  const path = join(assembly, 'validation-report.json');
  if (failure !== null && !existsSync(path)) throw failure;
  const { pluginReports } = JSON.parse(readFileSync(path, 'utf8')) as Report;
  return pluginReports.flatMap(({ violations }) =>
    violations.flatMap(({ ruleName, violatingConstructs }) =>
      violatingConstructs.map(({ constructPath }) => `${ruleName} at ${constructPath}`),
    ),
  );
}

function failureOf(run: () => void): unknown {
  try {
    run();
    return null;
  } catch (error) {
    return error;
  }
}

function cheapSource(kind: 'zip' | 'container'): FunctionSource {
  if (kind === 'container') return { kind };
  const directory = temporary();
  writeFileSync(join(directory, 'http.mjs'), '');
  return { kind, directory };
}

/** Everything of this process in one place, gone when it ends. */
const temporaries = mkdtempSync(join(tmpdir(), 'synthesis-'));
process.on('exit', () => rmSync(temporaries, { recursive: true, force: true }));

function temporary(): string {
  return mkdtempSync(join(temporaries, '-'));
}
