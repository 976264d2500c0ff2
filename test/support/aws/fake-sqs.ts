/** A small SQS over real HTTP, so that the SDK's own code runs: one queue, long polling, visibility, faults on demand. */
import { createHash, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface SqsRequest {
  action: string;
  input: {
    ReceiptHandle?: string;
    WaitTimeSeconds?: number;
    VisibilityTimeout?: number;
    MaxNumberOfMessages?: number;
  };
}

export interface FakeSqs {
  url: string;
  queueUrl: string;
  requests: SqsRequest[];
  send(body: string): void;
  /** Of messages that are not deleted, at work or not. */
  bodies(): string[];
  /** Gives back what was received and not deleted, as the end of the visibility timeout does. */
  giveBack(): void;
  /** Answers with this status in place of the next request's own answer. */
  failNext(action: string, status: number): void;
  close(): Promise<void>;
}

interface Stored {
  id: string;
  body: string;
  /** `null` while visible. */
  receipt: string | null;
}

export async function startFakeSqs(): Promise<FakeSqs> {
  const messages: Stored[] = [];
  const requests: SqsRequest[] = [];
  const faults: { action: string; status: number }[] = [];
  /** Requests that wait for a message. */
  const waiting = new Set<() => void>();
  const wake = (): void => {
    for (const look of [...waiting]) look();
  };

  const receive = (most: number, response: ServerResponse): boolean => {
    const found = messages.filter(({ receipt }) => receipt === null).slice(0, most);
    if (found.length === 0) return false;
    const Messages = found.map((message) => {
      message.receipt = randomUUID();
      const MD5OfBody = createHash('md5').update(message.body).digest('hex');
      return { MessageId: message.id, ReceiptHandle: message.receipt, Body: message.body, MD5OfBody };
    });
    sendJson(response, 200, { Messages });
    return true;
  };

  const waitForMessage = (most: number, seconds: number, response: ServerResponse): void => {
    const look = (): void => {
      if (receive(most, response)) end();
    };
    const timer = setTimeout(() => {
      sendJson(response, 200, {});
      end();
    }, seconds * 1000);
    const end = (): void => {
      clearTimeout(timer);
      waiting.delete(look);
    };
    waiting.add(look);
    response.once('close', end);
    look();
  };

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const action = String(request.headers['x-amz-target']).replace('AmazonSQS.', '');
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const input = JSON.parse(Buffer.concat(chunks).toString());
    requests.push({ action, input });
    const fault = faults.find((f) => f.action === action);
    if (fault !== undefined) {
      faults.splice(faults.indexOf(fault), 1);
      return sendJson(response, fault.status, { __type: 'com.amazonaws.sqs#AccessDenied' });
    }
    if (action === 'ReceiveMessage') {
      return waitForMessage(input.MaxNumberOfMessages, input.WaitTimeSeconds, response);
    }
    if (action === 'DeleteMessage') {
      const at = messages.findIndex(({ receipt }) => receipt === input.ReceiptHandle);
      if (at >= 0) messages.splice(at, 1);
    }
    sendJson(response, 200, {});
  };

  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    queueUrl: `${url}/123456789012/images`,
    requests,
    send: (body) => {
      messages.push({ id: randomUUID(), body, receipt: null });
      wake();
    },
    bodies: () => messages.map(({ body }) => body),
    giveBack: () => {
      for (const message of messages) message.receipt = null;
      wake();
    },
    failNext: (action, status) => void faults.push({ action, status }),
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' });
  response.end(JSON.stringify(body));
}
