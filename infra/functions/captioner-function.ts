/** One function: code, role, log group, version, alias, and how a new version replaces the old. */
import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Alarm, ComparisonOperator, type IAlarm, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import {
  type CfnDeploymentGroup,
  LambdaDeploymentConfig,
  LambdaDeploymentGroup,
} from 'aws-cdk-lib/aws-codedeploy';
import type { IVpc } from 'aws-cdk-lib/aws-ec2';
import { Platform } from 'aws-cdk-lib/aws-ecr-assets';
import type { Role } from 'aws-cdk-lib/aws-iam';
import {
  Alias,
  Architecture,
  type CfnAlias,
  Code,
  DockerImageCode,
  DockerImageFunction,
  type FunctionOptions,
  Function as LambdaFunction,
  LoggingFormat,
  Runtime,
  SnapStartConf,
  Tracing,
  type VersionOptions,
} from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct, type IConstruct } from 'constructs';
import * as env from '../../src/lambda/env.ts';
import { acknowledge } from '../acknowledge.ts';
import type { FunctionName, Settings } from '../settings.ts';
import { MODEL_DIRECTORY } from './function-code.ts';
import { makeFunctionRole } from './function-role.ts';
import { hashOf } from './readable.ts';
import { ROOT } from './stage-native.ts';
import { codeSha256, type UploadedZip, uploadedCode } from './uploaded-code.ts';

/** Where the code comes from: a directory as `assembleFunctions` writes it, the Dockerfile, or a zip in any bucket. */
export type FunctionSource = { kind: 'zip'; directory: string } | { kind: 'container' } | UploadedZip;

export interface CaptionerFunctionProps {
  name: FunctionName;
  settings: Settings;
  source: FunctionSource;
  /** Beyond what every function has; names of `src/lambda/env.ts`. */
  environment: Record<string, string>;
  vpc?: IVpc | undefined;
}

type Limits = Settings['functions'][FunctionName];

/** Read by onnxruntime before any code of ours runs in its worker threads: no usage reports. */
const NO_TELEMETRY = { ORT_DISABLE_TELEMETRY: '1' };
/** Bytes, read by glibc when a process starts: without it what decoders free stays in each of their threads. */
const FREED_IS_GIVEN_BACK = { MALLOC_TRIM_THRESHOLD_: '131072' };
/** Of every metric, so that alarms can name them. */
export const METRICS_NAMESPACE = 'ShowAndTell';
const ALIAS = 'live';
const ONE_FAILURE = {
  threshold: 1,
  evaluationPeriods: 1,
  comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
  treatMissingData: TreatMissingData.NOT_BREACHING,
};

/** The dimension that keeps metrics and logs of environments of one account apart. */
export function serviceOf(construct: IConstruct): string {
  return Stack.of(construct).stackName;
}

export class CaptionerFunction extends Construct {
  readonly name: FunctionName;
  readonly role: Role;
  readonly logs: LogGroup;
  readonly function: LambdaFunction;
  /** What everything calls: the version in service. */
  readonly alias: Alias;
  /** Failures of what is in service. */
  readonly errors: IAlarm;

