/** What a deployer may change about the page in the cloud. */
import * as z from 'zod';

/** https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-assign-domain-prefix.html */
const domainPrefix = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/, 'expected up to 63 of a-z, 0-9 and -')
  .refine((prefix) => !/aws|amazon|cognito/.test(prefix), 'Cognito takes no aws, amazon or cognito in it');

const loginSchema = z.discriminatedUnion('kind', [
  /** A user pool of Cognito that the stack makes; nobody is in it who was not added by hand. */
  z.strictObject({
    kind: z.literal('cognito'),
    /** Of the address where people sign in; the region may have it once, all accounts together. */
    domainPrefix,
    /** Whether everybody needs an authenticator app beside the password. */
    secondFactor: z.boolean().default(true),
  }),
  /** A provider that is there already. Its access tokens have to be JWTs, signed with RSA. */
  z.strictObject({
    kind: z.literal('oidc'),
    /** As in the tokens, letter by letter. */
    issuer: z.url({ protocol: /^https$/ }),
    /** A public client (no secret), for the code grant with PKCE. */
    clientId: z.string().min(1),
    /** What the page asks for. Most providers give tokens that can be renewed for `offline_access` alone. */
    scope: z.string().min(1).default('openid'),
    /** `aud`, or without one `client_id`, of its access tokens. @default the client */
    audience: z.array(z.string().min(1)).min(1).optional(),
  }),
]);

const firewallSchema = z.discriminatedUnion('kind', [
  /** Made in us-east-1, where CloudFront looks for it, as a stack of its own. */
  z.strictObject({
    kind: z.literal('own'),
    /** From one address; more are answered 429. */
    requestsPerFiveMinutes: z.int().min(10).max(2_000_000_000),
  }),
  z.strictObject({
    kind: z.literal('existing'),
    webAclArn: z
      .string()
      .regex(/^arn:.*:wafv2:us-east-1:.*:global\/webacl\//, 'expected a web ACL for CloudFront'),
  }),
]);

export const pageSettingsSchema = z.strictObject({
  login: loginSchema,
  firewall: firewallSchema,
  /** The DNS record for it is the deployer's to make: its target is an output. */
  domain: z
    .strictObject({
      name: z.hostname(),
      /** CloudFront takes certificates of us-east-1 alone. */
      certificateArn: z
        .string()
        .regex(/^arn:.*:acm:us-east-1:/, 'expected a certificate of ACM in us-east-1'),
    })
    .optional(),
});

export type PageSettings = z.output<typeof pageSettingsSchema>;
