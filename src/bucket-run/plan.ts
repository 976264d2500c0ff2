/** What a run over a bucket will take, before it starts. */
import { DescribeStateMachineCommand, type SFNClient } from '@aws-sdk/client-sfn';
import * as z from 'zod';
import { requestFailureOf } from '../aws/request-failures.ts';
import { InvalidRequest } from '../errors.ts';
import { costOf, type RunCost } from './cost.ts';
import type { Architecture } from './prices.ts';

/** How a deployment runs over a bucket. */
export interface Plan {
  batchSize: number;
  /** Batches at the same time. */
  concurrency: number;
  /** Of the function, MB. */
  memory: number;
  architecture: Architecture;
}

/** As `infra/settings.ts` has it for development, for estimates where no deployment is named. */
export const USUAL_PLAN: Plan = { batchSize: 100, concurrency: 5, memory: 1769, architecture: 'x86_64' };

/**
 * An image of a few megapixels on one processor of Lambda: 4 requests to S3 take more of it than captioning does.
 * A guess for the order of magnitude; the summary of a run has the measured time.
 */
export const MILLISECONDS_PER_IMAGE = 150;

export interface Estimate {
  batches: number;
  minutes: number;
  cost: RunCost;
}

/** For images of which none was captioned before. */
export function estimateRun(images: number, plan: Plan): Estimate {
  const { batchSize, concurrency, memory, architecture } = plan;
  const batches = Math.ceil(images / batchSize);
  const milliseconds = images * MILLISECONDS_PER_IMAGE;
  const rounds = Math.ceil(batches / concurrency);
  const round = Math.min(batchSize, images) * MILLISECONDS_PER_IMAGE;
  const cost = costOf({ processed: images, skipped: 0, batches, milliseconds, memory, architecture });
  return { batches, minutes: (rounds * round) / 60_000, cost };
}

const mapSchema = z.object({
  Type: z.literal('Map'),
  MaxConcurrency: z.int().positive(),
  ItemBatcher: z.object({ MaxItemsPerBatch: z.int().positive() }),
});
const summarySchema = z.object({
  Arguments: z.object({
    Payload: z.object({ memory: z.number().positive(), architecture: z.enum(['x86_64', 'arm64']) }),
  }),
});
const definitionSchema = z.object({ States: z.record(z.string(), z.unknown()) });

/**
 * The plan that a deployed state machine follows.
 * @throws InvalidRequest when it is not there or runs over no bucket; UpstreamUnavailable
 */
export async function readPlan(sfn: SFNClient, stateMachine: string): Promise<Plan> {
  const plan = planOf(await readDefinition(sfn, stateMachine));
  if (plan === null) throw new InvalidRequest(`${stateMachine} is no state machine that captions a bucket`);
  return plan;
}

async function readDefinition(sfn: SFNClient, stateMachineArn: string): Promise<unknown> {
  try {
    const { definition = '' } = await sfn.send(new DescribeStateMachineCommand({ stateMachineArn }));
    return JSON.parse(definition);
  } catch (error) {
    throw requestFailureOf(error, `reading ${stateMachineArn}`);
  }
}

/** All maps of a definition are alike but for what they read. */
function planOf(definition: unknown): Plan | null {
  const states = Object.values(definitionSchema.safeParse(definition).data?.States ?? {});
  const map = states.map((state) => mapSchema.safeParse(state).data).find((state) => state !== undefined);
  const summary = states.map((state) => summarySchema.safeParse(state).data).find((s) => s !== undefined);
  if (map === undefined || summary === undefined) return null;
  const { memory, architecture } = summary.Arguments.Payload;
  return {
    batchSize: map.ItemBatcher.MaxItemsPerBatch,
    concurrency: map.MaxConcurrency,
    memory,
    architecture,
  };
}
