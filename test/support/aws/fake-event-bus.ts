/** A small EventBridge over real HTTP, so that the SDK's own code runs: it takes events, and refuses them on demand. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface TakenEvent {
  EventBusName: string;
  Source: string;
  DetailType: string;
  /** Seconds since the epoch. */
  Time: number;
  /** JSON. */
  Detail: string;
}

/** `status`: of the whole request. `codes`: of its entries, `null` for one that is taken. */
export type BusFault =
  | { status: number; code: string }
  | { codes: (string | null)[] }
  | 'hang up'
  | 'silence';

export interface FakeEventBus {
  /** For `AWS_ENDPOINT_URL_EVENTBRIDGE`. */
  url: string;
  /** Entries of each request, taken or not. */
  requests: TakenEvent[][];
  /** What was taken: type, detail and bus. */
  events(): { type: string; bus: string; detail: Record<string, unknown> }[];
  /** In place of the answers to the next requests. */
  failNext(...faults: BusFault[]): void;
  close(): Promise<void>;
}

export async function startFakeEventBus(): Promise<FakeEventBus> {
  const requests: TakenEvent[][] = [];
  const taken: TakenEvent[] = [];
  const faults: BusFault[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const send = (status: number, body: object): void => {
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' });
      response.end(JSON.stringify(body));
    };
    if (request.headers['x-amz-target'] !== 'AWSEvents.PutEvents') return send(400, { __type: 'Unknown' });
    const { Entries } = JSON.parse(Buffer.concat(chunks).toString()) as { Entries: TakenEvent[] };
    requests.push(Entries);
    const fault = faults.shift();
    if (fault === 'silence') return;
    if (fault === 'hang up') return void request.socket.destroy();
    if (fault !== undefined && 'status' in fault) return send(fault.status, { __type: fault.code });
    const codes = Entries.map((_, i) => fault?.codes[i] ?? null);
    taken.push(...Entries.filter((_, i) => codes[i] === null));
    send(200, {
      FailedEntryCount: codes.filter((code) => code !== null).length,
      Entries: codes.map((code, i) =>
        code === null ? { EventId: `event-${i}` } : { ErrorCode: code, ErrorMessage: 'no' },
      ),
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    events: () =>
      taken.map(({ DetailType, EventBusName, Detail }) => ({
        type: DetailType,
        bus: EventBusName,
        detail: JSON.parse(Detail),
      })),
    failNext: (...more) => void faults.push(...more),
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
