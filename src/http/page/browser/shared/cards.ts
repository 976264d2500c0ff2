/** One photograph on the page. */
import type { CaptionResult, Explanation } from '../../../../caption/result.ts';

export interface Card {
  /** Counts up in this tab, over reloads as well. */
  id: number;
  /** Of those that came together, the id of the first; the newest batch stands first. */
  batch: number;
  /** Absent after a reload, which results survive and photographs do not. */
  file?: File | undefined;
  element: HTMLElement;
  name: string;
  /** Media type of the file, as far as the browser knows it. */
  type: string;
  state: 'waiting' | 'running' | 'done';
  /** Which of the page's runs it belongs to; a run begins when nothing is under way. */
  run: number;
  /** Times it was turned away since it was asked for. */
  tries: number;
  /** Aborted when the card is removed. */
  gone: AbortController;
  /** On its way onto the canvas. */
  pictured?: Promise<void> | undefined;
  /** What goes to the server: the file, or a smaller copy. */
  sent?: Blob | undefined;
  /** Whether that was a smaller copy. */
  smaller: boolean;
  /** What the captions shown were asked for with. */
  query?: URLSearchParams | undefined;
  result?: CaptionResult | undefined;
  /** What came instead, or why it waits. */
  problem?: Problem | undefined;
  /** What the visitor wrote instead, by what a caption said. */
  edits: Record<string, string>;
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

/** From so many on they are a list, each opened at will. */
const MANY = 6;

export function isMany(): boolean {
  return cards.size >= MANY;
}

/** As they stand on the page. */
export function cardsInOrder(): Card[] {
  return [...cards].sort((a, b) => b.batch - a.batch || a.id - b.id);
}
