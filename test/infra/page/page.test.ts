/** The page in the cloud: who gets what before signing in, and what stands between a browser and the function. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { OPEN_PATHS } from '../../../infra/page/open-paths.ts';
import { settingsOf } from '../../../infra/settings.ts';
import { readLogin } from '../../../src/lambda/login-env.ts';
import { blocksOf, readDocument, tableRows } from '../../docs/documents.ts';
import { nameOf, type Resources, resolve } from '../../support/aws/template.ts';
import { type Deployed, deployedAs } from '../deployed.ts';

const COGNITO = 'page with people of its own';
const OIDC = 'page, OIDC and names of its own';
const ROUTE = 'AWS::ApiGatewayV2::Route';
const DISTRIBUTION = 'AWS::CloudFront::Distribution';
const CLIENT = 'AWS::Cognito::UserPoolClient';
/** Policies that AWS manages. https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-cache-policies.html */
const CACHING_DISABLED = '4135ea2d-6df8-44a3-9df3-4b5a84be39ad';
const ALL_VIEWER_EXCEPT_HOST_HEADER = 'b689b0a8-53d0-40ab-baf2-68738e2966ac';

interface Behavior {
  PathPattern?: string;
  AllowedMethods: string[];
  CachePolicyId: string;
  OriginRequestPolicyId?: string;
  ViewerProtocolPolicy: string;
}

interface DistributionConfig {
  Aliases?: string[];
  CacheBehaviors: Behavior[];
  CustomErrorResponses: { ErrorCode: number; ErrorCachingMinTTL: number }[];
  DefaultCacheBehavior: Behavior;
  Origins: { DomainName: string; CustomOriginConfig: Record<string, unknown> }[];
  ViewerCertificate?: Record<string, unknown>;
  WebACLId: unknown;
}

function distributionOf({ propertiesOf }: Deployed): DistributionConfig {
  return propertiesOf(DISTRIBUTION, 'Page').DistributionConfig as DistributionConfig;
}

function variablesOf({ propertiesOf }: Deployed, name: string): Record<string, string> {
  const { Environment } = propertiesOf('AWS::Lambda::Function', `${name}Function`);
  return (Environment as { Variables: Record<string, string> }).Variables;
}

function templateOf({ assembly }: Deployed, stack: string): { Resources: Resources; Outputs: object } {
  return JSON.parse(readFileSync(join(assembly, `${stack}.template.json`), 'utf8'));
}

