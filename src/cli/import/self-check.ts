/** What a new bundle says about a photograph that comes with the program, for a person to judge. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { CaptionResult } from '../../caption/result.ts';
import { ModelUnusable } from '../../errors.ts';
import { EXIT_BUG } from '../shared/exit.ts';

const LAUNCH = fileURLToPath(new URL('../launch.js', import.meta.url));
const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const PHOTOGRAPH = 'samples/coffee.jpg';
const RUNS = 6;

export interface SelfCheck {
  photograph: string;
  captions: CaptionResult['captions'];
  /** Milliseconds of a warm caption, median. */
  milliseconds: number;
}

/**
 * In a process of its own, as a user would run it: this one may still hold the weights that it read.
 * @throws ModelUnusable where the bundle does not run
 */
export async function selfCheck(directory: string): Promise<SelfCheck> {
  const args = [LAUNCH, 'caption', '--json', '--model', directory, ...Array<string>(RUNS).fill(PHOTOGRAPH)];
  const run = promisify(execFile)(process.execPath, args, { cwd: ROOT });
  // It must not outlive this process, whose end takes the bundle away.
  const end = () => run.child.kill();
  process.once('exit', end);
  const { stdout } = await run
    .catch((failure: FailedRun) => {
      throw failure.killed ? failure : whyItFailed(directory, failure);
    })
    .finally(() => process.off('exit', end));
  const results = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as CaptionResult);
  return {
    photograph: PHOTOGRAPH,
    captions: results[0]!.captions,
    milliseconds: warmTime(results.map(({ timings }) => timings.total)),
  };
}

/** As `execFile` rejects. */
interface FailedRun extends Error {
  /** By this process. */
  killed: boolean;
  /** Exit status. */
  code: number | null;
  signal: string | null;
  stdout: string;
  stderr: string;
}

/**
 * Networks of this program are sound, since they were just written: what a machine lacks to run them is memory. Those of others
 * may be put together in a way that the import took for another.
 */
function whyItFailed(directory: string, { code, signal, stdout, stderr }: FailedRun): ModelUnusable {
  const said = errorIn(stdout) ?? stderr.split('\n', 1)[0]!;
  return new ModelUnusable({
    file: directory,
    expected: `captions of ${PHOTOGRAPH} from the new bundle`,
    actual: signal === null ? said : `a process that was ended by ${signal}`,
    remedy:
      code === EXIT_BUG
        ? 'That is a fault of the import: please report it, with what made the source.'
        : 'Was memory short? Close other programs, or take a smaller model, and try again.',
  });
}

/** Of the first photograph. */
function errorIn(stdout: string): string | undefined {
  const [line = ''] = stdout.split('\n', 1);
  if (!line.startsWith('{')) return undefined;
  const { error } = JSON.parse(line) as { error?: { message: string } };
  return error?.message.replaceAll(/\s+/g, ' ');
}

/** @param times of one caption after the other, the first of which sizes buffers @returns the median of the others */
export function warmTime(times: readonly number[]): number {
  const warm = times.slice(1).sort((a, b) => a - b);
  return warm[warm.length >> 1]!;
}
