/**
 * A captioner of Hugging Face here and in transformers.js, over the same files: `npx node bench/captioners/main.ts EXPORT
 * [--photos DIR] [--rounds 10] [--precision fp32]`. Both are asked for the same photographs in turn, each in a process of its own: greedy, and
 * here with three beams as well; the default bundle beside them. transformers.js is fetched into a cache when this is run,
 * since nothing else here needs it. JSON lines on standard output.
 */
import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, globSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { importCaptioner } from '../../src/import/captioner/import-captioner.ts';
import type { Precision } from '../../src/import/export-names.ts';
import { DEFAULT_BUNDLE } from '../../src/model/load.ts';
import { memoryOf } from '../shared/proc.ts';
import { report } from '../shared/report.ts';
import { median } from '../shared/statistics.ts';
import type { Answer, EngineOptions } from './engine.ts';

const TRANSFORMERS_JS = '@huggingface/transformers@4.3.2';
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const CACHE = join(ROOT, 'node_modules/.cache/show-and-tell/transformers-js');

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    photos: { type: 'string', default: join(ROOT, 'samples') },
    rounds: { type: 'string', default: '10' },
    precision: { type: 'string', default: 'fp32' },
  },
});
const directory = resolve(positionals[0] ?? '.');
const precision = values.precision as Precision;
const photographs = globSync('*.jpg', { cwd: values.photos })
  .sort()
  .map((name) => join(values.photos, name));

const work = mkdtempSync(join(tmpdir(), 'show-and-tell-bench-'));
process.on('exit', () => rmSync(work, { recursive: true, force: true }));
const bundle = join(work, 'bundle');
const { draft } = await importCaptioner({ directory, out: bundle, name: basename(directory), precision });
await draft.publish();
if (!existsSync(join(CACHE, 'node_modules'))) {
  mkdirSync(CACHE, { recursive: true });
  execFileSync('npm', ['install', '--prefix', CACHE, '--ignore-scripts', '--no-save', TRANSFORMERS_JS], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

const theirs: EngineOptions = {
  engine: 'transformers.js',
  library: join(CACHE, 'node_modules/@huggingface/transformers/dist/transformers.node.mjs'),
  models: dirname(directory),
  name: basename(directory),
  // As transformers.js calls them.
  precision: precision === 'int8' ? 'q8' : precision,
};
const engines = {
  'transformers.js, greedy': await start(theirs),
  'here, greedy': await start({ engine: 'here', directory: bundle, beamWidth: 1 }),
  'here, 3 beams': await start({ engine: 'here', directory: bundle, beamWidth: 3 }),
  'default bundle': await start({ engine: 'here', directory: DEFAULT_BUNDLE, beamWidth: 3 }),
};
type Name = keyof typeof engines;
const names = Object.keys(engines) as Name[];

const times = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>;
let same = 0;
// The first one sizes buffers.
for (let round = -1; round < Number(values.rounds); round++) {
  const photograph = photographs[(round + photographs.length) % photographs.length]!;
  const said: string[] = [];
  for (const name of names) {
    const { milliseconds, text } = await engines[name].ask(photograph);
    if (round >= 0) times[name].push(milliseconds);
    said.push(text.trim());
  }
  if (round >= 0 && said[0] === said[1]) same++;
}
const typical = (name: Name) => median(times[name]);
const peak = (name: Name) => memoryOf(engines[name].pid).peakMiB;
for (const name of names) {
  report({ measure: `captioner: ${name}, median`, value: typical(name), unit: 'ms' });
  report({ measure: `captioner: ${name}, peak memory`, value: peak(name), unit: 'MiB' });
}
report({ measure: 'captioner: greedy captions that are the same', value: same, unit: 'images' });
const ratio = (measure: string, value: number, target: string) =>
  report({ measure: `captioner: ${measure}`, value, unit: 'ratio', target });
ratio(
  'transformers.js / here, greedy',
  typical('transformers.js, greedy') / typical('here, greedy'),
  'at least 1.5',
);
ratio('3 beams / greedy, here', typical('here, 3 beams') / typical('here, greedy'), 'at most 1.6');
ratio(
  'memory, here with 3 beams / transformers.js',
  peak('here, 3 beams') / peak('transformers.js, greedy'),
  'at most 1',
);
for (const { stop } of Object.values(engines)) stop();

async function start(options: EngineOptions) {
  const child = fork(new URL('./engine.ts', import.meta.url), [JSON.stringify(options)]);
  const answer = async () => (await once(child, 'message'))[0] as Answer;
  await answer();
  return {
    pid: child.pid!,
    ask: (photograph: string) => {
      child.send(photograph);
      return answer();
    },
    stop: () => child.disconnect(),
  };
}
