/** One function: code, role, log group, version, alias, and how a new version replaces the old. */
import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Alarm, ComparisonOperator, type IAlarm, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { LambdaDeploymentConfig, LambdaDeploymentGroup } from 'aws-cdk-lib/aws-codedeploy';
import type { IVpc } from 'aws-cdk-lib/aws-ec2';
import { Platform } from 'aws-cdk-lib/aws-ecr-assets';
import type { Role } from 'aws-cdk-lib/aws-iam';
import {
  Alias,
  Architecture,
  Code,
  DockerImageCode,
  DockerImageFunction,
  type FunctionOptions,
  Function as LambdaFunction,
  LoggingFormat,
  Runtime,
  SnapStartConf,
  Tracing,
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

/** Where the code comes from: a directory as `assembleFunctions` writes it, or the Dockerfile. */
export type FunctionSource = { kind: 'zip'; directory: string } | { kind: 'container' };

export interface CaptionerFunctionProps {
  name: FunctionName;
  settings: Settings;
  source: FunctionSource;
  /** Beyond what every function has; names of `src/lambda/env.ts`. */
  environment: Record<string, string>;
  vpc?: IVpc | undefined;
}

/** Read by onnxruntime before any code of ours runs in its worker threads: no usage reports. */
const NO_TELEMETRY = { ORT_DISABLE_TELEMETRY: '1' };
/** Bytes, read by glibc when a process starts: without it what decoders free stays in each of their threads. */
const FREED_IS_GIVEN_BACK = { MALLOC_TRIM_THRESHOLD_: '131072' };
/** Of every metric, so that alarms can name them. */
export const METRICS_NAMESPACE = 'ShowAndTell';
const ALIAS = 'live';

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
  /** Failures of the version in service; a canary goes back on it. */
  readonly errors: IAlarm;

  constructor(scope: Construct, id: string, props: CaptionerFunctionProps) {
    super(scope, id);
    const { settings, name } = props;
    const limits = settings.functions[name];
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
      ...(limits.provisionedConcurrency > 0 && {
        provisionedConcurrentExecutions: limits.provisionedConcurrency,
      }),
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
      description: `Captions images: ${name}`,
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
      // Somebody goes back to one by hand, days later. One that never got into service goes with its deployment.
      // CloudFormation removes old ones last, so a deployment that fails finds the version before it in any case.
      currentVersionOptions: {
        removalPolicy:
          settings.removal === 'retain' ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY,
      },
      ...(vpc && { vpc }),
    };
    if (source.kind === 'container') return this.makeContainerFunction(name, settings, options);
    return new LambdaFunction(this, 'Function', {
      ...options,
      runtime: Runtime.NODEJS_24_X,
      handler: `${name}.handler`,
      // With modes in it, which CDK's own hash leaves out: what was uploaded unreadable once would be found again and kept.
      code: Code.fromAsset(source.directory, { assetHash: hashOf(source.directory) }),
    });
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
      threshold: 1,
      evaluationPeriods: 1,
      comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
  }

  private deployInSteps(): void {
    const group = new LambdaDeploymentGroup(this, 'Deployment', {
      alias: this.alias,
      deploymentConfig: LambdaDeploymentConfig.CANARY_10PERCENT_5MINUTES,
      alarms: [this.errors],
    });
    acknowledge(
      group,
      'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSCodeDeployRoleForLambdaLimited]',
      'The narrowest role that AWS maintains for CodeDeploy on Lambda, and only CodeDeploy assumes it. It moves aliases ' +
        'and reads alarms; the only S3 objects that it reads are tagged for CodeDeploy, and ours are not.',
    );
  }
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
