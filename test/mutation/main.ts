/**
 * Changes the code bit by bit and runs the tests: what no test notices could break unseen.
 *
 *     npm run mutate -- src/evaluate                every change in a folder
 *     npm run mutate -- infra --sample 200          200 of them, the same ones each time
 *     npm run mutate -- src/evaluate --again        without those that were noticed the last time
 *     npm run mutate                                every room, 60 changes each
 *
 * What it found stands in `build/mutation`, also when it is interrupted.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ROOT } from '../support/samples.ts';
import { judge, measureAll, share, type Verdict } from './judge.ts';
import { isWording, type Mutant, mutantsOf } from './mutants.ts';
import { allPlaces, sourcesOf, testsOf } from './places.ts';
import { headline, type Report, survivors } from './report.ts';
import { sampleOf } from './sample.ts';
import { makeSandbox } from './sandbox.ts';
import { reasonFor } from './set-aside.ts';

const OUT = join(ROOT, 'build/mutation');

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    sample: { type: 'string' },
    seed: { type: 'string', default: '1' },
    jobs: { type: 'string', default: `${availableParallelism()}` },
    again: { type: 'boolean', default: false },
  },
});
const size = Number(values.sample ?? (positionals.length === 0 ? 60 : Infinity));
const sandboxes = Array.from({ length: Number(values.jobs) }, makeSandbox);
mkdirSync(OUT, { recursive: true });

const lines: string[] = [];
for (const place of positionals.length === 0 ? allPlaces() : positionals) {
  const report = await examine(place.replace(/\/$/, ''));
  console.log(survivors(report));
  lines.push(headline(report));
}
console.log(`\n${lines.join('\n')}`);
process.exit();

/** What is found is kept at once, so that a run that is interrupted goes on with `--again`. */
async function examine(place: string): Promise<Report> {
  const path = join(OUT, place.replaceAll('/', '-'));
  const all = (await Promise.all(sourcesOf(place).map((file) => mutantsOf(ROOT, file)))).flat();
  const counted = all.filter((mutant) => !isWording(mutant) && reasonFor(mutant) === null);
  const sample = sampleOf(counted, size, values.seed);
  const known = values.again ? noticedBefore(`${path}.json`) : new Map<string, Verdict>();
  const open = sample.filter((mutant) => !known.has(keyOf(mutant)));
  const report: Report = {
    place,
    changes: counted.length,
    wording: all.filter(isWording).length,
    setAside: all.filter((mutant) => reasonFor(mutant) !== null).length,
    verdicts: sample.flatMap((mutant) => known.get(keyOf(mutant)) ?? []),
  };
  const measured = await measureAll(sandboxes, testsOf(place));
  console.error(`${place}: ${open.length} changes, ${measured.length} test files`);
  await share(sandboxes, open, async (sandbox, mutant) => {
    report.verdicts.push(await judge(sandbox, mutant, measured));
    writeFileSync(`${path}.json`, `${JSON.stringify(report, null, 1)}\n`);
    writeFileSync(`${path}.txt`, `${headline(report)}\n\n${survivors(report)}\n`);
  });
  return report;
}

function noticedBefore(path: string): Map<string, Verdict> {
  if (!existsSync(path)) return new Map();
  const { verdicts } = JSON.parse(readFileSync(path, 'utf8')) as Report;
  const noticed = verdicts.filter(({ verdict }) => verdict === 'killed' || verdict === 'late');
  return new Map(noticed.map((verdict) => [keyOf(verdict), verdict]));
}

/** The same for a change after others above it. */
function keyOf({ file, from, to, column }: Mutant): string {
  return JSON.stringify([file, column, from, to]);
}
