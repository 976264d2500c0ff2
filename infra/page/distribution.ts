/** CloudFront in front of the API: a browser's way in. */
import { CfnOutput, Duration } from 'aws-cdk-lib';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import {
  AllowedMethods,
  type BehaviorOptions,
  CacheCookieBehavior,
  CacheHeaderBehavior,
  CachePolicy,
  CacheQueryStringBehavior,
  Distribution,
  HttpVersion,
  OriginProtocolPolicy,
  OriginRequestPolicy,
  OriginSslPolicy,
  SecurityPolicyProtocol,
  ViewerProtocolPolicy,
} from 'aws-cdk-lib/aws-cloudfront';
import { HttpOrigin } from 'aws-cdk-lib/aws-cloudfront-origins';
import { Construct } from 'constructs';
import { acknowledge } from '../acknowledge.ts';
import type { PageSettings } from '../page-settings.ts';
import { OPEN_PATHS } from './open-paths.ts';

/** HTTP APIs give up after as long. */
const LONGEST_ANSWER = Duration.seconds(30);
/**
 * Answers to GET that CloudFront would repeat to everybody for ten seconds, whatever the function says about keeping them.
 * https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/custom-error-pages-expiration.html
 */
const KEPT_ERRORS = [400, 403, 404, 405, 414, 500, 501, 502, 503, 504];
/** A new version shows after as long, and however often strangers ask, the function is asked once, for each place of CloudFront. */
const OPEN_CACHED = Duration.minutes(1);

export interface PageDistributionProps {
  domain: PageSettings['domain'];
  /** Where the API answers. */
  apiDomainName: string;
  webAclArn: string;
}

export class PageDistribution extends Construct {
  /** Of the page, ending in `/`. */
  readonly url: string;

  constructor(scope: Construct, id: string, { domain, apiDomainName, webAclArn }: PageDistributionProps) {
    super(scope, id);
    const origin = new HttpOrigin(apiDomainName, {
      protocolPolicy: OriginProtocolPolicy.HTTPS_ONLY,
      originSslProtocols: [OriginSslPolicy.TLS_V1_2],
      readTimeout: LONGEST_ANSWER,
    });
    const open = this.openBehavior(origin);
    const distribution = new Distribution(this, 'Distribution', {
      comment: 'show-and-tell: the page',
      webAclId: webAclArn,
      httpVersion: HttpVersion.HTTP2_AND_3,
      defaultBehavior: {
        origin,
        viewerProtocolPolicy: ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
        allowedMethods: AllowedMethods.ALLOW_ALL,
        cachePolicy: CachePolicy.CACHING_DISABLED,
        // With `authorization`; without `host`, which the API would not know.
        originRequestPolicy: OriginRequestPolicy.ALL_VIEWER_EXCEPT_HOST_HEADER,
        // What is large is compressed already.
        compress: false,
      },
      additionalBehaviors: Object.fromEntries(OPEN_PATHS.map((path) => [path, open])),
      errorResponses: KEPT_ERRORS.map((httpStatus) => ({ httpStatus, ttl: Duration.seconds(0) })),
      ...(domain && {
        domainNames: [domain.name],
        certificate: Certificate.fromCertificateArn(this, 'Certificate', domain.certificateArn),
        minimumProtocolVersion: SecurityPolicyProtocol.TLS_V1_2_2021,
      }),
    });
    this.explain(distribution, domain !== undefined);
    this.url = `https://${domain?.name ?? distribution.distributionDomainName}/`;
    if (domain) {
      new CfnOutput(this, 'DomainTarget', {
        description: `Make ${domain.name} an alias (or CNAME) of this`,
        value: distribution.distributionDomainName,
      });
    }
  }

  /** Nothing of a request but its path reaches the function: neither the code that a provider sends people back with, nor a cookie. */
  private openBehavior(origin: HttpOrigin): BehaviorOptions {
    const cachePolicy = new CachePolicy(this, 'OpenPaths', {
      comment: 'show-and-tell: what is the same for everybody',
      minTtl: OPEN_CACHED,
      defaultTtl: OPEN_CACHED,
      maxTtl: OPEN_CACHED,
      cookieBehavior: CacheCookieBehavior.none(),
      headerBehavior: CacheHeaderBehavior.none(),
      queryStringBehavior: CacheQueryStringBehavior.none(),
      enableAcceptEncodingGzip: true,
      enableAcceptEncodingBrotli: true,
    });
    return {
      origin,
      viewerProtocolPolicy: ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
      allowedMethods: AllowedMethods.ALLOW_GET_HEAD,
      cachePolicy,
    };
  }

  private explain(distribution: Distribution, hasName: boolean): void {
    acknowledge(
      distribution,
      'AwsSolutions-CFR1',
      'Who may use the page is whoever can sign in, from wherever they are; nothing here is for some countries alone.',
    );
    acknowledge(
      distribution,
      'AwsSolutions-CFR3',
      'What is let through stands in the access log of the API with its caller, what is not in the log of the firewall. ' +
        'The standard log of CloudFront would say it a third time: its first version wants a bucket with ACLs, its second ' +
        'is set up in us-east-1 alone.',
    );
    if (hasName) return;
    acknowledge(
      distribution,
      'AwsSolutions-CFR4',
      'The certificate of cloudfront.net comes with the oldest protocols that CloudFront speaks. A name of its own ' +
        '(page.domain) brings TLS 1.2 as the least; browsers that run the page speak that in any case.',
    );
  }
}
