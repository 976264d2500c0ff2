import { once } from 'node:events';
import { type Command, Option } from 'commander';
import { EVENT_SOURCE } from '../../aws/event-names.ts';
import {
  DEFAULT_MAX_OBJECT_BYTES,
  DEFAULT_RESULTS_PREFIX,
  DEFAULT_UPLOADS_PREFIX,
} from '../../aws/places.ts';
import { describeProblems, InvalidRequest, problemsIn } from '../../errors.ts';
import { defaultWorkers } from '../../model/execution-provider.ts';
import { DEFAULT_BUNDLE } from '../../model/load.ts';
import { createLog } from '../../server/access-log.ts';
import { type ServerSettings, serverSettingsSchema } from '../../server/settings.ts';
import { numberOf } from '../shared/decoding-flags.ts';
import { EXIT_OK } from '../shared/exit.ts';
import { goOnWithoutOutput } from '../shared/output.ts';
import { listenForStop } from '../shared/stop.ts';
import { durationOf, sizeOf } from '../shared/units.ts';

interface ServeFlags {
  model?: string;
  port?: number;
  metricsPort?: number;
  host?: string;
  workers?: number;
  threads?: number;
  executionProvider?: string;
  batch?: number;
  queue?: number;
  allowedBuckets?: string[];
  queueUrl?: string;
  resultsBucket?: string;
  resultsPrefix?: string;
  eventBus?: string;
  deployment?: string;
  tagObjects?: boolean;
  maxObjectBytes?: number;
  maxPixels?: number;
  decodeMemory?: number;
  maxBody?: number;
  maxBodies?: number;
  maxImages?: number;
  headersTimeout?: number;
  requestTimeout?: number;
  idleTimeout?: number;
  answerTimeout?: number;
  stopTimeout?: number;
  uploadsBucket?: string;
  uploadsPrefix?: string;
  corsOrigin?: string[];
  quiet?: boolean;
}

/** From the end of `--stop-timeout` to that of the process: images that are cut off are in threads that finish them. */
const LONGEST_CLOSING_MS = 5_000;

const EXAMPLES = `
Examples:
  $ show-and-tell serve
  $ show-and-tell serve --host 0.0.0.0 --port 80 --workers 4
  $ show-and-tell serve --model models/im2txt --execution-provider cuda --workers 1
  $ curl --data-binary @photo.jpg -H 'content-type: image/jpeg' http://127.0.0.1:8080/captions

Sizes are bytes or have a unit: kb, mb and gb count in thousands, kib, mib and gib in 1,024s. Times are 1ms to 1h, with
their unit: ms, s, m or h.
SIGTERM, SIGHUP or Ctrl-C: images at work are finished, new requests are answered 503; a second signal, half a second later or
more, ends it at once, as the first one does before it listens.
Exit status: 0 stopped, 2 wrong usage or no such place to listen, 4 the model is unusable, 70 a bug; ended at once: 129 SIGHUP,
130 Ctrl-C, 143 SIGTERM.`;

