/**
 * What a run over a bucket reads and writes, each with no more permission than its prefix needs; the CDK's own
 * readers and writers ask for the whole bucket.
 */
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';

/** Where runs leave what their batches answered, in the results bucket. */
export const RUNS_PREFIX = 'runs';
/** Where lists of images are read from, in the results bucket: inventories and CSV files. */
export const LISTS_PREFIX = 'lists';
/** Where S3 delivers inventories: a destination's `Prefix`, to which S3 adds bucket and configuration. */
export const INVENTORY_PREFIX = `${LISTS_PREFIX}/inventory`;

/** Lists the bucket that the execution names, which IAM refuses for any but `allowed`. */
export class PrefixReader extends sfn.S3ObjectsItemReader {
  private readonly allowed: readonly IBucket[];

  constructor(allowed: readonly IBucket[]) {
    super({ bucketNamePath: '{% $states.input.bucket %}', prefix: '{% $states.input.prefix %}' });
    this.allowed = allowed;
  }

  override providePolicyStatements(): PolicyStatement[] {
    return [
      new PolicyStatement({
        actions: ['s3:ListBucket'],
        resources: this.allowed.map(({ bucketArn }) => bucketArn),
      }),
    ];
  }
}

/** The manifest of an S3 inventory in CSV; its data files lie below the same prefix. */
export class InventoryReader extends sfn.S3ManifestItemReader {
  constructor(bucket: IBucket) {
    super({ bucket, key: '{% $states.input.inventory %}' });
  }

  override providePolicyStatements(): PolicyStatement[] {
    return [readLists(this.bucket)];
  }
}

/** A CSV file whose first row names its columns. */
export class CsvReader extends sfn.S3CsvItemReader {
  constructor(bucket: IBucket) {
    super({ bucket, key: '{% $states.input.csv %}' });
  }

  override providePolicyStatements(): PolicyStatement[] {
    return [readLists(this.bucket)];
  }
}

/** One line of JSON for each batch that ended well; those that failed keep error and input. */
export class RunWriter extends sfn.ResultWriterV2 {
  constructor(bucket: IBucket) {
    super({
      bucket,
      prefix: RUNS_PREFIX,
      writerConfig: { outputType: sfn.OutputType.JSONL, transformation: sfn.Transformation.COMPACT },
    });
  }

  override providePolicyStatements(): PolicyStatement[] {
    return [
      new PolicyStatement({
        // https://docs.aws.amazon.com/step-functions/latest/dg/input-output-resultwriter.html
        actions: ['s3:PutObject', 's3:GetObject', 's3:ListMultipartUploadParts', 's3:AbortMultipartUpload'],
        resources: [`${this.bucket?.bucketRef.bucketArn}/${RUNS_PREFIX}/*`],
      }),
    ];
  }
}

function readLists(bucket: IBucket): PolicyStatement {
  return new PolicyStatement({
    actions: ['s3:GetObject'],
    resources: [bucket.arnForObjects(`${LISTS_PREFIX}/*`)],
  });
}