for (const way of [COGNITO, OIDC]) {
  describe(way, () => {
    test('nothing but the page and the reference is open, and that to be read alone', () => {
      const { idsOf, resources } = deployedAs(way);
      const routes = idsOf(ROUTE).map((id) => resources[id]!.Properties);
      const keysOf = (type: string) =>
        routes.flatMap(({ AuthorizationType, RouteKey }) =>
          AuthorizationType === type ? [String(RouteKey)] : [],
        );
      assert.deepEqual(
        keysOf('NONE').sort(),
        ['GET', 'HEAD'].flatMap((method) => OPEN_PATHS.map((path) => `${method} ${path}`)).sort(),
      );
      assert.deepEqual(keysOf('JWT').sort(), ['GET /{path+}', 'HEAD /{path+}', 'POST /', 'POST /{path+}']);
    });

    test('what is open is answered from the cache, and nothing of a request but its path reaches the function', () => {
      const { CacheBehaviors: open } = distributionOf(deployedAs(way));
      assert.deepEqual(open.map(({ PathPattern }) => PathPattern).sort(), [...OPEN_PATHS].sort());
      const { CachePolicyConfig } = deployedAs(way).propertiesOf('AWS::CloudFront::CachePolicy', 'Page');
      const policy = CachePolicyConfig as Record<string, unknown> & {
        ParametersInCacheKeyAndForwardedToOrigin: Record<string, unknown>;
      };
      assert.deepEqual([policy.MinTTL, policy.DefaultTTL, policy.MaxTTL], [60, 60, 60]);
      const told = policy.ParametersInCacheKeyAndForwardedToOrigin;
      assert.deepEqual(told.CookiesConfig, { CookieBehavior: 'none' });
      assert.deepEqual(told.HeadersConfig, { HeaderBehavior: 'none' });
      assert.deepEqual(told.QueryStringsConfig, { QueryStringBehavior: 'none' });
      for (const behavior of open) {
        assert.equal(behavior.OriginRequestPolicyId, undefined);
        assert.deepEqual(behavior.AllowedMethods, ['GET', 'HEAD']);
        assert.equal(behavior.ViewerProtocolPolicy, 'redirect-to-https');
      }
    });

    test('all else goes to the API as it came, and no answer is given twice', () => {
      const { DefaultCacheBehavior: rest, CustomErrorResponses } = distributionOf(deployedAs(way));
      assert.equal(rest.CachePolicyId, CACHING_DISABLED);
      assert.equal(rest.OriginRequestPolicyId, ALL_VIEWER_EXCEPT_HOST_HEADER);
      assert.ok(rest.AllowedMethods.includes('POST'));
      assert.equal(rest.ViewerProtocolPolicy, 'redirect-to-https');
      // https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/HTTPStatusCodes.html
      const kept = [400, 403, 404, 405, 414, 500, 501, 502, 503, 504];
      assert.deepEqual(
        CustomErrorResponses.map((error) => [error.ErrorCode, error.ErrorCachingMinTTL]),
        kept.map((status) => [status, 0]),
      );
    });

    test('CloudFront speaks TLS 1.2 to the API alone, and waits for as long as the function may take', () => {
      const [origin, ...others] = distributionOf(deployedAs(way)).Origins;
      assert.deepEqual(others, []);
      const { OriginProtocolPolicy, OriginSSLProtocols, OriginReadTimeout } = origin!.CustomOriginConfig;
      assert.deepEqual([OriginProtocolPolicy, OriginSSLProtocols], ['https-only', ['TLSv1.2']]);
      const { Timeout } = deployedAs(way).propertiesOf('AWS::Lambda::Function', 'HttpFunction');
      assert.ok(Number(OriginReadTimeout) >= Number(Timeout));
    });

    test('the page asks for tokens of the issuer whose tokens the API takes', () => {
      const deployed = deployedAs(way);
      const { JwtConfiguration } = deployed.propertiesOf('AWS::ApiGatewayV2::Authorizer', 'Http');
      const variables = variablesOf(deployed, 'Http');
      assert.equal((JwtConfiguration as { Issuer: string }).Issuer, variables.LOGIN_ISSUER);
      assert.equal(variablesOf(deployed, 'Queue').LOGIN_ISSUER, undefined);
    });
  });
}

