/** A run over a bucket in words: before it starts, and after it ended. */

import type { Place } from '../../aws/places.ts';
import { type Census, OTHER, type Tally } from '../../bucket-run/census.ts';
import type { RunCost } from '../../bucket-run/cost.ts';
import type { RunEnd } from '../../bucket-run/execution.ts';
import { type Estimate, MILLISECONDS_PER_IMAGE, type Plan } from '../../bucket-run/plan.ts';

export interface ShownPlan {
  place: Place;
  /** Where the run is. */
  region: string;
  census: Census;
  plan: Plan;
  estimate: Estimate;
}

/** What a run will look at and take, in lines. */
export function planLines({ place, region, census, plan, estimate }: ShownPlan): string {
  const types = Object.entries(census.types).sort(([, a], [, b]) => b.objects - a.objects);
  const rows = types.map(([type, tally]) => row(type, tally, type === OTHER ? noImages : ''));
  const minutes = Math.max(1, Math.ceil(estimate.minutes));
  return [
    `s3://${place.bucket}/${place.prefix} in ${region}`,
    ...rows,
    row('all', census),
    `${estimate.batches} batches of ${plan.batchSize}, ${plan.concurrency} at a time, ` +
      `on ${plan.memory} MB of ${plan.architecture}`,
    `about ${minutes} min and ${costLine(estimate.cost)}`,
    `(${MILLISECONDS_PER_IMAGE} ms an image, none captioned before; prices of ${estimate.cost.region}, ${estimate.cost.date})`,
    '',
  ].join('\n');
}

const noImages = '  no images by their names: each costs a try and is recorded as failed';

/** What became of a run, in lines. */
export function endLines(end: RunEnd): string {
  if (end.status !== 'succeeded') return `The run ${verbs[end.status]}: ${end.error}: ${end.cause}\n`;
  const { images, batches, errors, cost } = end.summary;
  const lines = [
    `captioned ${images.captioned}, failed ${images.failed}, skipped ${images.skipped}, unfinished ${images.unfinished}`,
    `${batches.succeeded} batches succeeded, ${batches.failed} failed${errorList(errors)}`,
    `at most ${costLine(cost)}, prices of ${cost.region}, ${cost.date}`,
  ];
  if (images.unfinished > 0) lines.push('Run it again for the unfinished ones: the others are skipped.');
  return `${lines.join('\n')}\n`;
}

const verbs = { failed: 'failed', 'timed out': 'timed out', aborted: 'was stopped' } as const;

function errorList(errors: Record<string, number>): string {
  const named = Object.entries(errors).map(([name, count]) => `${name} ${count}`);
  return named.length === 0 ? '' : ` (${named.join(', ')})`;
}

function row(name: string, { objects, bytes }: Tally, note = ''): string {
  return `  ${name.padEnd(6)} ${objects.toLocaleString('en').padStart(12)} objects ${sizeOf(bytes).padStart(10)}${note}`;
}

function costLine(cost: RunCost): string {
  const parts = [
    `Lambda ${dollars(cost.lambda)}`,
    `Step Functions ${dollars(cost.stepFunctions)}`,
    `S3 ${dollars(cost.s3)}`,
  ];
  return `${dollars(cost.total)} (${parts.join(', ')})`;
}

/** Enough digits that a small run is not free. */
function dollars(amount: number): string {
  return `$${amount.toFixed(amount < 0.1 ? 4 : 2)}`;
}

function sizeOf(bytes: number): string {
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(1)} kB`;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}
