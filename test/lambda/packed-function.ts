/** A function as it is deployed: packed, in a directory of its own, run by AWS's runtime. */
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { packFunction } from '../../infra/functions/pack-functions.ts';
import { DEFAULT_BUNDLE } from '../../src/model/load.ts';
import type { FakeS3 } from '../support/aws/fake-s3.ts';
import { temporaryDirectory } from '../support/bundles.ts';
import {
  type FunctionOptions,
  type LambdaFunction,
  startFunction,
} from '../support/runtime-api/runtime-api.ts';
import { ROOT } from '../support/samples.ts';

export interface PackedFunction {
  /** A function of its own, to be closed by who asked for it. */
  start(options?: Partial<FunctionOptions>): Promise<LambdaFunction>;
  /** One that ends with the test. */
  startFor(t: TestContext, options?: Partial<FunctionOptions>): Promise<LambdaFunction>;
  dispose(): void;
}

/** @param environment of all that are started */
export async function pack(
  name: Parameters<typeof packFunction>[0],
  environment: Record<string, string>,
): Promise<PackedFunction> {
  const { path: directory, dispose } = temporaryDirectory();
  const { handler } = await packFunction(name, directory);
  // Packages with machine code lie beside the handler; these are the ones of this machine.
  symlinkSync(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
  const start: PackedFunction['start'] = ({ environment: more, ...options } = {}) =>
    startFunction({ directory, handler, ...options, environment: { ...environment, ...more } });
  return {
    start,
    startFor: async (t, options) => {
      const lambda = await start(options);
      t.after(() => lambda.close());
      return lambda;
    },
    dispose,
  };
}

/** Variables of the functions that read and write objects. */
export function objectEnvironment(fake: Pick<FakeS3, 'url'>): Record<string, string> {
  return {
    MODEL_DIR: DEFAULT_BUNDLE,
    ALLOWED_BUCKETS: 'photos, versions',
    RESULTS_BUCKET: 'results',
    AWS_ENDPOINT_URL_S3: fake.url,
  };
}

/** Lines of the log that are metrics in CloudWatch's embedded format, by metric name. */
export function metricsOf(lambda: LambdaFunction): Record<string, unknown[]> {
  const metrics: Record<string, unknown[]> = {};
  for (const line of lambda.logs() as Record<string, unknown>[]) {
    const described = (line._aws as { CloudWatchMetrics: { Metrics: { Name: string }[] }[] } | undefined)
      ?.CloudWatchMetrics;
    for (const { Name } of described?.flatMap(({ Metrics }) => Metrics) ?? []) {
      metrics[Name] = [...(metrics[Name] ?? []), ...[line[Name]].flat()];
    }
  }
  return metrics;
}
