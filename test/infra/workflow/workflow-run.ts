/** The synthesised state machines at work: real functions as they are packed, a fake S3, the interpreter. */
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { S3Client } from '@aws-sdk/client-s3';
import type { Template } from 'aws-cdk-lib/assertions';
import { packFunction } from '../../../infra/functions/pack-functions.ts';
import type { WorkflowsProps } from '../../../infra/workflow/workflow.ts';
import { objectEnvironment } from '../../lambda/packed-function.ts';
import { clientOf } from '../../s3/fake-client.ts';
import { type FakeS3, startFakeS3 } from '../../support/aws/fake-s3.ts';
import { temporaryDirectory } from '../../support/bundles.ts';
import { type LambdaFunction, startFunction } from '../../support/runtime-api/runtime-api.ts';
import { ROOT } from '../../support/samples.ts';
import { readDefinition } from '../../support/state-machine/definition.ts';
import {
  type Ended,
  type Invoked,
  type MapRunCounts,
  runStateMachine,
} from '../../support/state-machine/state-machine.ts';
import { definition, definitionIn, type MachineName, REFERENCES } from './workflow-template.ts';

export const IMAGES = 'photos';
export const RESULTS = 'results';

/** What happens to an invocation in place of its answer. */
export type InvocationFault = (functionName: string, invocation: number) => string | undefined;

export interface Run {
  ended: Ended;
  /** Error names that were answered in place of invocations. */
  refused: string[];
  /** Names of what functions ended with that did not answer. */
  errors: string[];
  /** Seconds, one for each retry. */
  waits: number[];
  /** As it was last told. */
  mapRun: MapRunCounts | undefined;
  /** Invocations of the functions, by logical id. */
  invocations: Record<string, number>;
}

export interface RunOptions {
  fault?: InvocationFault;
  /** Of `Workflows`, in place of the usual ones of tests. */
  settings?: Partial<WorkflowsProps['settings']['workflow']>;
  /** A template to run, in place of `Workflows` alone. */
  template?: Template;
}

export interface Deployment {
  s3: FakeS3;
  client: S3Client;
  run(name: MachineName, input: unknown, options?: RunOptions): Promise<Run>;
  close(): Promise<void>;
}

/**
 * @param environments of the function that captions, each a process with a model of its own
 * @param page objects in one answer of a list
 * @param variables further ones of the functions
 */
export async function deploy(
  environments: number,
  page?: number,
  variables: Record<string, string> = {},
): Promise<Deployment> {
  const s3 = await startFakeS3([IMAGES, RESULTS], [], page);
  const client = clientOf(s3);
  const { path: directory, dispose } = temporaryDirectory();
  // Packages with machine code lie beside the handlers; these are the ones of this machine.
  symlinkSync(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
  const start = async (name: 'workflow' | 'summary', count: number): Promise<Pool> => {
    const { handler } = await packFunction(name, directory);
    const options = { directory, handler, environment: { ...objectEnvironment(s3), ...variables } };
    return poolOf(await Promise.all(Array.from({ length: count }, () => startFunction(options))));
  };
  const pools: Record<string, Pool> = {
    [REFERENCES.workflowFunction]: await start('workflow', environments),
    [REFERENCES.summaryFunction]: await start('summary', 1),
  };

  return {
    s3,
    client,
    run: async (name, input, { fault = () => undefined, settings, template } = {}) => {
      const run: Run = {
        ended: undefined!,
        refused: [],
        errors: [],
        waits: [],
        mapRun: undefined,
        invocations: {},
      };
      const invoke = async (functionName: string, payload: unknown): Promise<Invoked> => {
        const count = (run.invocations[functionName] ?? 0) + 1;
        run.invocations[functionName] = count;
        const error = fault(functionName, count);
        if (error !== undefined) {
          run.refused.push(error);
          return { error: { errorType: error, errorMessage: 'injected' } };
        }
        const pool = pools[functionName];
        if (pool === undefined) throw new Error(`no function is called ${functionName}`);
        const invoked = await pool(payload);
        if ('error' in invoked) run.errors.push(invoked.error.errorType);
        return invoked;
      };
      const asl = template ? definitionIn(template, name) : definition(name, settings);
      run.ended = await runStateMachine(readDefinition(asl), input, {
        invoke,
        s3: client,
        wait: (seconds) => run.waits.push(seconds),
        mapRun: (counts) => {
          run.mapRun = counts;
        },
      });
      return run;
    },
    close: async () => {
      for (const { close } of Object.values(pools)) await close();
      dispose();
      client.destroy();
      await s3.close();
    },
  };
}

interface Pool {
  (payload: unknown): Promise<Invoked>;
  close(): Promise<void>;
}

/** As Lambda does it: an invocation has an environment for itself. */
function poolOf(environments: LambdaFunction[]): Pool {
  const free = [...environments];
  const waiting: ((environment: LambdaFunction) => void)[] = [];
  const invoke = async (payload: unknown): Promise<Invoked> => {
    const environment = free.pop() ?? (await new Promise<LambdaFunction>((resolve) => waiting.push(resolve)));
    try {
      return await environment.invoke(payload);
    } finally {
      const next = waiting.shift();
      if (next === undefined) free.push(environment);
      else next(environment);
    }
  };
  return Object.assign(invoke, {
    close: async () => {
      for (const environment of environments) await environment.close();
    },
  });
}