describe('people of its own', () => {
  const deployed = () => deployedAs(COGNITO);

  test('nobody joins by themselves, a password is not enough, and people stay when the stack goes', () => {
    const { propertiesOf, whenDeleted } = deployed();
    const pool = propertiesOf('AWS::Cognito::UserPool', 'Login');
    assert.deepEqual(pool.AdminCreateUserConfig, { AllowAdminCreateUserOnly: true });
    assert.deepEqual([pool.MfaConfiguration, pool.EnabledMfas], ['ON', ['SOFTWARE_TOKEN_MFA']]);
    assert.deepEqual(pool.UsernameConfiguration, { CaseSensitive: false });
    assert.equal(pool.DeletionProtection, 'ACTIVE');
    assert.equal(whenDeleted('AWS::Cognito::UserPool', 'Login'), 'Retain');
    // Another would be a pool without anybody, and a page at another address.
    assert.deepEqual(deployed().idsOf('AWS::Cognito::UserPool'), ['LoginPeople6B21FE82']);
    assert.deepEqual(deployed().idsOf(DISTRIBUTION), ['PageDistributionFBB4E0B8']);
  });

  test('the page is a client without a secret, for the code grant alone, and tokens to renew with are good once', () => {
    const client = deployed().propertiesOf(CLIENT, 'Login');
    assert.equal(client.GenerateSecret, false);
    assert.deepEqual(client.AllowedOAuthFlows, ['code']);
    assert.deepEqual(client.AllowedOAuthScopes, ['openid']);
    assert.equal(client.EnableTokenRevocation, true);
    assert.equal(client.PreventUserExistenceErrors, 'ENABLED');
    assert.deepEqual(client.RefreshTokenRotation, { Feature: 'ENABLED', RetryGracePeriodSeconds: 30 });
    // Cognito takes no client with both.
    assert.deepEqual(client.ExplicitAuthFlows, ['ALLOW_USER_SRP_AUTH']);
    assert.deepEqual([client.AccessTokenValidity, client.RefreshTokenValidity], [60, 720]);
  });

  test('people come back to the page and to nowhere else', () => {
    const { propertiesOf, idOf, template, resources } = deployed();
    const { CallbackURLs, LogoutURLs } = propertiesOf(CLIENT, 'Login');
    const page = `https://${nameOf(idOf(DISTRIBUTION, 'Page'))}.DomainName/`;
    assert.deepEqual([CallbackURLs, LogoutURLs], [[page], [page]]);
    const { PageUrl } = template.findOutputs('PageUrl');
    assert.equal(resolve(PageUrl!.Value, resources), page);
    assert.ok('UserPoolId' in template.findOutputs('UserPoolId'));
  });

  test('only tokens of people who signed in there have the scope that the API wants', () => {
    const { idsOf, resources, propertiesOf } = deployed();
    for (const id of idsOf(ROUTE)) {
      const { AuthorizationType, AuthorizationScopes } = resources[id]!.Properties;
      if (AuthorizationType === 'JWT') assert.deepEqual(AuthorizationScopes, ['openid'], id);
    }
    const client = deployed().named(CLIENT, 'Login');
    const { JwtConfiguration } = propertiesOf('AWS::ApiGatewayV2::Authorizer', 'Http');
    assert.deepEqual((JwtConfiguration as { Audience: string[] }).Audience, [client]);
    assert.equal(variablesOf(deployed(), 'Http').LOGIN_CLIENT_ID, client);
  });

  test('managed login has a look for the client, without which it shows nothing', () => {
    const { propertiesOf, named } = deployed();
    const { ManagedLoginVersion, Domain } = propertiesOf('AWS::Cognito::UserPoolDomain', 'Login');
    assert.deepEqual([ManagedLoginVersion, Domain], [2, 'captions-example']);
    const look = propertiesOf('AWS::Cognito::ManagedLoginBranding', 'Login');
    assert.deepEqual([look.ClientId, look.UseCognitoProvidedValues], [named(CLIENT, 'Login'), true]);
  });
});

