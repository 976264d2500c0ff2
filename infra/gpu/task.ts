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
import type { Bucket, CfnBucket, IBucket } from 'aws-cdk-lib/aws-s3';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { acknowledge, objectsFinding } from '../acknowledge.ts';
import { ROOT } from '../functions/stage-native.ts';
import type { GpuSettings } from '../gpu-settings.ts';
import { SERVER_PORT } from './balancer.ts';

/** Where the image has the bundles. */
const IMAGE_ROOT = '/app';
/** The server takes 25 s for what is at work over HTTP; a message that takes longer comes back to the queue. */
const STOP_SECONDS = 60;
/** Before a failed check counts: CUDA starts, and every worker loads its model. */
const START_SECONDS = 120;

export interface GpuTaskProps {
  inputQueue: IQueue;
  inputBucket: IBucket;
  /** Keys that are captioned start so. */
  inputPrefix: string;
  resultsBucket: Bucket;
  resultsPrefix: string;
  /** The bundle, from the root of the repository. */
  modelDirectory: string;
  maxObjectBytes: number;
  maxPixels: number | undefined;
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
  const { settings, inputQueue, inputBucket, resultsBucket } = props;
  const flags = {
    host: '0.0.0.0',
    port: SERVER_PORT,
    model: `${IMAGE_ROOT}/${props.modelDirectory}`,
    'execution-provider': 'cuda',
    workers: settings.workers,
    'queue-url': inputQueue.queueUrl,
    'allowed-buckets': inputBucket.bucketName,
    'results-bucket': resultsBucket.bucketName,
    'results-prefix': props.resultsPrefix,
    'max-object-bytes': props.maxObjectBytes,
    ...(props.maxPixels !== undefined && { 'max-pixels': props.maxPixels }),
  };
  return [
    'serve',
    ...Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)]),
    ...settings.corsOrigins.flatMap((origin) => ['--cors-origin', origin]),
  ];
}

/** Takes messages, reads images, writes results: what the function of the queue may, and no more. */
function allowCaptioning(role: IRole, props: GpuTaskProps): void {
  const { inputQueue, inputBucket, inputPrefix, resultsBucket, resultsPrefix } = props;
  const allow = (actions: string[], ...resources: string[]) =>
    role.addToPrincipalPolicy(new PolicyStatement({ actions, resources }));
  allow(['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:ChangeMessageVisibility'], inputQueue.queueArn);
  allow(['s3:GetObject', 's3:GetObjectVersion'], inputBucket.arnForObjects(`${inputPrefix}*`));
  allow(['s3:GetObject', 's3:PutObject'], resultsBucket.arnForObjects(`${resultsPrefix}*`));
  // Listing tells "not found" from "not allowed", which S3 else does not.
  allow(['s3:ListBucket'], inputBucket.bucketArn, resultsBucket.bucketArn);
  inputBucket.encryptionKey?.grantDecrypt(role);
  acknowledge(
    role,
    [
      readFinding(inputBucket, inputPrefix),
      objectsFinding(resultsBucket.node.defaultChild as CfnBucket, resultsPrefix),
    ],
    'The server captions any image that lies below one prefix and writes one document for each below the other: names ' +
      'are not known before. No other prefix, no deletion.',
  );
}

function readFinding(bucket: IBucket, prefix: string): string {
  const own = bucket.node.defaultChild as CfnBucket | undefined;
  return own === undefined
    ? `AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:s3:::${bucket.bucketName}/${prefix}*]`
    : objectsFinding(own, prefix);
}
