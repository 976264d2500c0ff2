/**
 * Prints what a million images cost: `npx node bench/costs.ts`. The time of a caption is measured before, or given:
 * `--milliseconds 15.5 --decode 5.4`. `--memory MB`, `--architecture arm64`, `--model DIR` and `--gpu-rate N` (images a
 * second of one GPU machine) change the rest. Prices: `src/bucket-run/prices.ts`.
 */
import { globSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { USUAL_PLAN } from '../src/bucket-run/plan.ts';
import { PRICE_TABLE } from '../src/bucket-run/prices.ts';
import {
  busyEnough,
  type CostAssumptions,
  type CostRow,
  costRows,
  GPU_MACHINE_PROCESSORS,
  gpuWorthwhile,
  HTTP_MILLISECONDS,
  LOG_BYTES,
  S3_MILLISECONDS,
  totalOf,
  warmMonth,
} from './cost-table.ts';

const SAMPLES = fileURLToPath(new URL('../samples/*.jpg', import.meta.url));
const ROUNDS = 5;

const { values } = parseArgs({
  options: {
    milliseconds: { type: 'string' },
    decode: { type: 'string' },
    memory: { type: 'string', default: String(USUAL_PLAN.memory) },
    architecture: { type: 'string', default: USUAL_PLAN.architecture },
    model: { type: 'string' },
    'gpu-rate': { type: 'string' },
  },
});

const isMeasured = values.milliseconds === undefined || values.decode === undefined;
const assumptions: CostAssumptions = {
  ...(isMeasured ? await measured() : given()),
  memory: numberOf('memory', values.memory),
  architecture: values.architecture === 'arm64' ? 'arm64' : 'x86_64',
  gpuRate: values['gpu-rate'] === undefined ? null : numberOf('gpu-rate', values['gpu-rate']),
};
process.stdout.write(`${[...table(costRows(assumptions)), '', ...notes(assumptions)].join('\n')}\n`);

async function measured(): Promise<Pick<CostAssumptions, 'milliseconds' | 'decode'>> {
  // Loaded only here: arithmetic alone needs no native libraries.
  const { DEFAULT_BUNDLE } = await import('../src/model/load.ts');
  const { warmStages } = await import('./warm.ts');
  const images = await Promise.all(globSync(SAMPLES).map((file) => readFile(file)));
  const directory = values.model ?? DEFAULT_BUNDLE;
  const [warm] = await warmStages([{ directory, threads: 1 }], images, ROUNDS);
  return { milliseconds: warm!.total, decode: warm!.decode };
}

function given(): Pick<CostAssumptions, 'milliseconds' | 'decode'> {
  return {
    milliseconds: numberOf('milliseconds', values.milliseconds),
    decode: numberOf('decode', values.decode),
  };
}

function numberOf(name: string, text: string | undefined): number {
  const number = Number(text);
  if (number > 0) return number;
  throw new Error(`--${name}: expected a number above 0, found ${text}`);
}

function table(rows: readonly CostRow[]): string[] {
  const dollars = (amount: number) => amount.toFixed(2).padStart(9);
  return [
    `${'US dollars for a million images'.padEnd(38)}  compute requests       S3     logs    total`,
    ...rows.map((row) => {
      const { way, compute, requests, s3, logs } = row;
      return way.padEnd(36) + [compute, requests, s3, logs, totalOf(row)].map(dollars).join('');
    }),
  ];
}

function notes(given: CostAssumptions): string[] {
  const { milliseconds, decode, memory, architecture, gpuRate } = given;
  const logs = Object.entries(LOG_BYTES).map(([whose, bytes]) => `${whose} ${bytes}`);
  return [
    `A caption: ${milliseconds.toFixed(1)} ms, ${decode.toFixed(1)} of them decoding ` +
      `(${isMeasured ? `measured on one thread of ${cpus()[0]?.model ?? 'this machine'}` : 'given'}).`,
    `Around it: ${HTTP_MILLISECONDS} ms over HTTP; ${S3_MILLISECONDS} ms of waiting for S3. Both assumed.`,
    `Functions: ${memory} MB of ${architecture}. Log lines of an image, bytes: ${logs.join(', ')}.`,
    `One environment that is kept warm: ${warmMonth(given).toFixed(2)} a month; cheaper than on demand when it works ` +
      `${Math.ceil(100 * busyEnough(given))} % of the time.`,
    `GPU machine: g4dn.xlarge on demand, ${gpuRate === null ? `no faster than its ${GPU_MACHINE_PROCESSORS} processors decode` : 'rate given'}. It costs less ` +
      `than the function's time`,
    `after an upload from ${gpuWorthwhile(given).toFixed(0)} images/s, hour after hour.`,
    'Not in it: uploads, storage, data transfer, cold starts, alarms, metrics, dashboard, X-Ray, disks, load balancer,',
    'taxes, any free tier.',
    `Prices of ${PRICE_TABLE.region}, ${PRICE_TABLE.date}, on demand, first tier (src/bucket-run/prices.ts).`,
  ];
}
