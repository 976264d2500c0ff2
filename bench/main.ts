/**
 * Speed and memory of a bundle: `npm run bench [-- --model DIR [--beside OTHER]]`; the server under load:
 * `npm run bench -- load [--seconds 60] [--workers 2]`; beside clients that send slowly: `npm run bench -- slow-clients`
 * with the same flags; its memory under images made to take much of it: `npm run bench -- hostile [--workers 2]
 * [--decode-memory 1024] [--limit MIB --under COMMAND]`; what workers and batches bring: `npm run bench -- throughput
 * [--workers 1,2] [--batches 1,2,4,8] [--threads 1] [--execution-provider cuda] [--seconds 10] [--beside OTHER]...`. JSON lines
 * on standard output, a table on standard error. Only ratios inside one run travel between machines.
 */
import { globSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { availableParallelism, cpus } from 'node:os';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { ExecutionProvider } from '../src/model/execution-provider.ts';
import { defaultBatch } from '../src/model/execution-provider.ts';
import { DEFAULT_BUNDLE, loadCaptioner } from '../src/model/load.ts';
import { defaultDecodeMemory } from '../src/model/memory/decode-memory.ts';
import { createPool } from '../src/model/pool.ts';
import { coldStart } from './cold.ts';
import { underAttack } from './hostile.ts';
import { underLoad } from './load.ts';
import { memoryOfCli } from './memory.ts';
import { report } from './shared/report.ts';
import { besideSlowClients } from './slow-clients.ts';
import { type Latency, throughputOf } from './throughput.ts';
import { throughput, warmStages } from './warm.ts';

const SAMPLES = ['astronaut', 'chelsea', 'coffee', 'rocket', 'stairs', 'temple'].map((name) =>
  fileURLToPath(new URL(`../samples/${name}.jpg`, import.meta.url)),
);
const ALL_SAMPLES = globSync(fileURLToPath(new URL('../samples/*.jpg', import.meta.url))).sort();
const COLD_ROUNDS = 11;
const WARM_ROUNDS = 20;
const MEMORY_CAPTIONS = 1000;
const HOSTILE_IMAGES = 64;
const MEBIBYTE = 2 ** 20;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    model: { type: 'string', default: DEFAULT_BUNDLE },
    beside: { type: 'string', multiple: true, default: [] },
    seconds: { type: 'string' },
    workers: { type: 'string' },
    batches: { type: 'string', default: '1,2,4,8' },
    threads: { type: 'string', default: '1' },
    'execution-provider': { type: 'string', default: 'cpu' },
    'decode-memory': { type: 'string', default: '1024' },
    limit: { type: 'string' },
    under: { type: 'string', default: '' },
  },
});

// As many images decode at once as the program lets decode. The same threads read this file: it is too late for this process.
if (process.env.UV_THREADPOOL_SIZE === undefined && availableParallelism() > 4) {
  const environment = { ...process.env, UV_THREADPOOL_SIZE: String(availableParallelism()) };
  process.execve!(process.execPath, process.argv, environment);
}

const workers = Number(values.workers ?? 2);
const seconds = Number(values.seconds ?? 60);

process.stderr.write(
  `${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} processors, Node ${process.version}\n`,
);
if (positionals[0] === 'load') {
  await reportLoad();
} else if (positionals[0] === 'slow-clients') {
  await reportSlowClients();
} else if (positionals[0] === 'hostile') {
  await reportHostile();
} else if (positionals[0] === 'throughput') {
  await reportThroughput();
} else {
  await reportCold();
  await reportWarm();
  await reportJobs();
  await reportMemory();
}

async function reportCold(): Promise<void> {
  const cold = await coldStart(values.model, SAMPLES[1]!, COLD_ROUNDS);
  report({ measure: 'cold start: spawn to first caption', value: cold.firstCaption, unit: 'ms' });
  report({ measure: 'cold start: imports only', value: cold.importsOnly, unit: 'ms' });
  report({
    measure: 'cold start: first caption / imports only',
    value: cold.ratio,
    unit: 'ratio',
    target: '<= 3',
  });
}

