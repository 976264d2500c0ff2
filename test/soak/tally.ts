/** What clients saw, to be held against what the server counted. */
import type { Answer } from '../server/harness.ts';
import type { SoakImage } from './images.ts';

const MAX_FAULTS = 50;

export interface Tally {
  /** Requests of each kind of client. */
  kinds: Map<string, number>;
  /** Answers to `POST /captions`, by status. */
  statuses: Map<string, number>;
  /** Problem documents, by code. */
  codes: Map<string, number>;
  /** Images that were captioned for somebody who stayed. */
  captioned: number;
  /** Clients who left before an answer, by how. */
  left: { closed: number; reset: number };
  /** Milliseconds of the answer that took longest, from the last byte of the request. */
  slowest: number;
  /** What went wrong; the first ones. */
  faults: string[];
}

export function startTally(): Tally {
  return {
    kinds: new Map(),
    statuses: new Map(),
    codes: new Map(),
    captioned: 0,
    left: { closed: 0, reset: 0 },
    slowest: 0,
    faults: [],
  };
}

export function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

export function fault(tally: Tally, text: string): void {
  if (tally.faults.length < MAX_FAULTS) tally.faults.push(text);
}

/** An answer of `POST /captions`. @returns its body */
export function note(tally: Tally, { status, body }: Answer): Record<string, unknown> {
  count(tally.statuses, String(status));
  const json = JSON.parse(body) as Record<string, unknown>;
  if (status >= 400) count(tally.codes, String(json.code));
  return json;
}

/** What is said of one image, in an answer or in an entry of one. */
export function check(tally: Tally, who: string, image: SoakImage, said: Record<string, unknown>): void {
  if (said.captions !== undefined) tally.captioned++;
  const captions = said.captions === undefined ? null : JSON.stringify(said.captions);
  const code = said.code ?? null;
  if (captions !== image.captions || code !== image.code) {
    const wanted = image.code ?? image.captions?.slice(0, 80);
    fault(tally, `${who}: ${JSON.stringify(said).slice(0, 200)} instead of ${wanted}`);
  }
}
