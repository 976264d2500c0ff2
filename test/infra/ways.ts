/** Every way to deploy that the settings offer. */
import { SMALLEST_GPU } from '../../infra/gpu-settings.ts';
import { OPEN_TO_EVERYBODY } from '../../infra/settings.ts';
import type { SynthesisOptions } from './synthesis.ts';

const limits = { requestsPerSecond: 5, burst: 5 };
const vpc = {
  id: 'vpc-0123456789abcdef0',
  availabilityZones: ['eu-west-1a', 'eu-west-1b'],
  privateSubnetIds: ['subnet-0123456789abcdef0', 'subnet-0123456789abcdef1'],
};

export const WAYS: Record<string, SynthesisOptions> = {
  dev: { environment: 'dev' },
  prod: { environment: 'prod' },
  container: { environment: 'prod', settings: { packaging: 'container', snapStart: true } },
  arm64: {
    environment: 'prod',
    settings: {
      architecture: 'arm64',
      functions: {
        http: { memory: 1769, timeout: 29, provisionedConcurrency: 3 },
        queue: { memory: 1769, timeout: 60, reservedConcurrency: 20 },
        workflow: { memory: 1769, timeout: 120 },
        summary: { memory: 512, timeout: 300 },
      },
      queue: { batchSize: 10, attempts: 5, concurrency: 15 },
      workflow: { batchSize: 100, toleratedFailurePercentage: 5, oneImage: 'standard', concurrency: 7 },
    },
  },
  'existing bucket': {
    environment: 'prod',
    settings: {
      input: {
        kind: 'existing',
        name: 'holiday-photos',
        prefix: '2026/',
        keyArn: 'arn:aws:kms:eu-west-1:111122223333:key/0123',
      },
      allowedBuckets: ['other-photos'],
    },
  },
  'several buckets': {
    environment: 'prod',
    settings: {
      input: {
        kind: 'several',
        buckets: [
          {
            name: 'holiday-photos',
            prefix: '2026/',
            keyArn: 'arn:aws:kms:eu-west-1:111122223333:key/0123',
          },
          { name: 'scans', prefix: 'in*box/', suffixes: ['.png', '.Tif'] },
          { name: 'drop-box', suffixes: ['.jpg'] },
        ],
      },
      allowedBuckets: ['other-photos'],
      events: { bus: 'results' },
      tagObjects: true,
      customerKey: 'arn:aws:kms:eu-west-1:111122223333:key/45671234-12ab-34cd-56ef-1234567890ab',
    },
  },
  'VPC, JWT, mail and budget': {
    environment: 'prod',
    settings: {
      vpc,
      api: { ...limits, auth: { kind: 'jwt', issuer: 'https://issuer.example', audience: ['captions'] } },
      alarms: { email: 'ops@example.org', oldestMessageMinutes: 5, p99Seconds: 5, coldStarts: 10 },
      monthlyBudget: 100,
    },
  },
  gpu: {
    environment: 'prod',
    settings: { vpc, modelDirectory: 'models/im2txt', gpu: { ...SMALLEST_GPU, endpoints: true } },
  },
  'page with people of its own': {
    environment: 'prod',
    settings: {
      api: { ...limits, auth: { kind: 'page' } },
      page: {
        login: { kind: 'cognito', domainPrefix: 'captions-example' },
        firewall: { kind: 'own', requestsPerFiveMinutes: 1_000 },
      },
    },
  },
  'page, OIDC and names of its own': {
    settings: {
      api: {
        ...limits,
        auth: { kind: 'page' },
        domain: {
          name: 'api.example.org',
          certificateArn: 'arn:aws:acm:eu-west-1:111122223333:certificate/0123',
        },
      },
      page: {
        login: { kind: 'oidc', issuer: 'https://issuer.example/', clientId: 'page', audience: ['captions'] },
        firewall: {
          kind: 'existing',
          webAclArn: 'arn:aws:wafv2:us-east-1:111122223333:global/webacl/company/0123',
        },
        domain: {
          name: 'captions.example.org',
          certificateArn: 'arn:aws:acm:us-east-1:111122223333:certificate/4567',
        },
      },
    },
  },
  'key, versions, events and tags': {
    environment: 'dev',
    settings: {
      vpc,
      modelDirectory: 'models/im2txt',
      gpu: { ...SMALLEST_GPU, endpoints: true },
      input: { kind: 'own', expireDays: 7, versioned: true, prefix: 'in/', suffixes: ['.jpg'] },
      resultsVersioned: true,
      events: { topic: true },
      tagObjects: true,
      customerKey: true,
    },
  },
  'open address with a name of its own': {
    environment: 'prod',
    settings: {
      api: {
        ...limits,
        auth: { kind: 'none', acknowledge: OPEN_TO_EVERYBODY },
        corsOrigins: ['https://example.org'],
        domain: {
          name: 'captions.example.org',
          certificateArn: 'arn:aws:acm:eu-west-1:111122223333:certificate/0123',
        },
      },
    },
  },
};
