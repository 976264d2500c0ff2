import { CfnOutput, RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib';
import { type IVpc, Vpc } from 'aws-cdk-lib/aws-ec2';
import type { Construct } from 'constructs';
import { DEFAULT_RESULTS_PREFIX, DEFAULT_UPLOADS_PREFIX } from '../src/aws/places.ts';
import * as env from '../src/lambda/env.ts';
import { UPLOADS_BUCKET, UPLOADS_PREFIX } from '../src/lambda/uploads-env.ts';
import { acknowledge } from './acknowledge.ts';
import { CaptionerAlarms } from './alarms.ts';
import { CaptionerBuckets } from './buckets.ts';
import { CaptionerDashboard } from './dashboard.ts';
import { CaptionerFunction, type FunctionSource } from './functions/captioner-function.ts';
import { GpuService } from './gpu/service.ts';
import { CaptionerApi } from './http-api.ts';
import { ImageQueue } from './image-queue.ts';
import { PageDistribution } from './page/distribution.ts';
import { firewallFor } from './page/firewall.ts';
import { PageLogin } from './page/login.ts';
import type { FunctionName, Settings } from './settings.ts';
import { acknowledgeWorkflows } from './workflow/acknowledge-workflows.ts';
import { Workflows } from './workflow/workflow.ts';

export interface CaptionerStackProps extends StackProps {
  settings: Settings;
  source: FunctionSource;
}

/** Everything of one environment. */
export class CaptionerStack extends Stack {
  private readonly settings: Settings;
  private readonly source: FunctionSource;
  private readonly buckets: CaptionerBuckets;
  private readonly network: IVpc | undefined;
  private readonly login: PageLogin | undefined;

  constructor(scope: Construct, id: string, { settings, source, ...props }: CaptionerStackProps) {
    super(scope, id, { terminationProtection: settings.removal === 'retain', ...props });
    this.settings = settings;
    this.source = source;
    this.network = this.findNetwork();
    this.buckets = new CaptionerBuckets(this, 'Buckets', settings);
    this.login = this.makeLogin();
    const functions = {
      http: this.httpFunction(),
      queue: this.queueFunction(),
      workflow: this.workflowFunction(),
      summary: this.summaryFunction(),
    };
    const api = new CaptionerApi(this, 'Http', settings, functions.http, this.login);
    this.addPage(api);
    const images = new ImageQueue(this, 'Queue', {
      settings,
      buckets: this.buckets,
      captioner: functions.queue,
    });
    this.addGpu(images);
    const workflows = new Workflows(this, 'Workflows', {
      workflowFunction: functions.workflow.alias,
      summaryFunction: functions.summary.alias,
      inputBucket: this.buckets.input,
      resultsBucket: this.buckets.results,
      settings,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    acknowledgeWorkflows(workflows, this.buckets.results, settings.tracing);
    const alarms = new CaptionerAlarms(this, 'Alarms', { settings, functions, images, api, workflows });
    new CaptionerDashboard(this, 'Dashboard', { settings, functions, images, alarms, api });
    this.tell({
      Url: api.url,
      InputBucket: this.buckets.input.bucketName,
      ResultsBucket: this.buckets.results.bucketName,
      OneImageStateMachine: workflows.oneImage.stateMachineArn,
      WholeBucketStateMachine: workflows.wholeBucket.stateMachineArn,
    });
  }

  private httpFunction(): CaptionerFunction {
    const { allowedBuckets, api } = this.settings;
    // An open address must not tell strangers what is on the pictures of others.
    const mayReadInput = api.auth.kind !== 'none';
    const readable = [...(mayReadInput ? [this.buckets.input.bucketName] : []), ...allowedBuckets];
    const captioner = this.makeFunction('http', {
      ...(readable.length > 0 && { [env.ALLOWED_BUCKETS]: readable.join(',') }),
      ...(this.buckets.ownsInput && {
        [UPLOADS_BUCKET]: this.buckets.input.bucketName,
        [UPLOADS_PREFIX]: DEFAULT_UPLOADS_PREFIX,
        ...this.resultsPlace(),
      }),
      ...this.login?.environment,
    });
    if (mayReadInput) this.buckets.allowReading(captioner);
    this.buckets.allowReadingOf(allowedBuckets, captioner);
    if (this.buckets.ownsInput) {
      this.buckets.allowUploads(captioner);
      this.buckets.allowReadingResults(captioner);
    }
    return captioner;
  }

  private queueFunction(): CaptionerFunction {
    const captioner = this.makeFunction('queue', {
      [env.ALLOWED_BUCKETS]: this.buckets.input.bucketName,
      ...this.resultsPlace(),
    });
    this.buckets.allowReading(captioner);
    this.buckets.allowWritingResults(captioner);
    return captioner;
  }

  private workflowFunction(): CaptionerFunction {
    const { allowedBuckets } = this.settings;
    const captioner = this.makeFunction('workflow', {
      [env.ALLOWED_BUCKETS]: [this.buckets.input.bucketName, ...allowedBuckets].join(','),
      ...this.resultsPlace(),
    });
    this.buckets.allowReading(captioner);
    this.buckets.allowReadingOf(allowedBuckets, captioner);
    this.buckets.allowWritingResults(captioner);
    return captioner;
  }

  private summaryFunction(): CaptionerFunction {
    const summary = this.makeFunction('summary', {});
    this.buckets.allowReadingRuns(summary);
    return summary;
  }

  private makeFunction(name: FunctionName, environment: Record<string, string>): CaptionerFunction {
    const { settings, source, network: vpc } = this;
    return new CaptionerFunction(this, `${name[0]!.toUpperCase()}${name.slice(1)}Function`, {
      name,
      settings,
      source,
      environment,
      vpc,
    });
  }

  private resultsPlace(): Record<string, string> {
    return {
      [env.RESULTS_BUCKET]: this.buckets.results.bucketName,
      [env.RESULTS_PREFIX]: DEFAULT_RESULTS_PREFIX,
    };
  }

  private findNetwork(): IVpc | undefined {
    const { vpc } = this.settings;
    if (vpc === undefined) return undefined;
    const { id: vpcId, availabilityZones, privateSubnetIds } = vpc;
    const network = Vpc.fromVpcAttributes(this, 'Network', { vpcId, availabilityZones, privateSubnetIds });
    acknowledge(
      network,
      'Annotation::@aws-cdk/aws-ec2:noSubnetRouteTableId',
      'Nothing here reads or changes the route tables of a network that belongs to others.',
    );
    return network;
  }

  private makeLogin(): PageLogin | undefined {
    const { page, removal } = this.settings;
    if (page === undefined) return undefined;
    const whenGone = removal === 'retain' ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY;
    return new PageLogin(this, 'Login', page.login, whenGone);
  }

  private addPage(api: CaptionerApi): void {
    const { login, settings } = this;
    if (settings.page === undefined || login === undefined) return;
    const { url } = new PageDistribution(this, 'Page', {
      domain: settings.page.domain,
      apiDomainName: api.domainName,
      webAclArn: firewallFor(this, settings.page.firewall, settings.logRetentionDays),
    });
    login.comeBackTo(url);
    this.tell({ PageUrl: url, ...(login.userPoolId && { UserPoolId: login.userPoolId }) });
  }

  private addGpu({ queue }: ImageQueue): void {
    const { gpu, modelDirectory, maxObjectBytes, maxPixels, logRetentionDays } = this.settings;
    if (gpu === undefined || this.network === undefined) return;
    const { input, inputPrefix, results, accessLogs } = this.buckets;
    const { url } = new GpuService(this, 'Gpu', {
      vpc: this.network,
      inputQueue: queue,
      inputBucket: input,
      inputPrefix,
      resultsBucket: results,
      resultsPrefix: DEFAULT_RESULTS_PREFIX,
      accessLogs,
      modelDirectory,
      maxObjectBytes,
      maxPixels,
      logRetentionDays,
      settings: gpu,
    });
    this.tell({ GpuUrl: url });
  }

  private tell(outputs: Record<string, string>): void {
    for (const [name, value] of Object.entries(outputs)) new CfnOutput(this, name, { value });
  }
}
