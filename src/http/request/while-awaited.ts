import { ClientLeft } from '../failures.ts';

/** Aborted with `ClientLeft` as soon as nobody waits for the answer to that request any more. */
export function whileAwaited({ signal }: Request): AbortSignal {
  const controller = new AbortController();
  const end = () => controller.abort(new ClientLeft('the client closed the connection before its answer'));
  if (signal.aborted) end();
  // The reason of a server's signal is no Error.
  else signal.addEventListener('abort', end, { once: true });
  return controller.signal;
}
