/** The address: HTTP API in front of the function, closed to all but signed requests unless the settings open it. */
import { CfnOutput, RemovalPolicy } from 'aws-cdk-lib';
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import {
  ApiMapping,
  CorsHttpMethod,
  DomainName,
  EndpointType,
  HttpApi,
  HttpMethod,
  HttpNoneAuthorizer,
  HttpStage,
  type IHttpRouteAuthorizer,
  LogGroupLogDestination,
  SecurityPolicy,
} from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpIamAuthorizer, HttpJwtAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { acknowledge } from './acknowledge.ts';
import type { CaptionerFunction } from './functions/captioner-function.ts';
import type { Settings } from './settings.ts';

/** Without OPTIONS: the API itself answers what browsers ask beforehand, and they sign nothing then. */
const METHODS = [HttpMethod.GET, HttpMethod.HEAD, HttpMethod.POST];

/** Who, what, how it ended and how long it took; never a body or a query. */
const ACCESS_LOG = {
  requestId: '$context.requestId',
  time: '$context.requestTime',
  ip: '$context.identity.sourceIp',
  caller: '$context.identity.userArn',
  route: '$context.routeKey',
  path: '$context.path',
  status: '$context.status',
  bytes: '$context.responseLength',
  milliseconds: '$context.responseLatency',
  integrationMilliseconds: '$context.integrationLatency',
  error: '$context.error.message',
  integrationError: '$context.integrationErrorMessage',
};

export class CaptionerApi extends Construct {
  readonly api: HttpApi;
  readonly url: string;

  constructor(scope: Construct, id: string, settings: Settings, captioner: CaptionerFunction) {
    super(scope, id);
    const { corsOrigins, domain } = settings.api;
    this.api = new HttpApi(this, 'Api', {
      description: 'show-and-tell: captions for images',
      createDefaultStage: false,
      defaultAuthorizer: authorizerOf(settings),
      // With a name of its own, the generated one would be a way around what is put in front of it.
      disableExecuteApiEndpoint: domain !== undefined,
      ...(corsOrigins.length > 0 && {
        corsPreflight: {
          allowOrigins: corsOrigins,
          allowMethods: [CorsHttpMethod.GET, CorsHttpMethod.HEAD, CorsHttpMethod.POST],
          allowHeaders: [
            'authorization',
            'content-type',
            'x-amz-date',
            'x-amz-security-token',
            'x-amz-content-sha256',
          ],
        },
      }),
    });
    const integration = new HttpLambdaIntegration('Captioner', captioner.alias);
    for (const path of ['/', '/{path+}']) this.api.addRoutes({ path, methods: METHODS, integration });
    if (settings.api.auth.kind === 'none') this.acknowledgeOpenness();
    const stage = this.makeStage(settings);
    this.url = domain === undefined ? stage.url : this.nameIt(domain, stage);
  }

  private makeStage({ api, logRetentionDays }: Settings): HttpStage {
    const logs = new LogGroup(this, 'AccessLogs', {
      retention: logRetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    return new HttpStage(this, 'Stage', {
      httpApi: this.api,
      stageName: '$default',
      autoDeploy: true,
      detailedMetricsEnabled: true,
      throttle: { rateLimit: api.requestsPerSecond, burstLimit: api.burst },
      accessLogSettings: {
        destination: new LogGroupLogDestination(logs),
        format: AccessLogFormat.custom(JSON.stringify(ACCESS_LOG)),
      },
    });
  }

  private nameIt(domain: NonNullable<Settings['api']['domain']>, stage: HttpStage): string {
    const name = new DomainName(this, 'Domain', {
      domainName: domain.name,
      certificate: Certificate.fromCertificateArn(this, 'Certificate', domain.certificateArn),
      endpointType: EndpointType.REGIONAL,
      securityPolicy: SecurityPolicy.TLS_1_2,
    });
    new ApiMapping(this, 'Mapping', { api: this.api, domainName: name, stage });
    new CfnOutput(this, 'DomainTarget', {
      description: `Make ${domain.name} an alias (or CNAME) of this`,
      value: name.regionalDomainName,
    });
    return `https://${domain.name}/`;
  }

  private acknowledgeOpenness(): void {
    acknowledge(
      this.api,
      'AwsSolutions-APIG4',
      'The deployer opened the address in writing (settings.api.auth.acknowledge). Throttling and reserved concurrency ' +
        'bound what anybody can cost, and the function then reads no image from S3 but those of allowedBuckets.',
    );
  }
}

function authorizerOf({ api: { auth } }: Settings): IHttpRouteAuthorizer {
  switch (auth.kind) {
    case 'iam':
      return new HttpIamAuthorizer();
    case 'jwt':
      return new HttpJwtAuthorizer('Jwt', auth.issuer, { jwtAudience: auth.audience });
    case 'none':
      return new HttpNoneAuthorizer();
  }
}
