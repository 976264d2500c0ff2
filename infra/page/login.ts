/** Where people sign in who open the page: a user pool of the stack's own, or somebody's provider. */
import { Duration, Lazy, RemovalPolicy } from 'aws-cdk-lib';
import {
  AccountRecovery,
  CfnManagedLoginBranding,
  ManagedLoginVersion,
  Mfa,
  OAuthScope,
  UserPool,
  type UserPoolClient,
} from 'aws-cdk-lib/aws-cognito';
import { Construct } from 'constructs';
import { LOGIN_CLIENT_ID, LOGIN_ISSUER, LOGIN_SCOPE } from '../../src/lambda/login-env.ts';
import { acknowledge } from '../acknowledge.ts';
import type { PageSettings } from '../page-settings.ts';

type CognitoSettings = Extract<PageSettings['login'], { kind: 'cognito' }>;

/** Of a token to renew others with: longer than a day at work, shorter than until the next one. */
const SESSION_HOURS = 12;
/** For a renewal whose answer got lost, at most a minute. */
const ROTATION_GRACE = Duration.seconds(30);

export class PageLogin extends Construct {
  readonly issuer: string;
  readonly audience: string[];
  /** One of them has to be in every token; none where the provider's are not known. */
  readonly requiredScopes: string[];
  /** For the function that serves the page. */
  readonly environment: Record<string, string>;
  readonly userPoolId: string | undefined;
  /** Where people come back to; known once the page has an address. */
  private pageUrl: string | undefined;

  constructor(scope: Construct, id: string, settings: PageSettings['login'], removal: RemovalPolicy) {
    super(scope, id);
    if (settings.kind === 'oidc') {
      const { issuer, clientId, scope: asked, audience = [clientId] } = settings;
      this.issuer = issuer;
      this.audience = audience;
      this.requiredScopes = [];
      this.environment = environmentOf(issuer, clientId, asked);
      return;
    }
    const pool = this.makePool(settings, removal);
    const client = this.makeClient(pool);
    this.openDoor(pool, client, settings);
    this.issuer = pool.userPoolProviderUrl;
    this.audience = [client.userPoolClientId];
    // No other token of the pool has it, neither one that says who somebody is nor one that Cognito's own interface gave.
    this.requiredScopes = [OAuthScope.OPENID.scopeName];
    this.environment = environmentOf(this.issuer, client.userPoolClientId, OAuthScope.OPENID.scopeName);
    this.userPoolId = pool.userPoolId;
  }

  comeBackTo(pageUrl: string): void {
    this.pageUrl = pageUrl;
  }

  private makePool({ secondFactor }: CognitoSettings, removalPolicy: RemovalPolicy): UserPool {
    const pool = new UserPool(this, 'People', {
      selfSignUpEnabled: false,
      signInAliases: { email: true },
      signInCaseSensitive: false,
      accountRecovery: AccountRecovery.EMAIL_ONLY,
      passwordPolicy: {
        minLength: 12,
        requireDigits: true,
        requireLowercase: true,
        requireUppercase: true,
        requireSymbols: true,
        tempPasswordValidity: Duration.days(7),
      },
      // Not optional: managed login offers to set it up only where everybody has to.
      // https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_CreateUserPool.html
      mfa: secondFactor ? Mfa.REQUIRED : Mfa.OFF,
      ...(secondFactor && { mfaSecondFactor: { otp: true, sms: false } }),
      deletionProtection: removalPolicy === RemovalPolicy.RETAIN,
      removalPolicy,
    });
    acknowledge(
      pool,
      'AwsSolutions-COG8',
      'The plan Plus costs by the person and month, for what a pool that nobody can join by themselves needs least: ' +
        'the firewall limits how often anybody may try, and a second factor is asked for unless the settings say not to.',
    );
    if (!secondFactor) {
      acknowledge(
        pool,
        'AwsSolutions-COG2',
        'The deployer switched the second factor off (page.login.secondFactor). What a password opens is the captioning ' +
          'of photographs, within the limits of the API.',
      );
    }
    return pool;
  }

  private makeClient(pool: UserPool): UserPoolClient {
    const here = [Lazy.string({ produce: () => this.pageUrl })];
    return pool.addClient('Page', {
      // A page keeps no secret: what proves that it began is made anew each time (PKCE).
      generateSecret: false,
      // Named, since those that Cognito takes else have one that no client may have whose tokens are renewed by turns. Tokens
      // of this one lack the scope that the API wants.
      authFlows: { userSrp: true },
      oAuth: {
        flows: { authorizationCodeGrant: true, implicitCodeGrant: false },
        scopes: [OAuthScope.OPENID],
        callbackUrls: here,
        logoutUrls: here,
      },
      preventUserExistenceErrors: true,
      enableTokenRevocation: true,
      accessTokenValidity: Duration.hours(1),
      refreshTokenValidity: Duration.hours(SESSION_HOURS),
      refreshTokenRotationGracePeriod: ROTATION_GRACE,
    });
  }

  private openDoor(pool: UserPool, client: UserPoolClient, { domainPrefix }: CognitoSettings): void {
    pool.addDomain('Door', {
      cognitoDomain: { domainPrefix },
      managedLoginVersion: ManagedLoginVersion.NEWER_MANAGED_LOGIN,
    });
    // Without one, managed login shows nothing for the client.
    new CfnManagedLoginBranding(this, 'Look', {
      userPoolId: pool.userPoolId,
      clientId: client.userPoolClientId,
      useCognitoProvidedValues: true,
    });
  }
}

function environmentOf(issuer: string, clientId: string, scope: string): Record<string, string> {
  return { [LOGIN_ISSUER]: issuer, [LOGIN_CLIENT_ID]: clientId, [LOGIN_SCOPE]: scope };
}
