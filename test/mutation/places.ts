/** Which files are changed, and which tests have to notice. */
import { globSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../support/samples.ts';

/**
 * Folders and files of tests that hold a folder beside those in the folder of the same name; a folder within takes
 * those of the nearest line. Tests of other folders may notice more, but later, and far from the cause.
 */
const ALSO: Record<string, readonly string[]> = {
  'src/aws': ['test/s3', 'test/bucket-run'],
  'src/bucket-run': ['test/cli/bucket'],
  'src/caption/vocabulary': ['test/caption/plan.test.ts', 'test/caption/search/piece-constraint.test.ts'],
  'src/cli/serve': ['test/cli/output.test.ts'],
  'src/cli/shared': ['test/cli/output.test.ts', 'test/cli/caption/many.test.ts'],
  'src/import/bytes': ['test/import/tensorflow/checkpoint.test.ts', 'test/import/tensorflow/sstable.test.ts'],
  'src/import/network': ['test/import/read-weights.test.ts', 'test/import/tensorflow/graph-walk.test.ts'],
  'src/import/source': ['test/import/read-weights.test.ts', 'test/import/open-files.test.ts'],
  'src/import/tensorflow': ['test/import/read-weights.test.ts', 'test/import/network/frozen-graph.test.ts'],
  'src/model': ['test/server/departures.test.ts', 'test/server/lost-workers.test.ts'],
  'src/onnx': ['test/import/network/decoder-graph.test.ts', 'test/import/network/encoder-graph.test.ts'],
  'src/pictures': ['test/cli/caption/pictures.test.ts'],
  'src/s3': ['test/lambda', 'test/http/routes'],
};

/** Runs state machines against real functions, for a minute: too long for every change elsewhere. */
const SLOW = { test: 'test/infra/workflow/workflow.test.ts', holds: 'infra/workflow' };

/** Runs in a browser alone, which writes no coverage, and which only these tests open. */
const IN_BROWSER = { tests: 'test/http/page/', holds: 'src/http/page/browser/' };

/** Of a file that no coverage tells of. */
export function mayReach(test: string, file: string): boolean {
  return !file.startsWith(IN_BROWSER.holds) || test.startsWith(IN_BROWSER.tests);
}

/** What is directly in `src`, but for the one file that is exports alone, and `infra`. */
export function allPlaces(): string[] {
  return [...globSync('src/*', { cwd: ROOT, exclude: ['src/index.ts'] }).sort(), 'infra'];
}

/** @param place a folder or a file of `src` or `infra` */
export function sourcesOf(place: string): string[] {
  if (!/^(src|infra)(\/|$)/.test(place)) throw new Error(`${place}: only src and infra are changed`);
  const found = statSync(join(ROOT, place)).isDirectory()
    ? globSync(`${place}/**/*.{ts,js}`, { cwd: ROOT })
    : [place];
  return found.filter((file) => !file.endsWith('.d.ts')).sort();
}

/** @returns test files that there are, by name */
export function testsOf(place: string): string[] {
  const folder = statSync(join(ROOT, place)).isDirectory() ? place : place.replace(/\/[^/]+$/, '');
  const line = Object.keys(ALSO)
    .filter((name) => folder === name || folder.startsWith(`${name}/`))
    .reduce((longest, name) => (name.length > longest.length ? name : longest), '');
  const own =
    folder === 'src'
      ? place.replace(/^src(.*)\.ts$/, 'test$1.test.ts')
      : folder.replace(/^(src\/)?/, 'test/');
  const places = [own, ...(ALSO[line] ?? [])];
  const patterns = places.map((name) => (name.endsWith('.ts') ? name : `${name}/**/*.test.ts`));
  const found = new Set(patterns.flatMap((pattern) => globSync(pattern, { cwd: ROOT })));
  if (!folder.startsWith(SLOW.holds)) found.delete(SLOW.test);
  return [...found].sort();
}