async function reportWarm(): Promise<void> {
  const images = await Promise.all(SAMPLES.map((file) => readFile(file)));
  const models = [values.model, ...values.beside];
  const settings = models.flatMap((directory) => [1, 2].map((threads) => ({ directory, threads })));
  const rows = await warmStages(settings, images, WARM_ROUNDS);
  for (const [i, { threads, ownShare, searchToEncode, searchShare, ...stages }] of rows.entries()) {
    const name = models.length > 1 ? `${basename(settings[i]!.directory)}, ` : '';
    const at = `warm, ${name}${threads} thread${threads > 1 ? 's' : ''}`;
    for (const [stage, value] of Object.entries(stages)) {
      report({ measure: `${at}: ${stage}`, value, unit: 'ms' });
    }
    report({ measure: `${at}: own code / total`, value: ownShare, unit: 'ratio', target: '<= 0.10' });
    report({ measure: `${at}: search / encode`, value: searchToEncode, unit: 'ratio', target: '<= 0.60' });
    report({ measure: `${at}: search / total`, value: searchShare, unit: 'ratio' });
  }
  for (const [i, beside] of values.beside.entries()) {
    for (const [j, { threads, encode, total }] of rows.slice(0, 2).entries()) {
      const other = rows[2 * (i + 1) + j]!;
      const at = `beside ${basename(beside)}, ${threads} thread${threads > 1 ? 's' : ''}`;
      report({ measure: `${at}: its encode / ours`, value: other.encode / encode, unit: 'ratio' });
      report({ measure: `${at}: its total / ours`, value: other.total / total, unit: 'ratio' });
    }
  }
}

async function reportJobs(): Promise<void> {
  const samples = await Promise.all(SAMPLES.map((file) => readFile(file)));
  const images = Array.from({ length: 20 }, () => samples).flat();
  const alone = await loadCaptioner(values.model, { threads: 1 });
  const pool = createPool(2, { directory: values.model, image: alone.bundle.manifest.image, threads: 1 });
  const one = await throughput(alone.caption, images, 1, 3);
  const two = await throughput(pool.caption, images, pool.inFlight, 3);
  await pool.close();
  report({ measure: 'throughput: 1 job, 1 thread', value: one, unit: 'images/s' });
  report({ measure: 'throughput: 2 jobs', value: two, unit: 'images/s' });
  report({ measure: 'throughput: 2 jobs / 1 job', value: two / one, unit: 'ratio' });
}

async function reportThroughput(): Promise<void> {
  const numbers = (list: string) => list.split(',').map(Number);
  const rows = await throughputOf(await Promise.all(ALL_SAMPLES.map((file) => readFile(file))), {
    directories: [values.model, ...values.beside],
    workers: numbers(values.workers ?? '1,2'),
    batches: numbers(values.batches),
    threads: Number(values.threads),
    executionProvider: values['execution-provider'] as ExecutionProvider,
    seconds: Number(values.seconds ?? 10),
  });
  const names = new Map(rows.map(({ setting: { directory } }) => [directory, basename(directory)]));
  const nameOf = (directory: string) =>
    new Set(names.values()).size === names.size ? names.get(directory)! : directory;
  const [first] = rows;
  const firstBatch = first!.setting.batch;
  for (const { setting, ...row } of rows) {
    const { directory, workers, batch, http } = setting;
    const at = `${nameOf(directory)}, ${workers} x batch ${batch}${http ? ', HTTP' : ''}`;
    const ratio = (to: string, value: number) =>
      report({ measure: `${at}: images/s / ${to}`, value, unit: 'ratio' });
    const latency = (load: string, { p50, p99 }: Latency) => {
      report({ measure: `${at}: ${load}, p50`, value: p50, unit: 'ms' });
      report({ measure: `${at}: ${load}, p99`, value: p99, unit: 'ms' });
    };
    report({ measure: `${at}: differs from one alone by`, value: row.difference, unit: 'nats' });
    report({ measure: `${at}: images/s`, value: row.rate, unit: 'images/s' });
    if (http) ratio('without HTTP', row.toPool);
    else if (batch !== firstBatch) ratio(`batch ${firstBatch}`, row.toFirstBatch);
    if (directory !== first!.setting.directory) {
      ratio(nameOf(first!.setting.directory), row.toFirstBundle);
    }
    latency('one at a time', row.alone);
    latency('50 % load', row.half);
    latency('100 % load', row.full);
    if (batch !== firstBatch) latency(`100 % of batch ${firstBatch}`, row.same);
  }
}

async function reportMemory(): Promise<void> {
  const memory = await memoryOfCli(values.model, SAMPLES[0]!, MEMORY_CAPTIONS);
  report({ measure: 'memory: peak RSS', value: memory.peakMiB, unit: 'MiB', target: '<= 200' });
  report({ measure: 'memory: RSS after 100 captions', value: memory.settledMiB, unit: 'MiB' });
  report({
    measure: 'memory: growth, 100 to 1,000 captions',
    value: memory.growth,
    unit: 'ratio',
    target: '<= 0.10',
  });
}

