import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import * as z from 'zod';
import type { Place } from '../../aws/places.ts';
import { regionOf } from '../../aws/region.ts';
import { createS3Client } from '../../aws/s3-client.ts';
import { type Census, countObjects } from '../../bucket-run/census.ts';
import { createStepFunctionsClient, type Run, type RunEnd, startRun } from '../../bucket-run/execution.ts';
import { estimateRun, readPlan, USUAL_PLAN } from '../../bucket-run/plan.ts';
import { InvalidRequest } from '../../errors.ts';
import { printableJson, printableLines } from '../../printable.ts';
import { EXIT_MODEL_UNUSABLE, EXIT_OK, EXIT_SOME_IMAGE_FAILED } from '../shared/exit.ts';
import { startProgress } from '../shared/progress.ts';
import { listenForStop, type Stop } from '../shared/stop.ts';
import { endLines, planLines, type ShownPlan } from './run-report.ts';

export interface RunBucketFlags {
  bucket: string;
  prefix: string;
  stateMachine?: string;
  dryRun?: boolean;
  json?: boolean;
}

/** Step Functions lets an account ask 15 times a second, all who follow together. */
const ASK_AGAIN_MS = 1000;

/**
 * Plan, start, end; prints each.
 * @returns exit code
 * @throws InvalidRequest, UpstreamUnavailable
 */
export async function runBucket(flags: RunBucketFlags): Promise<number> {
  if (!flags.dryRun && flags.stateMachine === undefined) {
    throw new InvalidRequest('--state-machine: needed to start a run; --dry-run does without');
  }
  const sfn = createStepFunctionsClient();
  const region = await regionOf(sfn);
  const place: Place = { bucket: flags.bucket, prefix: flags.prefix };
  const stateMachine = flags.stateMachine === undefined ? null : await arnOf(flags.stateMachine);
  const plan = stateMachine === null ? USUAL_PLAN : await readPlan(sfn, stateMachine);
  const census = await count(place);
  showPlan({ place, region, census, plan, estimate: estimateRun(census.objects, plan) }, flags.json);
  if (flags.dryRun || census.objects === 0 || stateMachine === null) return EXIT_OK;
  // A run that was started is named, whatever comes meanwhile.
  const stop = listenForStop();
  const run = await startRun(sfn, stateMachine, place);
  show({ execution: run.execution }, `Started ${run.execution}\n`, flags.json);
  const end = await follow(run, census.objects, stop);
  if (end === null) return stop.status!;
  show(end, endLines(end), flags.json);
  return statusOf(end);
}

/** On a terminal says how far it is: a million objects are a thousand pages. */
async function count(place: Place): Promise<Census> {
  const { stderr } = process;
  if (!stderr.isTTY) return await countObjects(createS3Client(), place);
  try {
    return await countObjects(createS3Client(), place, ({ objects }) => stderr.write(`\r${objects} objects`));
  } finally {
    stderr.write('\r\u001b[K');
  }
}

/** @throws InvalidRequest */
async function arnOf(stateMachine: string): Promise<string> {
  return stateMachine.startsWith('arn:') ? stateMachine : await arnFrom(stateMachine);
}

const outputsSchema = z.record(z.string(), z.record(z.string(), z.string()));
/** Of the stack that `infra/stack.ts` makes. */
const OUTPUT = 'WholeBucketStateMachine';

async function arnFrom(file: string): Promise<string> {
  const outputs = outputsSchema.safeParse(await jsonFrom(file));
  const arns = Object.values(outputs.data ?? {}).flatMap((stack) => stack[OUTPUT] ?? []);
  if (arns.length === 1) return arns[0]!;
  throw new InvalidRequest(`--state-machine: ${file} has ${arns.length} outputs ${OUTPUT}; give the ARN`);
}

async function jsonFrom(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch (cause) {
    throw new InvalidRequest(`--state-machine: ${file} is neither an ARN nor a file of JSON`, { cause });
  }
}

function showPlan(shown: ShownPlan, json = false): void {
  show(shown, planLines(shown), json);
}

function show(object: object, text: string, json = false): void {
  process.stdout.write(json ? `${printableJson(object)}\n` : printableLines(text));
}

/** `null` after a signal, which ends only the watching: the run itself goes on. */
async function follow(run: Run, objects: number, { signal }: Stop): Promise<RunEnd | null> {
  const bar = startProgress(objects, 'images');
  try {
    while (!signal.aborted) {
      const end = await run.end();
      if (end !== null) return end;
      const progress = await run.progress();
      if (progress !== null) bar.set(progress.done, Math.max(progress.total, objects));
      await pause(ASK_AGAIN_MS, undefined, { signal }).catch(() => undefined);
    }
  } finally {
    bar.stop();
  }
  process.stderr.write(
    `The run goes on. To look at it or to stop it:
  aws stepfunctions describe-execution --execution-arn ${run.execution}
  aws stepfunctions stop-execution --execution-arn ${run.execution}\n`,
  );
  return null;
}

function statusOf(end: RunEnd): number {
  if (end.status !== 'succeeded') return EXIT_MODEL_UNUSABLE;
  const { failed, unfinished } = end.summary.images;
  return failed + unfinished > 0 ? EXIT_SOME_IMAGE_FAILED : EXIT_OK;
}
