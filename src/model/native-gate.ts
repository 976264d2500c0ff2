/**
 * Tells from outside whether a thread is inside native code. A thread that is terminated there makes onnxruntime abort
 * the whole process; in JavaScript alone it can be terminated, even amid an endless loop.
 */
import type { NativeParts } from '../caption/ports.ts';

/** One shared Int32 a thread, moved from state to state by compare-and-exchange only. */
const JAVASCRIPT = 0;
const NATIVE = 1;
/** Native code is never entered again. */
const CONDEMNED = 2;

/** A new gate; the thread starts inside, since it loads its model first. */
export function createGate(): SharedArrayBuffer {
  const buffer = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
  new Int32Array(buffer)[0] = NATIVE;
  return buffer;
}

/**
 * From outside: keeps the thread out of native code from now on.
 * @returns false when it is inside; ask again later
 */
export function condemn(gate: SharedArrayBuffer): boolean {
  return move(gate, JAVASCRIPT, CONDEMNED);
}

/** From inside: native code is left. */
export function leaveNative(gate: SharedArrayBuffer): void {
  move(gate, NATIVE, JAVASCRIPT);
}

/** Networks that pass the gate whenever they are run; one run at a time. */
export function gated(gate: SharedArrayBuffer, { decode, encode, start, step }: NativeParts): NativeParts {
  const pass =
    <A extends unknown[], R>(run: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      // Condemned: whoever closed the gate terminates this thread now.
      if (!move(gate, JAVASCRIPT, NATIVE)) return new Promise<never>(() => undefined);
      try {
        return await run(...args);
      } finally {
        leaveNative(gate);
      }
    };
  return { decode, encode: pass(encode), start: pass(start), step: pass(step) };
}

function move(gate: SharedArrayBuffer, from: number, to: number): boolean {
  return Atomics.compareExchange(new Int32Array(gate), 0, from, to) === from;
}