describe('a firewall of its own', () => {
  const deployed = () => deployedAs(COGNITO);
  const resources = () => Object.values(templateOf(deployed(), 'Captioner-firewall').Resources);
  const ofType = (type: string) => resources().find(({ Type }) => Type === type)!.Properties;

  test('is a stack in us-east-1, deployed before, whose output the distribution reads', () => {
    const { WebACLId } = distributionOf(deployed());
    assert.deepEqual(WebACLId, {
      'Fn::GetStackOutput': {
        StackName: 'Captioner-firewall',
        OutputName: 'WebAclArn',
        Region: 'us-east-1',
      },
    });
    assert.ok('WebAclArn' in templateOf(deployed(), 'Captioner-firewall').Outputs);
    const { artifacts } = JSON.parse(readFileSync(join(deployed().assembly, 'manifest.json'), 'utf8'));
    assert.match(artifacts['Captioner-firewall'].environment, /\/us-east-1$/);
    assert.ok(artifacts.Captioner.dependencies.includes('Captioner-firewall'));
    assert.equal(artifacts['Captioner-firewall'].properties.terminationProtection, true);
  });

  test('asks for patience where there are too many requests, and takes no photograph for an attack', () => {
    const acl = ofType('AWS::WAFv2::WebACL');
    assert.equal(acl.Scope, 'CLOUDFRONT');
    const [rate, , common] = acl.Rules as Record<string, never>[];
    assert.deepEqual(rate!.Statement, {
      RateBasedStatement: { AggregateKeyType: 'IP', EvaluationWindowSec: 300, Limit: 1000 },
    });
    const { CustomResponse } = (rate!.Action as { Block: Record<string, unknown> }).Block;
    assert.deepEqual(CustomResponse, {
      ResponseCode: 429,
      ResponseHeaders: [{ Name: 'retry-after', Value: '60' }],
    });
    const { ManagedRuleGroupStatement } = common!.Statement as Record<
      string,
      { RuleActionOverrides: { Name: string; ActionToUse: object }[] }
    >;
    const counted = ManagedRuleGroupStatement!.RuleActionOverrides;
    for (const { ActionToUse } of counted) assert.deepEqual(ActionToUse, { Count: {} });
    // https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-baseline.html
    const aboutBodies = [
      'SizeRestrictions',
      'CrossSiteScripting',
      'GenericLFI',
      'GenericRFI',
      'EC2MetaDataSSRF',
    ];
    for (const rule of aboutBodies)
      assert.ok(
        counted.some(({ Name }) => Name === `${rule}_BODY`),
        rule,
      );
  });

  test('its log names what was refused, without tokens, codes or cookies', () => {
    const logging = ofType('AWS::WAFv2::LoggingConfiguration');
    const { DefaultBehavior, Filters } = logging.LoggingFilter as {
      DefaultBehavior: string;
      Filters: object[];
    };
    assert.equal(DefaultBehavior, 'DROP');
    assert.match(
      JSON.stringify(Filters),
      /^\[\{"Behavior":"KEEP",[^[]*\[\{"ActionCondition":\{"Action":"BLOCK"\}\}\]\}\]$/,
    );
    const redacted = JSON.stringify(logging.RedactedFields);
    for (const field of ['"QueryString":{}', '"Name":"authorization"', '"Name":"cookie"'])
      assert.ok(redacted.includes(field), field);
    const { LogGroupName, RetentionInDays } = ofType('AWS::Logs::LogGroup');
    assert.match(String(LogGroupName), /^aws-waf-logs-/);
    assert.match(JSON.stringify(logging.LogDestinationConfigs), new RegExp(`:log-group:${LogGroupName}"`));
    assert.equal(RetentionInDays, 90);
  });
});

describe('with a provider, names and a firewall that are there already', () => {
  const deployed = () => deployedAs(OIDC);

  test('the page knows the provider as the settings name it', () => {
    assert.deepEqual(readLogin(variablesOf(deployed(), 'Http')), {
      issuer: 'https://issuer.example/',
      clientId: 'page',
      scope: 'openid',
    });
    const { JwtConfiguration } = deployed().propertiesOf('AWS::ApiGatewayV2::Authorizer', 'Http');
    assert.deepEqual((JwtConfiguration as { Audience: string[] }).Audience, ['captions']);
    assert.deepEqual(deployed().idsOf('AWS::Cognito::UserPool'), []);
  });

  test('each name is where it belongs', () => {
    const { Aliases, Origins, ViewerCertificate, WebACLId } = distributionOf(deployed());
    assert.deepEqual(Aliases, ['captions.example.org']);
    assert.equal(Origins[0]!.DomainName, 'api.example.org');
    assert.equal(ViewerCertificate!.MinimumProtocolVersion, 'TLSv1.2_2021');
    assert.match(String(ViewerCertificate!.AcmCertificateArn), /:us-east-1:/);
    assert.equal(WebACLId, 'arn:aws:wafv2:us-east-1:111122223333:global/webacl/company/0123');
    const { PageUrl } = deployed().template.findOutputs('PageUrl');
    assert.equal(PageUrl!.Value, 'https://captions.example.org/');
  });
});

test('nothing of it is there unless it is asked for', () => {
  const { resources, assembly } = deployedAs('prod');
  for (const { Type } of Object.values(resources)) assert.doesNotMatch(Type, /Cognito|CloudFront|WAF/);
  const { artifacts } = JSON.parse(readFileSync(join(assembly, 'manifest.json'), 'utf8'));
  assert.ok(!Object.keys(artifacts).some((name) => name.includes('firewall')));
  assert.equal(readLogin(variablesOf(deployedAs('prod'), 'Http')), null);
});

describe('docs/page.md', () => {
  const document = readDocument('docs/page.md');

  test('what it says to write are settings', () => {
    const written = blocksOf(document, 'sh').flatMap((block) =>
      [...block.matchAll(/<<'JSON'\n(.*?)^JSON/gms)].map(([, json]) => JSON.parse(json!)),
    );
    assert.deepEqual(
      written.map((overrides) => settingsOf('dev', overrides).page!.login.kind),
      ['cognito', 'oidc'],
    );
  });

  test('what it says is open is', () => {
    const open = tableRows(document).flatMap(([paths, to]) => (to?.startsWith('everybody') ? [paths!] : []));
    assert.deepEqual(
      [...open.join().matchAll(/`([^`]+)`/g)].map(([, path]) => path),
      OPEN_PATHS,
    );
  });
});
