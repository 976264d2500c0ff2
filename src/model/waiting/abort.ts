/**
 * A promise that a signal can end. It is rejected with the signal's reason as soon as that is aborted, however long the
 * work goes on; the signal is let go of when the promise settles, so that one signal may serve any number of calls.
 *
 * @param start begins the work, and says what to do if nobody waits for it any more; not called when the signal is
 * aborted already
 */
export function untilAborted<T>(
  signal: AbortSignal | undefined,
  start: (resolve: (value: T) => void, reject: (reason: unknown) => void) => () => void,
): Promise<T> {
  if (signal?.aborted) return Promise.reject(signal.reason);
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const giveUp = start(resolve, reject);
  if (signal === undefined) return promise;
  const onAbort = () => {
    reject(signal.reason);
    giveUp();
  };
  signal.addEventListener('abort', onAbort, { once: true });
  return promise.finally(() => signal.removeEventListener('abort', onAbort));
}
