/**
 * Clients that close their side of the connection while they wait. Some still read (`nc -N`), the others are gone; TCP
 * tells the two apart only when something is written to them.
 */
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Of every answer, also to HTTP/1.0. It goes out byte by byte before the rest; who is gone resets the connection. */
const BEGINNING = 'HTTP/1.1 ';
/** From the first byte to the second, whose failing says that the first was not welcome; doubled from byte to byte. */
const FIRST_PAUSE_MS = 25;

/** @param outgoing the next answer on that connection */
export function tryOut(socket: Socket, outgoing: ServerResponse): void {
  // An answer that is on its way tries the connection itself.
  if (outgoing.headersSent) return;
  const { write } = socket;
  let sent = 0;
  let timer: NodeJS.Timeout | undefined;
  const sendNext = (): void => {
    write.call(socket, BEGINNING.charAt(sent));
    sent++;
    if (sent < BEGINNING.length) timer = setTimeout(sendNext, FIRST_PAUSE_MS * 2 ** (sent - 1)).unref();
  };
  const writeRest = (head: string | Uint8Array, ...rest: []): boolean => {
    clearTimeout(timer);
    socket.write = write;
    return socket.write(head.slice(sent), ...rest);
  };
  socket.write = writeRest as Socket['write'];
  outgoing.once('close', () => clearTimeout(timer));
  sendNext();
}
