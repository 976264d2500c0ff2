/**
 * Lambda around one function: its Runtime API, and what Lambda does when a function fails to start, throws, takes too
 * long, answers too much or dies. https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
 */
import type { ChildProcess } from 'node:child_process';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { type FunctionOptions, killed, spawnRuntime } from './runtime-api-process.ts';

export type { FunctionOptions };

/** Of a synchronous invocation. https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
const MAX_RESPONSE_BYTES = 6 << 20;
/**
 * What a start may take, ms. Lambda gives 10 s and a whole processor, which tests share with all that runs beside them.
 * https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
 */
const INIT_TIMEOUT = 60_000;

/** What an invocation ends with: the handler's answer, or the error that Lambda reports. */
export type Invocation = { payload: unknown } | { error: { errorType: string; errorMessage: string } };

export interface LambdaFunction {
  /** Starts an environment where none runs. One invocation at a time, as Lambda does it. */
  invoke(event: unknown): Promise<Invocation>;
  /** Ends the process at once, as running out of memory does. */
  kill(): void;
  /** Environments started so far. */
  starts(): number;
  /** Everything written to standard output and error, line by line; those of JSON parsed. */
  logs(): unknown[];
  close(): Promise<void>;
}

/** Lambda takes and gives one invocation at a time. */
interface Pending {
  id: string;
  event: string;
  resolve(invocation: Invocation): void;
}

export async function startFunction(options: FunctionOptions): Promise<LambdaFunction> {
  const { timeout = 30_000 } = options;
  let environment: ChildProcess | null = null;
  let starts = 0;
  let output = '';
  /** Asked for, not yet taken by the function. */
  let queued: Pending | null = null;
  /** Taken, not yet answered. */
  let running: Pending | null = null;
  let waiting: ServerResponse | null = null;
  let invocations = 0;
  let timer: NodeJS.Timeout | undefined;

  const settle = (invocation: Invocation): void => {
    const pending = running ?? queued;
    running = null;
    queued = null;
    clearTimeout(timer);
    if (pending !== null) void outputRead().then(() => pending.resolve(invocation));
  };

  const limitTo = (milliseconds: number): void => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      const errorMessage = `Task timed out after ${(milliseconds / 1000).toFixed(2)} seconds`;
      void stop().then(() => settle({ error: { errorType: 'Sandbox.Timedout', errorMessage } }));
    }, milliseconds);
  };

  const deliver = (): void => {
    if (queued === null || waiting === null) return;
    running = queued;
    queued = null;
    limitTo(timeout);
    waiting.writeHead(200, {
      'content-type': 'application/json',
      'lambda-runtime-aws-request-id': running.id,
      'lambda-runtime-deadline-ms': String(Date.now() + timeout),
      'lambda-runtime-invoked-function-arn': 'arn:aws:lambda:eu-west-1:123456789012:function:test',
      'lambda-runtime-trace-id': 'Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1',
    });
    waiting.end(running.event);
    waiting = null;
  };

  const start = (port: number): void => {
    starts++;
    const child = spawnRuntime(options, port, (text) => {
      output += text;
    });
    environment = child;
    child.on('exit', (code, signal) => {
      if (environment !== child) return;
      environment = null;
      waiting = null;
      const how = signal === null ? `exit status ${code}` : `signal: ${signal}`;
      settle({
        error: { errorType: 'Runtime.ExitError', errorMessage: `Runtime exited with error: ${how}` },
      });
    });
  };

  const stop = async (): Promise<void> => {
    const child = environment;
    environment = null;
    waiting = null;
    if (child !== null) await killed(child);
  };

  const server = createServer((request, response) => {
    if (request.url === '/2018-06-01/runtime/invocation/next') {
      waiting = response;
      deliver();
      return;
    }
    void readBody(request).then((body) => {
      response.writeHead(202).end();
      if (request.url === '/2018-06-01/runtime/init/error') {
        // It ends by itself now; the next invocation gets a new one.
        environment = null;
        settle({ error: JSON.parse(body) });
      } else if (!request.url?.includes(`/${running?.id}/`)) return;
      else if (request.url.endsWith('/error')) settle({ error: JSON.parse(body) });
      else settle(answerOf(body));
    });
  });
  const port = await listen(server);

  const invoke = (event: unknown): Promise<Invocation> =>
    new Promise((resolve) => {
      queued = { id: `request-${++invocations}`, event: JSON.stringify(event), resolve };
      if (environment === null) {
        start(port);
        limitTo(INIT_TIMEOUT);
      }
      deliver();
    });

  return {
    invoke,
    kill: () => void environment?.kill('SIGKILL'),
    starts: () => starts,
    logs: () => output.split('\n').filter(Boolean).map(parsedLine),
    close: async () => {
      clearTimeout(timer);
      await stop();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/**
 * Settles when whatever the function had written before now is read, so that `logs()` after an answer holds the lines
 * before it. They come through pipes of their own, and a poll may see the answer's socket first: one whole turn of the
 * event loop lies between two immediates, and its poll reads every pipe that has something.
 * https://nodejs.org/en/learn/asynchronous-work/event-loop-timers-and-nexttick
 */
async function outputRead(): Promise<void> {
  await setImmediate();
  await setImmediate();
}

function answerOf(body: string): Invocation {
  if (Buffer.byteLength(body) <= MAX_RESPONSE_BYTES) return { payload: JSON.parse(body) };
  return {
    error: {
      errorType: 'Function.ResponseSizeTooLarge',
      errorMessage: `Response payload size exceeded maximum allowed payload size (${MAX_RESPONSE_BYTES} bytes).`,
    },
  };
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

function parsedLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return line;
  }
}
