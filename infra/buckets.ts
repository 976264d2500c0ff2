/** Buckets: images in, result documents out, and who read what. All private, encrypted, TLS only. */
import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import {
  BlockPublicAccess,
  Bucket,
  BucketEncryption,
  type BucketProps,
  type CfnBucket,
  HttpMethods,
  type IBucket,
  ObjectOwnership,
} from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { DEFAULT_RESULTS_PREFIX, DEFAULT_UPLOADS_PREFIX } from '../src/aws/places.ts';
import { acknowledge, objectsFinding } from './acknowledge.ts';
import type { CaptionerFunction } from './functions/captioner-function.ts';
import type { Settings } from './settings.ts';
import { INVENTORY_PREFIX, RUNS_PREFIX } from './workflow/storage.ts';

const READ_OBJECT = ['s3:GetObject', 's3:GetObjectVersion'];
const UNFINISHED_UPLOAD_DAYS = 1;

export class CaptionerBuckets extends Construct {
  readonly input: IBucket;
  readonly results: Bucket;
  readonly accessLogs: Bucket;
  /** Keys of the input bucket that are captioned start so. */
  readonly inputPrefix: string;
  /** Whether the input bucket is the stack's own, so that clients may be let in to upload. */
  readonly ownsInput: boolean;
  private readonly settings: Settings;

  constructor(scope: Construct, id: string, settings: Settings) {
    super(scope, id);
    this.settings = settings;
    this.accessLogs = this.makeBucket('AccessLogs', settings.accessLogsExpireDays);
    acknowledge(
      this.accessLogs,
      'AwsSolutions-S1',
      'The bucket of access logs cannot log into itself without end. Only the log delivery of S3 may write to it.',
    );
    this.results = this.makeBucket('Results', settings.resultsExpireDays, {
      serverAccessLogsBucket: this.accessLogs,
      serverAccessLogsPrefix: 'results/',
    });
    this.ownsInput = settings.input.kind === 'own';
    this.inputPrefix = settings.input.kind === 'existing' ? settings.input.prefix : '';
    this.input = this.makeInput();
    this.takeInventories([this.input]);
  }

  /** Lets a function read images; listing tells "not found" from "not allowed", which S3 else does not. */
  allowReading({ role, name }: CaptionerFunction, prefix = this.inputPrefix): void {
    role.addToPolicy(
      new PolicyStatement({ actions: READ_OBJECT, resources: [this.input.arnForObjects(`${prefix}*`)] }),
    );
    this.allowListing(role, this.input);
    this.input.encryptionKey?.grantDecrypt(role);
    const reason = `The ${name} function captions any image that lies there: keys are not known before. Reading only.`;
    const bucket = this.input.node.defaultChild as CfnBucket | undefined;
    if (bucket !== undefined) acknowledge(role, objectsFinding(bucket, prefix), reason);
    else acknowledge(role, foreignObjectsFinding(this.input.bucketName, prefix), reason);
  }

  /** The same for buckets of others, named in the settings. */
  allowReadingOf(names: readonly string[], { role, name }: CaptionerFunction): void {
    for (const bucketName of names) {
      const bucket = Bucket.fromBucketName(this, `${name}-${bucketName}`, bucketName);
      role.addToPolicy(new PolicyStatement({ actions: READ_OBJECT, resources: [bucket.arnForObjects('*')] }));
      this.allowListing(role, bucket);
      acknowledge(
        role,
        foreignObjectsFinding(bucketName, ''),
        'The deployer named this bucket in allowedBuckets, so that any of its images may be captioned. Reading only.',
      );
    }
  }

  /** Results are looked for before they are written, and never deleted. */
  allowWritingResults({ role }: CaptionerFunction): void {
    this.allowOnResults(role, ['s3:GetObject', 's3:PutObject'], 'writes one document an image');
  }

  allowReadingResults({ role }: CaptionerFunction): void {
    this.allowOnResults(role, ['s3:GetObject'], 'hands out the document of an upload');
  }

