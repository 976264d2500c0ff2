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
import { allowReadingImages, captionsAnything, type InputBucket } from './input/input-bucket.ts';
import type { ExistingBucket } from './input/input-settings.ts';
import type { Settings } from './settings.ts';
import { INVENTORY_PREFIX, RUNS_PREFIX } from './workflow/storage.ts';

type OwnInput = Extract<Settings['input'], { kind: 'own' }>;

const UNFINISHED_UPLOAD_DAYS = 1;

export class CaptionerBuckets extends Construct {
  /** At least one. */
  readonly inputs: readonly InputBucket[];
  /** The input bucket, where it is the stack's own, so that clients may be let in to upload. */
  readonly owned: Bucket | undefined;
  readonly results: Bucket;
  readonly accessLogs: Bucket;
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
      versioned: settings.resultsVersioned,
      serverAccessLogsBucket: this.accessLogs,
      serverAccessLogsPrefix: 'results/',
    });
    const { input } = settings;
    this.owned = input.kind === 'own' ? this.makeOwn(input) : undefined;
    this.inputs = this.findInputs();
    this.takeInventories([...new Map(this.inputs.map(({ bucket }) => [bucket.bucketName, bucket])).values()]);
  }

  allowReading({ role, name }: CaptionerFunction): void {
    allowReadingImages(role, this.inputs, captionsAnything(`The ${name} function`));
  }

  /** The same for buckets of others, named in the settings. */
  allowReadingOf(names: readonly string[], { role, name }: CaptionerFunction): void {
    const buckets = names.map((bucketName) => ({
      bucket: Bucket.fromBucketName(this, `${name}-${bucketName}`, bucketName),
      prefix: '',
    }));
    allowReadingImages(
      role,
      buckets,
      'The deployer named this bucket in allowedBuckets, so that any of its images may be captioned. Reading only.',
    );
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
    const bucket = this.owned!;
    const resources = [bucket.arnForObjects(`${DEFAULT_UPLOADS_PREFIX}*`)];
    role.addToPolicy(new PolicyStatement({ actions: ['s3:PutObject', 's3:GetObject'], resources }));
    this.allowListing(role, bucket);
    acknowledge(
      role,
      objectsFinding(bucket.node.defaultChild as CfnBucket, DEFAULT_UPLOADS_PREFIX),
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

  private findInputs(): InputBucket[] {
    const { input } = this.settings;
    switch (input.kind) {
      case 'own':
        return this.ownInputs(input, this.owned!);
      case 'existing':
        return this.existingInputs([input]);
      case 'several':
        return this.existingInputs(input.buckets);
    }
  }

  /** Uploads have keys without an ending, below a prefix of their own: they are captioned whatever the filters. */
  private ownInputs({ prefix, suffixes }: OwnInput, bucket: Bucket): InputBucket[] {
    const filtered = { bucket, prefix, suffixes };
    if (prefix === '' && suffixes.length === 0) return [filtered];
    return [filtered, { bucket, prefix: DEFAULT_UPLOADS_PREFIX, suffixes: [] }];
  }

  private existingInputs(buckets: readonly ExistingBucket[]): InputBucket[] {
    return buckets.map(({ name: bucketName, prefix, suffixes, keyArn }, i) => ({
      bucket: Bucket.fromBucketAttributes(this, `Input${i || ''}`, {
        bucketName,
        ...(keyArn && { encryptionKey: Key.fromKeyArn(this, `InputKey${i || ''}`, keyArn) }),
      }),
      prefix,
      suffixes,
    }));
  }

  private makeOwn({ expireDays, versioned }: OwnInput): Bucket {
    const { api } = this.settings;
    const bucket = this.makeBucket('Input', expireDays, {
      versioned,
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
          ...(props.versioned && { noncurrentVersionExpiration: Duration.days(expireDays) }),
          abortIncompleteMultipartUploadAfter: Duration.days(UNFINISHED_UPLOAD_DAYS),
        },
      ],
      ...props,
    });
  }
}