export function addServeCommand(program: Command): void {
  program
    .command('serve')
    .description('caption images over HTTP, with a page to try it on')
    .addOption(
      new Option(
        '--model <dir>',
        'bundle to use (default: the one that comes with the program, models/everyday)',
      ).env('MODEL_DIR'),
    )
    .addOption(
      new Option('--port <n>', 'port to listen on, 0 for any free one (default: 8080)')
        .argParser(numberOf)
        .env('PORT'),
    )
    .option(
      '--metrics-port <n>',
      'port for /metrics alone, 0 for any free one; without it --port has them (default: none)',
      numberOf,
    )
    .option(
      '--host <address>',
      'address to listen on; 0.0.0.0 for all (default: 127.0.0.1, this machine only)',
    )
    .option(
      '--workers <n>',
      'images captioned at the same time, each with its own copy of the model (default: the processors, at most 8, with cuda 2; fewer where memory is short)',
      numberOf,
    )
    .option('--threads <n>', 'threads inside one network run (default: 1)', numberOf)
    .addOption(
      new Option('--execution-provider <name>', 'cpu or cuda (default: cpu)').env('EXECUTION_PROVIDER'),
    )
    .option(
      '--batch <n>',
      'images that a worker takes at once, as many as wait when it is free, at most 256 (default: 4, with cuda 32)',
      numberOf,
    )
    .option(
      '--queue <n>',
      'images that may wait; more are answered 503 (default: 32 for each worker, or four batches)',
      numberOf,
    )
    .option(
      '--allowed-buckets <names>',
      'S3 buckets, comma separated, that requests may name images in; credentials as usual (default: none)',
      (names) => names.split(','),
    )
    .option(
      '--uploads-bucket <name>',
      'S3 bucket where clients put images too large for a request; its events go to a queue (default: none)',
    )
    .option(
      '--uploads-prefix <prefix>',
      `what the uploads' keys start with (default: ${DEFAULT_UPLOADS_PREFIX})`,
    )
    .option('--queue-url <url>', 'queue of SQS whose S3 events are captioned beside HTTP (default: none)')
    .option('--results-bucket <name>', 'S3 bucket for the results of the queue')
    .option(
      '--results-prefix <prefix>',
      `what the results' keys start with (default: ${DEFAULT_RESULTS_PREFIX})`,
    )
    .option('--event-bus <name>', 'bus of EventBridge that is told of what the queue names (default: none)')
    .option('--deployment <name>', `what those events call this server (default: ${EVENT_SOURCE})`)
    .option(
      '--tag-objects',
      'write the best caption on what the queue names, as the tag "caption" (default: no)',
    )
    .option(
      '--max-object-bytes <size>',
      `largest object of the queue, at most 256mib (default: ${DEFAULT_MAX_OBJECT_BYTES / 2 ** 20}mib)`,
      sizeOf,
    )
    .option(
      '--max-body <size>',
      'longest body of a request, 413 above; at most 256mib, more as uploads (default: 32mib)',
      sizeOf,
    )
    .option(
      '--max-bodies <size>',
      'what has come of all bodies on their way, 503 above; bounds the memory (default: 256mib)',
      sizeOf,
    )
    .option('--max-images <n>', 'images of a form, 422 above; 1 to 1000 (default: 20)', numberOf)
    .option(
      '--headers-timeout <time>',
      'until a request’s headers are there, 408 after that (default: 10s, or --request-timeout)',
      durationOf,
    )
    .option(
      '--request-timeout <time>',
      'until a request is there as a whole, 408 after that (default: 30s)',
      durationOf,
    )
    .option(
      '--idle-timeout <time>',
      'until a connection without requests is closed (keep-alive); longer than the load balancer’s (default: 65s)',
      durationOf,
    )
    .option(
      '--answer-timeout <time>',
      'from a request to its captions, 504 after that (default: 30s)',
      durationOf,
    )
    .option(
      '--stop-timeout <time>',
      'from SIGTERM until what is at work is cut off; shorter than the orchestrator’s (default: 25s)',
      durationOf,
    )
    .addOption(
      new Option(
        '--max-pixels <n>',
        'largest image (default: 256 million for JPEG and WebP, 128 million for others, 50 million for AVIF)',
      )
        .argParser(numberOf)
        .env('MAX_PIXELS'),
    )
    .addOption(
      new Option(
        '--decode-memory <size>',
        'memory that all images at work may take to decode; they wait for it (default: what the models leave)',
      )
        .argParser(sizeOf)
        .env('DECODE_MEMORY'),
    )
    .option(
      '--cors-origin <origin>',
      'origin whose pages may call, such as https://app.example.org, or * for any; may be repeated (default: pages of ' +
        'this machine while only it is listened to, else none)',
      (origin, before: string[] = []) => [...before, origin],
    )
    .option('--quiet', 'no line for each request on standard error')
    .addHelpText('after', EXAMPLES)
    .action(async (flags: ServeFlags) => {
      process.exitCode = await serve(flags);
    });
}

async function serve({ model = DEFAULT_BUNDLE, quiet = false, ...flags }: ServeFlags): Promise<number> {
  const provider = flags.executionProvider === 'cuda' ? 'cuda' : 'cpu';
  const settings = settingsOf({ ...flags, workers: flags.workers ?? defaultWorkers(model, provider) });
  goOnWithoutOutput();
  // Loaded only here: every other command would take longer to start.
  const { startServer } = await import('../../server/server.ts');
  const lost = Promise.withResolvers<never>();
  // Lost before it listens: `startServer` says so itself.
  lost.promise.catch(() => undefined);
  const server = await startServer({
    model,
    settings,
    ...(!quiet && { report: createLog() }),
    onLost: lost.reject,
  });
  const metrics = server.metricsUrl === undefined ? '' : `Metrics at ${server.metricsUrl}\n`;
  process.stdout.write(
    `Captions at ${server.url}/ (${settings.workers} workers); Ctrl-C to stop\n${metrics}`,
  );
  const { signal } = listenForStop(settings.stopTimeout + LONGEST_CLOSING_MS);
  try {
    await Promise.race([once(signal, 'abort'), lost.promise]);
  } finally {
    await server.stop();
  }
  return EXIT_OK;
}

/** Flag of each setting. */
const flagOf = (name: string) =>
  name === 'port'
    ? '--port (or PORT)'
    : `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/** @throws InvalidRequest in the flags' names */
function settingsOf(flags: Omit<ServeFlags, 'model' | 'quiet'>): ServerSettings {
  const parsed = serverSettingsSchema.safeParse(flags);
  if (parsed.success) return parsed.data;
  throw new InvalidRequest(describeProblems(problemsIn(parsed.error), flagOf));
}
