/** What a steady load costs a month, way by way, and from which load another way is the cheapest. */
import { PRICE_TABLE, STANDING_PRICES } from '../../src/bucket-run/prices.ts';
import {
  busyEnough,
  type CostAssumptions,
  type CostRow,
  costRows,
  gpuRateOf,
  HOURS_PER_MONTH,
  HTTP_MILLISECONDS,
  totalOf,
  warmMonth,
} from './million.ts';

/** Images come over HTTP, or appear in a bucket. */
export type Source = 'HTTP' | 'S3';

export interface Way {
  name: string;
  source: Source;
  /** US dollars a month for so many images a second, hour after hour. */
  monthOf(rate: number): number;
}

export interface BreakEven {
  way: Way;
  /** Images a second from which no other way of the same source costs less. */
  from: number;
}

/** Of one image in the body of a request, for load balancers, which charge by it. */
export const IMAGE_BYTES = 200_000;
/** Of a machine: `infra/gpu/machines.ts`. */
export const DISK_GB = 100;
const SECONDS_PER_MONTH = 3600 * HOURS_PER_MONTH;
const MILLION = 1e6;
/** Images a second between which break-even is looked for, and the factor between two looks. */
const LOADS = { least: 0.001, most: 10_000, step: 1.001 };

const { prices } = PRICE_TABLE;
const { prices: standing } = STANDING_PRICES;

export function waysOf(assumptions: CostAssumptions): Way[] {
  const rows = costRows(assumptions);
  const rowOf = (start: string) => rows.find(({ way }) => way.startsWith(start))!;
  const [http, upload, gpu] = [rowOf('HTTP, on demand'), rowOf('S3 upload'), rowOf('GPU')];
  const balanced = (IMAGE_BYTES / 1e9) * standing.balancerUnitHour;
  const gpuImage = { HTTP: balanced + gpu.logs / MILLION, S3: (totalOf(gpu) - gpu.compute) / MILLION };
  const onDemand = (row: CostRow) => (rate: number) => (imagesOf(rate) * totalOf(row)) / MILLION;
  const machines = (source: Source) => (rate: number) =>
    gpuMonth(rate, assumptions) + imagesOf(rate) * gpuImage[source];
  return [
    { name: 'function, on demand', source: 'HTTP', monthOf: onDemand(http) },
    { name: 'function, kept warm', source: 'HTTP', monthOf: (rate) => keptWarm(rate, http, assumptions) },
    { name: 'GPU machines', source: 'HTTP', monthOf: machines('HTTP') },
    { name: 'function, on demand', source: 'S3', monthOf: onDemand(upload) },
    { name: 'GPU machines', source: 'S3', monthOf: machines('S3') },
  ];
}

/** Those that are ever the cheapest, each with the least load at which it is. */
export function breakEvens(ways: readonly Way[]): BreakEven[] {
  const found: BreakEven[] = [];
  for (const source of new Set(ways.map((way) => way.source))) {
    const others = ways.filter((way) => way.source === source);
    for (let rate = LOADS.least; rate < LOADS.most; rate *= LOADS.step) {
      const best = others.reduce((a, b) => (b.monthOf(rate) < a.monthOf(rate) ? b : a));
      if (found.every(({ way }) => way !== best)) found.push({ way: best, from: rate });
    }
  }
  return found;
}

export function imagesOf(rate: number): number {
  return rate * SECONDS_PER_MONTH;
}

/** As many environments as are busy enough to pay, one at least; what is above them runs on demand. */
function keptWarm(rate: number, http: CostRow, assumptions: CostAssumptions): number {
  const { milliseconds, memory, architecture } = assumptions;
  const busy = (rate * (milliseconds + HTTP_MILLISECONDS)) / 1000;
  const environments = Math.max(1, Math.floor(busy + 1 - busyEnough(assumptions)));
  const within = Math.min(busy, environments);
  const perSecond =
    within * prices.provisionedRunGbSecond[architecture] +
    (busy - within) * prices.lambdaGbSecond[architecture];
  return (
    environments * warmMonth(assumptions) +
    SECONDS_PER_MONTH * (memory / 1024) * perSecond +
    (imagesOf(rate) * (http.requests + http.logs)) / MILLION
  );
}

/** Machines that never stop, their disks and the load balancer, which the stack has in any case. */
function gpuMonth(rate: number, assumptions: CostAssumptions): number {
  const machines = Math.ceil(rate / gpuRateOf(assumptions));
  const machine = HOURS_PER_MONTH * prices.gpuHour + DISK_GB * standing.diskGbMonth;
  return machines * machine + HOURS_PER_MONTH * standing.balancerHour;
}
