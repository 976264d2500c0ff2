/** One photograph on the page. */
import type { CaptionResult, Explanation } from '../../../../caption/result.ts';

export interface Card {
  file: File;
  element: HTMLElement;
  name: string;
  state: 'waiting' | 'running' | 'done';
  /** Aborted when the card is removed. */
  gone: AbortController;
  /** What goes to the server: the file, or a smaller copy. */
  sent?: Blob | undefined;
  /** What the captions shown were asked for with. */
  query?: URLSearchParams | undefined;
  result?: CaptionResult | undefined;
  explanation?: Explanation | undefined;
  /** Under way; the problem where no explanation came. */
  explaining?: Promise<Problem | undefined> | undefined;
  pointing?: Pointing | undefined;
  countdown?: ReturnType<typeof setInterval> | undefined;
}

/** Words of the best caption, by their places in it. */
export interface Pointing {
  over?: number | undefined;
  focused?: number | undefined;
  pinned?: number | undefined;
}

/** What came instead of captions. */
export interface Problem {
  code: string;
  detail?: string | undefined;
  /** Of the answer, where one came. */
  status?: number | undefined;
  /** Seconds. */
  retryAfter?: number | undefined;
}

export const cards = new Set<Card>();
