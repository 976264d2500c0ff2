/**
 * Prints what a million images cost, what a steady load costs a month, and from which load which way is the cheapest:
 * `npx node bench/costs.ts`. The time of a caption is measured before, or given: `--milliseconds 15.5 --decode 5.4`.
 * `--memory MB`, `--architecture arm64`, `--model DIR` and `--gpu-rate N` (images a second of one GPU machine) change the
 * rest. With `--template FILE` (repeatable) what that template costs a month while nothing is captioned, and what options
 * add. Prices: `src/bucket-run/prices.ts`.
 */
import { globSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { USUAL_PLAN } from '../src/bucket-run/plan.ts';
import type { CostAssumptions } from './costs/million.ts';
import { loadReport, standingReport } from './costs/print.ts';

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
    template: { type: 'string', multiple: true },
  },
});

const lines = values.template === undefined ? await load() : standing(values.template);
process.stdout.write(`${lines.join('\n')}\n`);

async function load(): Promise<string[]> {
  const isMeasured = values.milliseconds === undefined || values.decode === undefined;
  const assumptions: CostAssumptions = {
    ...(isMeasured ? await measured() : given()),
    memory: numberOf('memory', values.memory),
    architecture: values.architecture === 'arm64' ? 'arm64' : 'x86_64',
    gpuRate: values['gpu-rate'] === undefined ? null : numberOf('gpu-rate', values['gpu-rate']),
  };
  const origin = isMeasured ? `measured on one thread of ${cpus()[0]?.model ?? 'this machine'}` : 'given';
  return loadReport(assumptions, origin);
}

function standing(files: readonly string[]): string[] {
  return standingReport(files.map((file) => ({ file, template: JSON.parse(readFileSync(file, 'utf8')) })));
}

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
