/** Cold start: from spawning a process to its first output, beside a process that only imports the native libraries. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { median } from './shared/statistics.ts';

const CLI = fileURLToPath(new URL('../src/cli/launch.js', import.meta.url));
const IMPORTS = fileURLToPath(new URL('./imports.ts', import.meta.url));

export interface ColdStart {
  /** Milliseconds, medians. */
  firstCaption: number;
  importsOnly: number;
  /** Median of the ratios of neighbouring runs. */
  ratio: number;
}

/** The two kinds of process take turns, so that a slow moment of the machine meets both. */
export async function coldStart(directory: string, image: string, rounds: number): Promise<ColdStart> {
  const caption = [CLI, 'caption', '--model', directory, image];
  await timeToOutput(caption);
  await timeToOutput([IMPORTS]);
  const pairs: { firstCaption: number; importsOnly: number }[] = [];
  for (let i = 0; i < rounds; i++) {
    pairs.push({ firstCaption: await timeToOutput(caption), importsOnly: await timeToOutput([IMPORTS]) });
  }
  return {
    firstCaption: median(pairs.map((p) => p.firstCaption)),
    importsOnly: median(pairs.map((p) => p.importsOnly)),
    ratio: median(pairs.map((p) => p.firstCaption / p.importsOnly)),
  };
}

async function timeToOutput(args: string[]): Promise<number> {
  const start = performance.now();
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  const milliseconds = performance.now() - start;
  child.stdout.resume();
  await once(child, 'close');
  return milliseconds;
}
