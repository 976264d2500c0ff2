/** What a deployer may change about where images come from. */
import * as z from 'zod';
import { bucketName } from '../../src/aws/object-reference.ts';

const MAX_SUFFIXES = 20;
/**
 * Of a whole event pattern, in characters; the rest of it is for the names around the keys.
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html
 */
const MAX_PATTERN = 2048 - 448;

export const days = z.int().min(1).max(3650);

const filters = {
  /** Only keys that start so. */
  prefix: z.string().max(200).default(''),
  /** Of those, the ones that end in one of these; all, where there is none. */
  suffixes: z.array(z.string().min(1).max(64)).max(MAX_SUFFIXES).default([]),
};

export interface KeyFilters {
  prefix: string;
  suffixes: readonly string[];
}

const PATTERN_TOO_LONG = {
  path: ['suffixes'],
  message: 'prefix and suffixes make a longer pattern than EventBridge takes: shorten them',
};
const fitsPattern = (filters: KeyFilters) => JSON.stringify(keyPattern(filters)).length <= MAX_PATTERN;

const existing = {
  name: bucketName,
  ...filters,
  /** Of a bucket that encrypts with a key of KMS. */
  keyArn: z.string().startsWith('arn:').includes(':kms:', 'expected a key of KMS').optional(),
};
const existingBucket = z.strictObject(existing).refine(fitsPattern, PATTERN_TOO_LONG);
export type ExistingBucket = z.output<typeof existingBucket>;

export const inputSchema = z.discriminatedUnion('kind', [
  z
    .strictObject({
      kind: z.literal('own'),
      expireDays: days,
      /** Keeps what was overwritten or deleted for `expireDays` more. */
      versioned: z.boolean().default(false),
      ...filters,
    })
    .refine(fitsPattern, PATTERN_TOO_LONG),
  /** A bucket that is there already; its owner turns EventBridge notifications on. */
  z.strictObject({ kind: z.literal('existing'), ...existing }).refine(fitsPattern, PATTERN_TOO_LONG),
  /** Several such buckets, or prefixes of one. */
  z.strictObject({ kind: z.literal('several'), buckets: z.array(existingBucket).min(1).max(20) }),
]);

/**
 * What EventBridge looks for in keys: any of a list, so that prefix and suffix have to be one wildcard, which minds case.
 * Suffixes then stand there as written, in small and in capital letters.
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
 */
export function keyPattern({ prefix, suffixes }: KeyFilters): object[] {
  if (suffixes.length === 0) return prefix === '' ? [] : [{ prefix }];
  if (prefix === '') return suffixes.map((suffix) => ({ suffix: { 'equals-ignore-case': suffix } }));
  const spelt = new Set(suffixes.flatMap((suffix) => [suffix, suffix.toLowerCase(), suffix.toUpperCase()]));
  return [...spelt].map((suffix) => ({ wildcard: `${escaped(prefix)}*${escaped(suffix)}` }));
}

function escaped(text: string): string {
  return text.replace(/[\\*]/g, '\\$&');
}
