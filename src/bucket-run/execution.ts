/** Starting a run over a bucket, and watching it from outside. */
import {
  DescribeExecutionCommand,
  type DescribeExecutionOutput,
  DescribeMapRunCommand,
  ListMapRunsCommand,
  SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import { distrusting, requestsOf } from '../aws/client.ts';
import type { Place } from '../aws/places.ts';
import { requestFailureOf } from '../aws/request-failures.ts';
import { type RunSummary, runSummarySchema } from './summary.ts';

/** Images of an execution so far. */
export interface RunProgress {
  /** Of batches that ended, well or not. */
  done: number;
  /** Grows while the bucket is still being listed. */
  total: number;
}

export type RunEnd =
  | { status: 'succeeded'; summary: RunSummary }
  | { status: 'failed' | 'timed out' | 'aborted'; error: string; cause: string };

export interface Run {
  /** ARN of the execution. */
  execution: string;
  /** `null` once it has ended, and then as often as asked. @throws InvalidRequest, UpstreamUnavailable */
  end(): Promise<RunEnd | null>;
  /** `null` before its map has started. @throws InvalidRequest, UpstreamUnavailable */
  progress(): Promise<RunProgress | null>;
}

/**
 * Region, credentials, endpoint and proxies come from the environment as usual.
 * @throws InvalidRequest for a proxy that is none
 */
export function createStepFunctionsClient(): SFNClient {
  return distrusting(new SFNClient(requestsOf()));
}

/** @throws InvalidRequest, UpstreamUnavailable */
export async function startRun(sfn: SFNClient, stateMachineArn: string, place: Place): Promise<Run> {
  const input = JSON.stringify({ bucket: place.bucket, prefix: place.prefix });
  try {
    const { executionArn } = await sfn.send(new StartExecutionCommand({ stateMachineArn, input }));
    return watch(sfn, executionArn!);
  } catch (error) {
    throw requestFailureOf(error, `starting ${stateMachineArn}`);
  }
}

function watch(sfn: SFNClient, execution: string): Run {
  const asked = async <T>(request: Promise<T>): Promise<T> => {
    try {
      return await request;
    } catch (error) {
      throw requestFailureOf(error, `following ${execution}`);
    }
  };
  return {
    execution,
    end: async () => endOf(await asked(sfn.send(new DescribeExecutionCommand({ executionArn: execution })))),
    progress: async () => {
      const { mapRuns } = await asked(sfn.send(new ListMapRunsCommand({ executionArn: execution })));
      const mapRunArn = mapRuns?.[0]?.mapRunArn;
      if (mapRunArn === undefined) return null;
      const { itemCounts } = await asked(sfn.send(new DescribeMapRunCommand({ mapRunArn })));
      const { succeeded = 0, failed = 0, timedOut = 0, aborted = 0, total = 0 } = itemCounts ?? {};
      return { done: succeeded + failed + timedOut + aborted, total };
    },
  };
}

const UNSUCCESSFUL = { FAILED: 'failed', TIMED_OUT: 'timed out', ABORTED: 'aborted' } as const;

function endOf({ status, output = '', error = '', cause = '' }: DescribeExecutionOutput): RunEnd | null {
  if (status === 'SUCCEEDED') {
    return { status: 'succeeded', summary: runSummarySchema.parse(JSON.parse(output)) };
  }
  const end = UNSUCCESSFUL[status as keyof typeof UNSUCCESSFUL];
  return end === undefined ? null : { status: end, error, cause };
}
