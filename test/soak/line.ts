/** A connection whose every byte is in the hands of the soak. */
import type { Socket } from 'node:net';
import { type Answer, answersIn, open } from '../server/harness.ts';

/** Longer than the server lets a request take, from its first byte to its answer. */
const PATIENCE_MS = 60_000;

export interface Line {
  socket: Socket;
  /** @throws Error when the connection closes before it, or nothing comes for a minute */
  answer(): Promise<Answer>;
  /** Answers that nobody asked for by `answer`, when the server has closed the connection. */
  surplus(): Promise<number>;
}

export async function dial(port: number): Promise<Line> {
  const socket = await open(port);
  let received = '';
  let read = 0;
  let wake: () => void = () => undefined;
  let isClosed = false;
  socket.setEncoding('utf8').on('data', (text: string) => {
    received += text;
    wake();
  });
  socket.on('error', () => undefined);
  socket.once('close', () => {
    isClosed = true;
    wake();
  });
  socket.setTimeout(PATIENCE_MS, () => socket.destroy());
  const until = async (isThere: () => boolean) => {
    while (!isThere() && !isClosed) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  return {
    socket,
    async answer() {
      await until(() => answersIn(received).length > read);
      const answer = answersIn(received)[read++];
      if (answer === undefined) throw new Error(`no answer: ${JSON.stringify(received.slice(-80))}`);
      return answer;
    },
    async surplus() {
      await until(() => false);
      return answersIn(received).length - read;
    },
  };
}
