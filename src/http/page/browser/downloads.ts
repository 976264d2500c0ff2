/** All results as a file. */
import { csvOf } from './csv.ts';
import { bestText } from './result/result.ts';
import { type Card, cardsInOrder } from './shared/cards.ts';
import { make } from './shared/document.ts';
import { whatHappened } from './shared/problems.ts';

/** The columns of `show-and-tell alt --csv`. */
const COLUMNS = ['image', 'alt', 'probability', 'caption', 'confidence', 'code', 'message'];

export function downloadCsv(): void {
  save('csv', 'text/csv;charset=utf-8', csvOf([COLUMNS, ...done().map(rowOf)]));
}

function rowOf(card: Card) {
  const { name, result, problem } = card;
  if (problem) return [name, '', '', '', '', problem.code, problem.detail ?? whatHappened(problem)];
  const best = result?.captions[0];
  return [name, bestText(card), best?.probability, best?.text, result?.confidence, '', ''];
}

/** As the API answers a form of several images; a caption that was edited has that text as `edited`. */
export function downloadJson(): void {
  save('json', 'application/json', `${JSON.stringify({ results: done().map(answerOf) }, null, 2)}\n`);
}

function answerOf({ name, result, problem, edits }: Card) {
  if (problem || !result) {
    const { retryAfter: _, ...error } = problem!;
    return { name, error };
  }
  const { trace: _, ...answer } = result;
  const captions = answer.captions.map((caption) => {
    const edited = edits[caption.text];
    return edited === undefined ? caption : { ...caption, edited };
  });
  return { name, ...answer, captions };
}

function done(): Card[] {
  return cardsInOrder().filter(({ state }) => state === 'done');
}

/** `captions-2026-01-31-1459.csv`, by the visitor's clock. */
function save(ending: string, type: string, text: string): void {
  const now = new Date(Date.now() - new Date().getTimezoneOffset() * 60_000).toISOString();
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = make('a');
  link.href = url;
  link.download = `captions-${now.slice(0, 10)}-${now.slice(11, 16).replace(':', '')}.${ending}`;
  link.click();
  // Not at once: the browser has yet to read it.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
