/** One server in its container: what runs, with which rights. */
import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { Platform } from 'aws-cdk-lib/aws-ecr-assets';
import {
  Capability,
  ContainerImage,
  Ec2TaskDefinition,
  LinuxParameters,
  LogDriver,
  NetworkMode,
} from 'aws-cdk-lib/aws-ecs';
import { type IRole, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Bucket, CfnBucket } from 'aws-cdk-lib/aws-s3';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { acknowledge, objectsFinding } from '../acknowledge.ts';
import { ROOT } from '../functions/stage-native.ts';
import type { GpuSettings } from '../gpu-settings.ts';
import {
  allowReadingImages,
  allowTaggingImages,
  captionsAnything,
  type InputBucket,
  namesOf,
} from '../input/input-bucket.ts';
import { SERVER_PORT } from './balancer.ts';

/** Where the image has the bundles. */
const IMAGE_ROOT = '/app';
/** The server takes 25 s for what is at work over HTTP; a message that takes longer comes back to the queue. */
const STOP_SECONDS = 60;
/** Before a failed check counts: CUDA starts, and every worker loads its model. */
const START_SECONDS = 120;

export interface GpuTaskProps {
  inputQueue: IQueue;
  inputs: readonly InputBucket[];
  resultsBucket: Bucket;
  resultsPrefix: string;
  /** The bundle, from the root of the repository. */
  modelDirectory: string;
  maxObjectBytes: number;
  maxPixels: number | undefined;
  /** Whom the server tells of results. */
  events: { busName: string; deployment: string; allowTelling(role: IRole): void } | undefined;
  tagObjects: boolean;
  logRetentionDays: RetentionDays;
  settings: GpuSettings;
}

export class GpuTask extends Construct {
  readonly definition: Ec2TaskDefinition;
  private readonly logs: LogGroup;

  constructor(scope: Construct, id: string, props: GpuTaskProps) {
    super(scope, id);
    this.logs = new LogGroup(this, 'Logs', {
      retention: props.logRetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.definition = new Ec2TaskDefinition(this, 'Definition', { networkMode: NetworkMode.AWS_VPC });
    this.addServer(props);
    allowCaptioning(this.definition.taskRole, props);
    acknowledge(
      this.definition,
      'AwsSolutions-ECS2',
      'The only variable is the name of the region, which is no secret; everything else is an argument in plain sight.',
    );
    acknowledge(
      this.definition.obtainExecutionRole(),
      'AwsSolutions-IAM5[Resource::*]',
      'ecr:GetAuthorizationToken names no resource: AWS defines it for * only. The image itself is named.',
    );
  }

  private addServer(props: GpuTaskProps): void {
    const { settings, modelDirectory } = props;
    const linuxParameters = new LinuxParameters(this, 'Linux');
    linuxParameters.dropCapabilities(Capability.ALL);
    this.definition.addContainer('Server', {
      image: ContainerImage.fromAsset(ROOT, {
        file: 'infra/container/Dockerfile',
        target: 'server',
        // onnxruntime has CUDA for no other.
        platform: Platform.LINUX_AMD64,
        buildArgs: { ACCELERATOR: 'cuda', BASE: settings.baseImage, MODEL_DIR: modelDirectory },
      }),
      command: commandOf(props),
      gpuCount: 1,
      memoryLimitMiB: settings.memory,
      readonlyRootFilesystem: true,
      dockerSecurityOptions: ['no-new-privileges'],
      linuxParameters,
      logging: LogDriver.awsLogs({ logGroup: this.logs, streamPrefix: 'server' }),
      portMappings: [{ containerPort: SERVER_PORT }],
      stopTimeout: Duration.seconds(STOP_SECONDS),
      healthCheck: {
        command: ['CMD', 'node', `${IMAGE_ROOT}/container/healthcheck.js`],
        interval: Duration.seconds(15),
        timeout: Duration.seconds(5),
        startPeriod: Duration.seconds(START_SECONDS),
      },
    });
  }
}

/** Flags of `show-and-tell serve`. */
function commandOf(props: GpuTaskProps): string[] {
  const { settings, inputQueue, inputs, resultsBucket, events } = props;
  const flags = {
    host: '0.0.0.0',
    port: SERVER_PORT,
    model: `${IMAGE_ROOT}/${props.modelDirectory}`,
    'execution-provider': 'cuda',
    workers: settings.workers,
    'queue-url': inputQueue.queueUrl,
    'allowed-buckets': namesOf(inputs).join(','),
    'results-bucket': resultsBucket.bucketName,
    'results-prefix': props.resultsPrefix,
    'max-object-bytes': props.maxObjectBytes,
    ...(props.maxPixels !== undefined && { 'max-pixels': props.maxPixels }),
    ...(events && { 'event-bus': events.busName, deployment: events.deployment }),
  };
  return [
    'serve',
    ...Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)]),
    ...(props.tagObjects ? ['--tag-objects'] : []),
    ...settings.corsOrigins.flatMap((origin) => ['--cors-origin', origin]),
  ];
}

/** Takes messages, reads images, writes results: what the function of the queue may, and no more. */
function allowCaptioning(role: IRole, props: GpuTaskProps): void {
  const { inputQueue, inputs, resultsBucket, resultsPrefix, tagObjects, events } = props;
  const allow = (actions: string[], ...resources: string[]) =>
    role.addToPrincipalPolicy(new PolicyStatement({ actions, resources }));
  allow(['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:ChangeMessageVisibility'], inputQueue.queueArn);
  allowReadingImages(role, inputs, captionsAnything('The server'));
  if (tagObjects) allowTaggingImages(role, inputs);
  events?.allowTelling(role);
  allow(['s3:GetObject', 's3:PutObject'], resultsBucket.arnForObjects(`${resultsPrefix}*`));
  allow(['s3:ListBucket'], resultsBucket.bucketArn);
  acknowledge(
    role,
    objectsFinding(resultsBucket.node.defaultChild as CfnBucket, resultsPrefix),
    'The server writes one document an image below this prefix: names are not known before. No other prefix, no deletion.',
  );
}
