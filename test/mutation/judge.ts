/** Runs the tests that reach a mutant until one fails. */
import { type Coverage, runs } from './covers.ts';
import type { Mutant } from './mutants.ts';
import { mayReach } from './places.ts';
import type { Sandbox } from './sandbox.ts';

/** s: a test file that takes longer than this in peace is a fault of the file. */
const PATIENCE = 300;

export interface Verdict extends Mutant {
  verdict: 'killed' | 'late' | 'survived' | 'not reached';
  /** Test file that noticed. */
  by?: string;
}

export interface Measured {
  test: string;
  seconds: number;
  coverage: Coverage;
}

/** @returns fastest first; without those that fail on the code as it is, such as tests that measure time */
export async function measureAll(
  sandboxes: readonly Sandbox[],
  tests: readonly string[],
): Promise<Measured[]> {
  const measured = await share(sandboxes, tests, async (sandbox, test): Promise<Measured[]> => {
    const { outcome, seconds, output, coverage } = await sandbox.measure(test, PATIENCE);
    if (outcome === 'passed') return [{ test, seconds, coverage }];
    console.error(`${test} is left out: ${outcome} without any change: ${output}`);
    return [];
  });
  return measured.flat().sort((a, b) => a.seconds - b.seconds);
}

/** Source file to the test file that noticed a change of it last: likely the one that notices the next. */
const noticedBy = new Map<string, string>();

export async function judge(
  sandbox: Sandbox,
  mutant: Mutant,
  measured: readonly Measured[],
): Promise<Verdict> {
  const reach = measured.filter(({ coverage }) => runs(coverage, mutant.file, mutant.offset));
  // A process that is killed writes no coverage, and packed code is not seen: then all have to pass.
  const any = measured.filter(({ test }) => mayReach(test, mutant.file));
  const tests = (reach.length > 0 ? reach : any).toSorted((a, b) => rank(a) - rank(b));
  function rank({ test, seconds }: Measured): number {
    return test === noticedBy.get(mutant.file) ? 0 : seconds;
  }
  return sandbox.withMutant(mutant, async () => {
    for (const { test, seconds } of tests) {
      const { outcome } = await sandbox.run(test, 10 + 4 * seconds);
      if (outcome === 'passed') continue;
      noticedBy.set(mutant.file, test);
      return { ...mutant, verdict: outcome === 'late' ? 'late' : 'killed', by: test };
    }
    return { ...mutant, verdict: reach.length > 0 ? 'survived' : 'not reached' };
  });
}

/** Each sandbox does the next thing when it is done with one. @returns in the order of `things` */
export async function share<T, R>(
  sandboxes: readonly Sandbox[],
  things: readonly T[],
  work: (sandbox: Sandbox, thing: T) => Promise<R>,
): Promise<R[]> {
  const done: R[] = [];
  const queue = things.entries();
  await Promise.all(
    sandboxes.map(async (sandbox) => {
      for (const [index, thing] of queue) done[index] = await work(sandbox, thing);
    }),
  );
  return done;
}
