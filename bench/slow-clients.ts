/** The server beside clients whose uploads hardly come. */
import { connect, type Socket } from 'node:net';
import { captionAlone, type LoadOptions, type Photograph, type Seen, shoot } from './load.ts';
import { startServer } from './served.ts';
import { median, percentile } from './shared/statistics.ts';

const SLOW = 200;
const HONEST = 8;
/** Twice as long as a body has to bring something, so that slow ones are cut and come again. */
const ROUND_SECONDS = 20;
/** Each sends a byte so often, or nothing. */
const DRIP_MS = 1_000;

const HEAD = 'POST /captions HTTP/1.1\r\nHost: here\r\nContent-Type: image/jpeg\r\n';
/** In turns: one announces all that is taken and sends nothing, one drips, one drips in chunks. */
const KINDS = [
  { beginning: `${HEAD}Content-Length: ${32 << 20}\r\n\r\n`, drip: '' },
  { beginning: `${HEAD}Content-Length: ${32 << 20}\r\n\r\n`, drip: 'x' },
  { beginning: `${HEAD}Transfer-Encoding: chunked\r\n\r\n`, drip: '1\r\nx\r\n' },
];

interface Answers {
  /** Milliseconds. */
  p50: number;
  p99: number;
  served: number;
  refused: number;
  wrong: number;
}

export interface SlowClientsReport {
  /** Of the honest clients, rounds without and rounds with the slow ones in turns. */
  alone: Answers;
  beside: Answers;
  /** Median of the ratios of the p99 of neighbouring rounds. */
  ratio: number;
  /** Slow uploads that were answered 408; each of them begins anew. */
  cut: number;
}

export async function besideSlowClients(
  images: readonly Buffer[],
  { directory, workers, seconds }: LoadOptions,
): Promise<SlowClientsReport> {
  const photographs = await captionAlone(images, directory);
  const server = await startServer({ directory, workers });
  const rounds: { alone: Seen; beside: Seen }[] = [];
  let cut = 0;
  try {
    await honestRound(server.url, photographs, 1);
    const each = Math.min(ROUND_SECONDS, seconds);
    for (let done = 0; done < seconds; done += each) {
      const alone = await honestRound(server.url, photographs, each);
      const slow = startSlowClients(Number(new URL(server.url).port));
      const beside = await honestRound(server.url, photographs, each);
      cut += slow.stop();
      rounds.push({ alone, beside });
    }
  } finally {
    await server.stop();
  }
  return {
    alone: together(rounds.map(({ alone }) => alone)),
    beside: together(rounds.map(({ beside }) => beside)),
    ratio: median(
      rounds.map(({ alone, beside }) => percentile(beside.served, 0.99) / percentile(alone.served, 0.99)),
    ),
    cut,
  };
}

function honestRound(url: string, photographs: readonly Photograph[], seconds: number): Promise<Seen> {
  return shoot(url, photographs, { connections: HONEST, duration: seconds });
}

function together(rounds: readonly Seen[]): Answers {
  const times = rounds.flatMap(({ served }) => served);
  return {
    p50: percentile(times, 0.5),
    p99: percentile(times, 0.99),
    served: times.length,
    refused: rounds.reduce((sum, { refused }) => sum + refused.length, 0),
    wrong: rounds.reduce((sum, { wrong }) => sum + wrong, 0),
  };
}

function startSlowClients(port: number): { stop(): number } {
  const clients = new Set<Socket>();
  let going = true;
  let cut = 0;
  const start = (n: number): void => {
    const { beginning, drip } = KINDS[n % KINDS.length]!;
    const socket = connect({ port, host: '127.0.0.1' });
    clients.add(socket);
    socket.write(beginning);
    const timer = setInterval(() => socket.write(drip), DRIP_MS);
    socket
      .on('error', () => undefined)
      .on('data', (answer: Buffer) => {
        if (answer.toString().startsWith('HTTP/1.1 408')) cut++;
      });
    socket.once('close', () => {
      clearInterval(timer);
      clients.delete(socket);
      if (going) start(n);
    });
  };
  for (let n = 0; n < SLOW; n++) start(n);
  return {
    stop: () => {
      going = false;
      for (const socket of clients) socket.destroy();
      return cut;
    },
  };
}
