/** Memory of the command line while it captions one image many times, read from Linux's /proc. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { type Memory, memoryOf } from './shared/proc.ts';

const CLI = fileURLToPath(new URL('../src/cli/launch.js', import.meta.url));
/** Captions after which buffers and compiled code have settled. */
const SETTLED = 100;
/** More than are counted, so that the process is still there when it is looked at. */
const SPARE = 200;

export interface MemoryUse {
  settledMiB: number;
  peakMiB: number;
  /** From `SETTLED` captions to the last, as a share. */
  growth: number;
}

export async function memoryOfCli(directory: string, image: string, captions: number): Promise<MemoryUse> {
  const images = Array<string>(captions + SPARE).fill(image);
  const args = [CLI, 'caption', '--json', '--model', directory, ...images];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const readings = new Map<number, Memory>();
  let lines = 0;
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    for (const _ of chunk.matchAll(/\n/g)) {
      lines++;
      if (lines === SETTLED || lines === captions) readings.set(lines, memoryOf(child.pid!));
    }
  });
  await once(child, 'close');
  const settled = readings.get(SETTLED);
  const last = readings.get(captions);
  if (settled === undefined || last === undefined)
    throw new Error(`only ${lines} of ${captions} images captioned`);
  return { settledMiB: settled.rssMiB, peakMiB: last.peakMiB, growth: last.rssMiB / settled.rssMiB - 1 };
}
