/** The address: HTTP API in front of the function, closed to all but signed requests unless the settings open it. */
import { CfnOutput, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
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
import { CORS_ANSWER_HEADERS, CORS_MAX_AGE_SECONDS, CORS_REQUEST_HEADERS } from '../src/http/cross-origin.ts';
import { acknowledge } from './acknowledge.ts';
import type { CaptionerFunction } from './functions/captioner-function.ts';
import type { PageLogin } from './page/login.ts';
import { OPEN_PATHS } from './page/open-paths.ts';
import type { Settings } from './settings.ts';

/** Without OPTIONS: the API itself answers what browsers ask beforehand, and they sign nothing then. */
const METHODS = [HttpMethod.GET, HttpMethod.HEAD, HttpMethod.POST];

/** Of what is open to everybody. */
const OPEN_METHODS = [HttpMethod.GET, HttpMethod.HEAD];

/** What requests signed with SigV4 have beside `authorization`. */
const SIGNATURE_HEADERS = ['x-amz-content-sha256', 'x-amz-date', 'x-amz-security-token'];

/** Who, what, how it ended and how long it took; never a body or a query. */
const ACCESS_LOG = {
  requestId: '$context.requestId',
  time: '$context.requestTime',
  ip: '$context.identity.sourceIp',
  caller: '$context.identity.userArn',
  /** Of a token, where the API takes tokens. */
  subject: '$context.authorizer.claims.sub',
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
  /** Known before the function is, unlike `url`, which waits for the routes. */
  readonly domainName: string;

  /** @param login of the page, where there is one */
  constructor(
    scope: Construct,
    id: string,
    settings: Settings,
    captioner: CaptionerFunction,
    login: PageLogin | undefined,
  ) {
    super(scope, id);
    const { corsOrigins, domain } = settings.api;
    this.api = new HttpApi(this, 'Api', {
      description: 'show-and-tell: captions for images',
      createDefaultStage: false,
      defaultAuthorizer: authorizerOf(settings, login),
      // With a name of its own, the generated one would be a way around what is put in front of it.
      disableExecuteApiEndpoint: domain !== undefined,
      // Of the API alone: it answers preflights itself, sends these headers with its own refusals too (403, 429, 503), and
      // ignores those of the function. https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html
      ...(corsOrigins.length > 0 && {
        corsPreflight: {
          allowOrigins: corsOrigins,
          allowMethods: [CorsHttpMethod.GET, CorsHttpMethod.HEAD, CorsHttpMethod.POST],
          allowHeaders: [...CORS_REQUEST_HEADERS, ...SIGNATURE_HEADERS],
          exposeHeaders: CORS_ANSWER_HEADERS,
          maxAge: Duration.seconds(CORS_MAX_AGE_SECONDS),
        },
      }),
    });
    const integration = new HttpLambdaIntegration('Captioner', captioner.alias);
    if (login !== undefined) this.openPage(integration);
    for (const path of ['/', '/{path+}']) {
      this.api.addRoutes({
        path,
        // Those of the page are there already.
        methods: METHODS.filter(
          (method) => login === undefined || path !== '/' || !OPEN_METHODS.includes(method),
        ),
        integration,
        ...(login && { authorizationScopes: login.requiredScopes }),
      });
    }
    if (settings.api.auth.kind === 'none') this.acknowledgeOpenness();
    const stage = this.makeStage(settings);
    const { region, urlSuffix } = Stack.of(this);
    this.domainName = domain?.name ?? `${this.api.apiId}.execute-api.${region}.${urlSuffix}`;
    this.url = domain === undefined ? stage.url : this.nameIt(domain, stage);
  }

  private openPage(integration: HttpLambdaIntegration): void {
    const authorizer = new HttpNoneAuthorizer();
    for (const path of OPEN_PATHS) {
      for (const route of this.api.addRoutes({ path, methods: OPEN_METHODS, integration, authorizer })) {
        acknowledge(
          route,
          'AwsSolutions-APIG4',
          'A browser has to get the page before anybody can sign in there. What this route answers is the same for ' +
            'everybody, reads no image and no bucket, and comes out of a cache.',
        );
      }
    }
  }

  private makeStage({ api, logRetentionDays }: Settings): HttpStage {
    const logs = new LogGroup(this, 'AccessLogs', {
      // As those of the state machines: services that deliver logs share one policy of the account, which only has room for so
      // many names. https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-infrastructure-V2-CloudWatchLogs.html
      logGroupName: `/aws/vendedlogs/apigateway/${Stack.of(this).stackName}-AccessLogs`,
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
      'The deployer opened the address in writing (settings.api.auth.acknowledge). Throttling, and reserved ' +
        'concurrency where there is one, bound what anybody can cost, and the function then reads no image from S3 but ' +
        'those of allowedBuckets.',
    );
  }
}

function authorizerOf({ api: { auth } }: Settings, login: PageLogin | undefined): IHttpRouteAuthorizer {
  switch (auth.kind) {
    case 'iam':
      return new HttpIamAuthorizer();
    case 'jwt':
      return new HttpJwtAuthorizer('Jwt', auth.issuer, { jwtAudience: auth.audience });
    case 'page':
      return new HttpJwtAuthorizer('Login', login!.issuer, { jwtAudience: login!.audience });
    case 'none':
      return new HttpNoneAuthorizer();
  }
}
