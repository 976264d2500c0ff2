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
import { encryptStack } from './encryption.ts';
import { ResultEvents } from './events/result-events.ts';
import { CaptionerFunction, type FunctionSource } from './functions/captioner-function.ts';
import { GpuService } from './gpu/service.ts';
import { CaptionerApi } from './http-api.ts';
import { ImageQueue } from './image-queue.ts';
import { allowTaggingImages, namesOf } from './input/input-bucket.ts';
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
  private readonly events: ResultEvents | undefined;
  private readonly network: IVpc | undefined;
  private readonly login: PageLogin | undefined;
  protected readonly alarms: CaptionerAlarms;

  constructor(scope: Construct, id: string, { settings, source, ...props }: CaptionerStackProps) {
    super(scope, id, { terminationProtection: settings.removal === 'retain', ...props });
    this.settings = settings;
    this.source = source;
    this.network = this.findNetwork();
    this.buckets = new CaptionerBuckets(this, 'Buckets', settings);
    this.events = settings.events && new ResultEvents(this, 'Events', settings.events);
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
    const gpu = this.addGpu(images);
    const workflows = new Workflows(this, 'Workflows', {
      workflowFunction: functions.workflow.alias,
      summaryFunction: functions.summary.alias,
      inputBuckets: this.buckets.inputs.map(({ bucket }) => bucket),
      resultsBucket: this.buckets.results,
      settings,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    acknowledgeWorkflows(workflows, this.buckets.results, settings.tracing);
    this.alarms = new CaptionerAlarms(this, 'Alarms', { settings, functions, images, api, workflows });
    new CaptionerDashboard(this, 'Dashboard', { settings, functions, images, alarms: this.alarms, api });
    if (settings.customerKey !== undefined) {
      encryptStack(this, {
        setting: settings.customerKey,
        removal: settings.removal,
        accessLogs: this.buckets.accessLogs,
        readers: [functions.summary.role],
        writers: [
          functions.http.role,
          functions.queue.role,
          functions.workflow.role,
          workflows.wholeBucket.role,
          ...(gpu ? [gpu.role] : []),
        ],
      });
    }
    new CfnOutput(this, 'InputBucket', {
      value: namesOf(this.buckets.inputs).join(','),
      description: describeInput(settings),
    });
    new CfnOutput(this, 'ResultsBucket', {
      value: this.buckets.results.bucketName,
      description: `Results are deleted ${settings.resultsExpireDays} days after they were written (resultsExpireDays)`,
    });
    if (this.events?.topic) this.tell({ ResultsTopic: this.events.topic.topicArn });
    this.tell({
      Url: api.url,
      OneImageStateMachine: workflows.oneImage.stateMachineArn,
      WholeBucketStateMachine: workflows.wholeBucket.stateMachineArn,
    });
  }

  private httpFunction(): CaptionerFunction {
    const { allowedBuckets, api } = this.settings;
    // An open address must not tell strangers what is on the pictures of others.
    const mayReadInput = api.auth.kind !== 'none';
    const readable = [...(mayReadInput ? namesOf(this.buckets.inputs) : []), ...allowedBuckets];
    const captioner = this.makeFunction('http', {
      ...(readable.length > 0 && { [env.ALLOWED_BUCKETS]: readable.join(',') }),
      ...(this.buckets.owned && {
        [UPLOADS_BUCKET]: this.buckets.owned.bucketName,
        [UPLOADS_PREFIX]: DEFAULT_UPLOADS_PREFIX,
        ...this.resultsPlace(),
      }),
      ...this.login?.environment,
    });
    if (mayReadInput) this.buckets.allowReading(captioner);
    this.buckets.allowReadingOf(allowedBuckets, captioner);
    if (this.buckets.owned) {
      this.buckets.allowUploads(captioner);
      this.buckets.allowReadingResults(captioner);
    }
    return captioner;
  }

  private queueFunction(): CaptionerFunction {
    const captioner = this.makeFunction('queue', {
      [env.ALLOWED_BUCKETS]: namesOf(this.buckets.inputs).join(','),
      ...this.resultsPlace(),
      ...this.followUps(),
    });
    this.buckets.allowReading(captioner);
    this.allowRecording(captioner);
    return captioner;
  }

  private workflowFunction(): CaptionerFunction {
    const { allowedBuckets } = this.settings;
    const captioner = this.makeFunction('workflow', {
      [env.ALLOWED_BUCKETS]: [...namesOf(this.buckets.inputs), ...allowedBuckets].join(','),
      ...this.resultsPlace(),
      ...this.followUps(),
    });
    this.buckets.allowReading(captioner);
    this.buckets.allowReadingOf(allowedBuckets, captioner);
    this.allowRecording(captioner);
    return captioner;
  }

  private summaryFunction(): CaptionerFunction {
    const summary = this.makeFunction('summary', { ...this.events?.environment });
    this.buckets.allowReadingRuns(summary);
    this.events?.allowTelling(summary.role);
    return summary;
  }

  /** What becomes of an outcome: a document, and what the settings ask for beside it. */
  private allowRecording(captioner: CaptionerFunction): void {
    this.buckets.allowWritingResults(captioner);
    if (this.settings.tagObjects) allowTaggingImages(captioner.role, this.buckets.inputs);
    this.events?.allowTelling(captioner.role);
  }

  private followUps(): Record<string, string> {
    return {
      ...this.events?.environment,
      ...(this.settings.tagObjects && { [env.TAG_OBJECTS]: namesOf(this.buckets.inputs).join(',') }),
    };
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

  private addGpu({ queue }: ImageQueue): GpuService | undefined {
    const { gpu, modelDirectory, maxObjectBytes, maxPixels, logRetentionDays, tagObjects } = this.settings;
    if (gpu === undefined || this.network === undefined) return undefined;
    const { inputs, results, accessLogs } = this.buckets;
    const service = new GpuService(this, 'Gpu', {
      vpc: this.network,
      inputQueue: queue,
      inputs,
      resultsBucket: results,
      resultsPrefix: DEFAULT_RESULTS_PREFIX,
      accessLogs,
      modelDirectory,
      maxObjectBytes,
      maxPixels,
      events: this.events,
      tagObjects,
      logRetentionDays,
      settings: gpu,
    });
    this.tell({ GpuUrl: service.url });
    return service;
  }

  private tell(outputs: Record<string, string>): void {
    for (const [name, value] of Object.entries(outputs)) new CfnOutput(this, name, { value });
  }
}

/** What whoever reads the outputs has to know before putting images there. */
function describeInput({ input }: Settings): string {
  return input.kind === 'own'
    ? `Images are deleted ${input.expireDays} days after they came, originals too (input.expireDays)`
    : 'Images stay as long as the owner of the bucket lets them';
}
