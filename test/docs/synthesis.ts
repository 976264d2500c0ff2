/** The stack as `test/infra` synthesises it. */
import type { Synthesised } from './construct-names.ts';

export interface Stack extends Synthesised {
  template: { toJSON(): unknown };
}

interface Modules {
  synthesise: (options: unknown) => Stack;
  WAYS: Record<string, unknown>;
}

/** In variables, or the compiler would check `infra/` with the options of this directory rather than its own. */
const SYNTHESIS = '../infra/synthesis.ts';
const WAYS = '../infra/ways.ts';

/** One of the ways to deploy of `test/infra/ways.ts`. */
export async function synthesiseWay(way: string): Promise<Stack> {
  const { synthesise, WAYS: ways } = { ...(await import(SYNTHESIS)), ...(await import(WAYS)) } as Modules;
  return synthesise(ways[way]);
}