  /** Lets the function sign uploads, and see whether they have come. */
  allowUploads({ role }: CaptionerFunction): void {
    const resources = [this.input.arnForObjects(`${DEFAULT_UPLOADS_PREFIX}*`)];
    role.addToPolicy(new PolicyStatement({ actions: ['s3:PutObject', 's3:GetObject'], resources }));
    this.allowListing(role, this.input);
    acknowledge(
      role,
      objectsFinding(this.input.node.defaultChild as CfnBucket, DEFAULT_UPLOADS_PREFIX),
      'Every upload gets a random key below this prefix; nothing else in the bucket can be written.',
    );
  }

  /** What the batches of a run over the bucket answered. */
  allowReadingRuns({ role }: CaptionerFunction): void {
    const prefix = `${RUNS_PREFIX}/`;
    this.allowOnResults(role, ['s3:GetObject'], 'sums up what the batches of a run answered', prefix);
  }

  /**
   * Lets S3 deliver inventories of the images to where runs read lists. They lie below the name of the bucket that they are of.
   * https://docs.aws.amazon.com/AmazonS3/latest/userguide/example-bucket-policies.html#example-bucket-policies-s3-inventory
   */
  private takeInventories(sources: readonly IBucket[]): void {
    for (const { bucketName, bucketArn } of sources) {
      this.results.addToResourcePolicy(
        new PolicyStatement({
          principals: [new ServicePrincipal('s3.amazonaws.com')],
          actions: ['s3:PutObject'],
          resources: [this.results.arnForObjects(`${INVENTORY_PREFIX}/${bucketName}/*`)],
          conditions: {
            ArnLike: { 'aws:SourceArn': bucketArn },
            StringEquals: {
              'aws:SourceAccount': Stack.of(this).account,
              's3:x-amz-acl': 'bucket-owner-full-control',
            },
          },
        }),
      );
    }
  }

  private allowOnResults(
    role: CaptionerFunction['role'],
    actions: string[],
    what: string,
    prefix = DEFAULT_RESULTS_PREFIX,
  ): void {
    const resources = [this.results.arnForObjects(`${prefix}*`)];
    role.addToPolicy(new PolicyStatement({ actions, resources }));
    this.allowListing(role, this.results);
    acknowledge(
      role,
      objectsFinding(this.results.node.defaultChild as CfnBucket, prefix),
      `The function ${what}; names below this prefix are not known before. No other prefix, no deletion.`,
    );
  }

  private allowListing(role: CaptionerFunction['role'], bucket: IBucket): void {
    role.addToPolicy(new PolicyStatement({ actions: ['s3:ListBucket'], resources: [bucket.bucketArn] }));
  }

  private makeInput(): IBucket {
    const { input, api } = this.settings;
    if (input.kind === 'existing') {
      return Bucket.fromBucketAttributes(this, 'Input', {
        bucketName: input.name,
        ...(input.keyArn && { encryptionKey: Key.fromKeyArn(this, 'InputKey', input.keyArn) }),
      });
    }
    const bucket = this.makeBucket('Input', input.expireDays, {
      serverAccessLogsBucket: this.accessLogs,
      serverAccessLogsPrefix: 'input/',
      ...(api.corsOrigins.length > 0 && {
        cors: [
          {
            allowedMethods: [HttpMethods.PUT],
            allowedOrigins: api.corsOrigins,
            allowedHeaders: ['content-type', 'if-none-match'],
          },
        ],
      }),
    });
    // `eventBridgeEnabled` would do it with a function of CDK's that may change the notifications of every bucket.
    (bucket.node.defaultChild as CfnBucket).notificationConfiguration = {
      eventBridgeConfiguration: { eventBridgeEnabled: true },
    };
    return bucket;
  }

  private makeBucket(id: string, expireDays: number, props: BucketProps = {}): Bucket {
    return new Bucket(this, id, {
      encryption: BucketEncryption.S3_MANAGED,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      // A bucket of a deployment that failed at once holds nothing, and would be in nobody's way but the next one's.
      removalPolicy:
        this.settings.removal === 'retain' ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY,
      lifecycleRules: [
        {
          expiration: Duration.days(expireDays),
          abortIncompleteMultipartUploadAfter: Duration.days(UNFINISHED_UPLOAD_DAYS),
        },
      ],
      ...props,
    });
  }
}

function foreignObjectsFinding(bucket: string, prefix: string): string {
  return `AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:s3:::${bucket}/${prefix}*]`;
}