async function reportLoad(): Promise<void> {
  const images = await Promise.all(SAMPLES.map((file) => readFile(file)));
  const load = await underLoad(images, {
    directory: values.model,
    workers,
    seconds,
  });
  const at = `load, ${workers} workers`;
  report({ measure: `${at}: without HTTP`, value: load.pool, unit: 'images/s' });
  report({ measure: `${at}: over HTTP`, value: load.served, unit: 'images/s' });
  report({
    measure: `${at}: over HTTP / without`,
    value: load.servedToPool,
    unit: 'ratio',
    target: '>= 0.85',
  });
  report({ measure: `${at}: processor, workers alone`, value: load.poolProcessor, unit: 'ms' });
  report({ measure: `${at}: processor, server`, value: load.serverProcessor, unit: 'ms' });
  report({ measure: `${at}: processor, client`, value: load.clientProcessor, unit: 'ms' });
  report({ measure: `${at}: p50`, value: load.p50, unit: 'ms' });
  report({ measure: `${at}: p99`, value: load.p99, unit: 'ms' });
  report({ measure: `${at}: p99 / p50`, value: load.p99 / load.p50, unit: 'ratio', target: '< 6' });
  report({ measure: `${at}: /health, p99`, value: load.p99Health, unit: 'ms', target: '<= 50' });
  report({ measure: `${at}: /health, slowest`, value: load.slowestHealth, unit: 'ms' });
  report({ measure: `${at}: wrong or lost answers`, value: load.wrong, unit: 'requests', target: '0' });
  const { overload } = load;
  report({
    measure: 'overload: captioned / at capacity',
    value: overload.servedToCapacity,
    unit: 'ratio',
  });
  report({ measure: 'overload: answered 503', value: overload.refused, unit: 'requests' });
  report({ measure: 'overload: 503, p50', value: overload.p50Refused, unit: 'ms' });
  report({ measure: 'overload: 503, p99', value: overload.p99Refused, unit: 'ms' });
  report({ measure: 'overload: captions, p99', value: overload.p99Served, unit: 'ms' });
  report({ measure: 'overload: slowest answer', value: overload.slowest, unit: 'ms' });
  report({ measure: 'load, memory: RSS after the first round', value: load.settledMiB, unit: 'MiB' });
  report({ measure: 'load, memory: RSS at the end', value: load.endMiB, unit: 'MiB' });
  report({ measure: 'load, memory: growth', value: load.growth, unit: 'ratio', target: '<= 0.10' });
}

async function reportSlowClients(): Promise<void> {
  const images = await Promise.all(SAMPLES.map((file) => readFile(file)));
  const seen = await besideSlowClients(images, {
    directory: values.model,
    workers,
    seconds,
  });
  const at = `slow clients, ${workers} workers`;
  report({ measure: `${at}: alone, p50`, value: seen.alone.p50, unit: 'ms' });
  report({ measure: `${at}: alone, p99`, value: seen.alone.p99, unit: 'ms' });
  report({ measure: `${at}: beside them, p50`, value: seen.beside.p50, unit: 'ms' });
  report({ measure: `${at}: beside them, p99`, value: seen.beside.p99, unit: 'ms' });
  report({ measure: `${at}: p99 beside / alone`, value: seen.ratio, unit: 'ratio', target: '<= 2' });
  report({ measure: `${at}: captioned beside them`, value: seen.beside.served, unit: 'requests' });
  report({ measure: `${at}: answered 503`, value: seen.beside.refused, unit: 'requests', target: '0' });
  report({
    measure: `${at}: wrong or lost answers`,
    value: seen.beside.wrong,
    unit: 'requests',
    target: '0',
  });
  report({ measure: `${at}: slow uploads answered 408`, value: seen.cut, unit: 'requests' });
}

/** MiB; with `--limit` the server itself finds what there is under `--under`. */
async function reportHostile(): Promise<void> {
  const { model: directory, limit } = values;
  const budget =
    limit === undefined
      ? Number(values['decode-memory'])
      : defaultDecodeMemory({ directory, workers, batch: defaultBatch(), limit: Number(limit) * MEBIBYTE }) /
        MEBIBYTE;
  const flags = ['--answer-timeout', '20m', '--queue', String(HOSTILE_IMAGES)];
  const found = await underAttack(await readFile(SAMPLES[0]!), HOSTILE_IMAGES, {
    directory,
    workers,
    flags: limit === undefined ? [...flags, '--decode-memory', `${budget}mib`] : flags,
    under: values.under === '' ? [] : values.under.split(' '),
  });
  const at = `hostile, ${HOSTILE_IMAGES} images, ${workers} workers`;
  for (const [answer, images] of Object.entries(found.answers)) {
    report({ measure: `${at}: ${answer}`, value: images, unit: 'images' });
  }
  report({ measure: `${at}: took`, value: found.seconds * 1000, unit: 'ms' });
  report({ measure: `${at}: RSS before`, value: found.beforeMiB, unit: 'MiB' });
  report({
    measure: `${at}: peak RSS`,
    value: found.peakMiB,
    unit: 'MiB',
    ...(limit && { target: `< ${limit}` }),
  });
  report({ measure: `${at}: budget`, value: budget, unit: 'MiB' });
  const growth = found.peakMiB - found.beforeMiB;
  report({ measure: `${at}: growth / budget`, value: growth / budget, unit: 'ratio', target: '<= 1.20' });
}