  constructor(scope: Construct, id: string, props: CaptionerFunctionProps) {
    super(scope, id);
    const { settings, name } = props;
    this.name = name;
    this.logs = new LogGroup(this, 'Logs', {
      retention: settings.logRetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.role = makeFunctionRole(this, props, this.logs);
    this.function = this.makeFunction(props);
    this.alias = new Alias(this, 'Live', {
      aliasName: ALIAS,
      version: this.function.currentVersion,
    });
    this.errors = this.makeErrorsAlarm();
    if (settings.deployment === 'canary') this.deployInSteps();
  }

  private makeFunction(props: CaptionerFunctionProps): LambdaFunction {
    const { name, settings, source, vpc } = props;
    const limits = settings.functions[name];
    acknowledge(
      this,
      'Serverless-LambdaDLQ',
      'Nothing invokes this function asynchronously: HTTP and Step Functions wait for the answer, and what the queue ' +
        'sends ends in the dead-letter queue of the queue.',
    );
    if (!settings.tracing) {
      acknowledge(
        this,
        'Serverless-LambdaTracing',
        'Traces are switched off in the settings, to save their price.',
      );
    }
    const options: FunctionOptions = {
      description: describe(name, limits),
      role: this.role,
      logGroup: this.logs,
      loggingFormat: LoggingFormat.JSON,
      memorySize: limits.memory,
      timeout: Duration.seconds(limits.timeout),
      ...(limits.reservedConcurrency !== undefined && {
        reservedConcurrentExecutions: limits.reservedConcurrency,
      }),
      architecture: settings.architecture === 'arm64' ? Architecture.ARM_64 : Architecture.X86_64,
      tracing: settings.tracing ? Tracing.ACTIVE : Tracing.DISABLED,
      environment: { ...environmentOf(settings, serviceOf(this), limits.memory), ...props.environment },
      currentVersionOptions: {
        ...versionOptions(settings, limits),
        ...(source.kind === 'uploaded' && { codeSha256: codeSha256(source) }),
      },
      ...(vpc && { vpc }),
    };
    if (source.kind === 'container') return this.makeContainerFunction(name, settings, options);
    const made = new LambdaFunction(this, 'Function', {
      ...options,
      runtime: Runtime.NODEJS_24_X,
      handler: `${name}.handler`,
      code: source.kind === 'zip' ? assetOf(source.directory) : uploadedCode(this, source),
    });
    // Where the code lies is a parameter, so that the template would be the same for another zip.
    if (source.kind === 'uploaded') made.invalidateVersionBasedOn(source.sha256);
    return made;
  }

  private makeContainerFunction(
    name: FunctionName,
    settings: Settings,
    options: FunctionOptions,
  ): LambdaFunction {
    // Lambda keeps no snapshots of functions that are always warm.
    const snapStart = settings.snapStart && settings.functions[name].provisionedConcurrency === 0;
    if (snapStart) {
      acknowledge(
        this,
        'Annotation::@aws-cdk/aws-lambda:snapStartRequirePublish',
        'Every deployment publishes a version: the alias names it, and everything calls the alias.',
      );
    }
    return new DockerImageFunction(this, 'Function', {
      ...options,
      code: DockerImageCode.fromImageAsset(ROOT, {
        file: 'infra/container/Dockerfile',
        target: 'lambda',
        platform: settings.architecture === 'arm64' ? Platform.LINUX_ARM64 : Platform.LINUX_AMD64,
        buildArgs: { MODEL_DIR: settings.modelDirectory },
        cmd: [`${name}.handler`],
      }),
      ...(snapStart && { snapStart: SnapStartConf.ON_PUBLISHED_VERSIONS }),
    });
  }

  private makeErrorsAlarm(): Alarm {
    return new Alarm(this, 'Errors', {
      alarmDescription: `The ${this.name} function failed, or fails since its last deployment.`,
      metric: this.alias.metricErrors({ period: Duration.minutes(1), statistic: 'Sum' }),
      ...ONE_FAILURE,
    });
  }

  /**
   * Failures of a new version alone, so that one of the old version does not take a good deployment back. By its name it is
   * another alarm for each version: one that is changed would keep its state, and CodeDeploy starts nothing while it is red.
   * https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics.html
   */
  private makeCanaryAlarm(): Alarm {
    const { functionName, currentVersion } = this.function;
    return new Alarm(this, 'NewVersionErrors', {
      alarmName: `${functionName}-${ALIAS}-${currentVersion.version}`,
      alarmDescription: `The version of the ${this.name} function that comes into service fails: CodeDeploy goes back.`,
      metric: this.alias.metricErrors({
        period: Duration.minutes(1),
        statistic: 'Sum',
        dimensionsMap: {
          FunctionName: functionName,
          Resource: `${functionName}:${ALIAS}`,
          ExecutedVersion: currentVersion.version,
        },
      }),
      ...ONE_FAILURE,
    });
  }

  private deployInSteps(): void {
    const alarm = this.makeCanaryAlarm();
    const group = new LambdaDeploymentGroup(this, 'Deployment', {
      alias: this.alias,
      deploymentConfig: LambdaDeploymentConfig.CANARY_10PERCENT_5MINUTES,
      alarms: [alarm],
    });
    // The shift begins as soon as the alias is updated: by then it has to be watched.
    this.alias.node.addDependency(alarm);
    (this.alias.node.defaultChild as CfnAlias).addResourceDependency(
      group.node.defaultChild as CfnDeploymentGroup,
    );
    acknowledge(
      group,
      'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSCodeDeployRoleForLambdaLimited]',
      'The narrowest role that AWS maintains for CodeDeploy on Lambda, and only CodeDeploy assumes it. It moves aliases ' +
        'and reads alarms; the only S3 objects that it reads are tagged for CodeDeploy, and ours are not.',
    );
  }
}

/** The number in it: Lambda publishes no version of a function that has not changed, see `versionOptions`. */
function describe(name: FunctionName, { provisionedConcurrency: warm }: Limits): string {
  return `Captions images: ${name}${warm > 0 ? `, ${warm} kept warm` : ''}`;
}

/**
 * Environments are kept warm for a version, not for the alias: Lambda refuses to change the alias's number while a deployment
 * shifts its weights, so that a deployment of both, or the next one after a failure, would end there.
 * https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html
 *
 * Somebody goes back to a version by hand, days later. One that never got into service goes with its deployment, and one that
 * is warm with its successor: kept, it would stay warm and cost. CloudFormation removes old ones last, so a deployment that
 * fails finds the version before it in any case.
 */
function versionOptions({ removal }: Settings, { provisionedConcurrency: warm }: Limits): VersionOptions {
  if (warm > 0) return { provisionedConcurrentExecutions: warm, removalPolicy: RemovalPolicy.DESTROY };
  return {
    removalPolicy: removal === 'retain' ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY,
  };
}

/** With modes in its hash, which CDK's own leaves out: what was uploaded unreadable once would be found again and kept. */
function assetOf(directory: string): Code {
  return Code.fromAsset(directory, { assetHash: hashOf(directory) });
}

function environmentOf(settings: Settings, service: string, memory: number): Record<string, string> {
  return {
    ...NO_TELEMETRY,
    ...FREED_IS_GIVEN_BACK,
    [env.MODEL_DIR]: MODEL_DIRECTORY,
    [env.MODEL_THREADS]: String(env.threadsOf(memory)),
    [env.MAX_OBJECT_BYTES]: String(settings.maxObjectBytes),
    ...(settings.maxPixels !== undefined && { [env.MAX_PIXELS]: String(settings.maxPixels) }),
    [env.TRACING]: settings.tracing ? 'on' : 'off',
    [env.LOG_LEVEL]: settings.logLevel,
    [env.SERVICE_NAME]: service,
    [env.METRICS_NAMESPACE]: METRICS_NAMESPACE,
  };
}
