/** What stands above the results: how far the page has come, and what can be done with all of them. */
import { type Card, cards, isMany } from './shared/cards.ts';
import { $, announce } from './shared/document.ts';

/** Screen readers hear of progress no oftener, ms. */
const SAID_EVERY_MS = 10_000;
let saidAt = 0;
/** Whether the end of the run was said. */
let isSaid = true;

/** @param waiting why nothing is under way at the moment */
export function showAll(waiting = ''): void {
  const all = [...cards];
  const has = (is: (card: Card) => unknown) => all.some(is);
  document.body.classList.toggle('has-results', all.length > 0);
  $('#above').hidden = all.length === 0;
  $('#again').hidden = !has(({ file }) => file);
  $('#downloads').hidden = !has(({ state }) => state === 'done');
  showMany();
  showProgress(waiting);
}

/** Of many, each photograph is a line until it is opened. */
function showMany(): void {
  const isNew = isMany() && !document.body.classList.contains('many');
  document.body.classList.toggle('many', isMany());
  if (isNew) for (const { element } of cards) $<HTMLDetailsElement>('.tree', element).open = false;
}

function showProgress(waiting: string): void {
  const run = Math.max(0, ...[...cards].map((card) => card.run));
  const all = [...cards].filter((card) => card.run === run && run > 0);
  const done = all.filter(({ state }) => state === 'done');
  const failed = done.filter(({ problem }) => problem).length;
  const errors = failed ? `, ${failed} ${failed === 1 ? 'error' : 'errors'}` : '';
  const isOver = done.length === all.length;
  const count = isOver
    ? `${done.length - failed} of ${all.length} captioned`
    : `${done.length} of ${all.length}`;
  const text = count + errors;
  const bar = $<HTMLProgressElement>('#progress progress');
  bar.max = all.length || 1;
  bar.value = done.length;
  bar.hidden = isOver;
  $('#progress span').textContent = waiting ? `${text}. ${waiting}` : text;
  $('#progress').hidden = all.length < 2;
  if (all.length > 1) say(text, isOver);
}

/** The end, and now and then how far it is. */
function say(text: string, isOver: boolean): void {
  const now = performance.now();
  const isDue = isOver ? !isSaid : !isSaid && now - saidAt >= SAID_EVERY_MS;
  // The beginning is heard of when the photographs come.
  if (isSaid || isDue) saidAt = now;
  if (isDue) announce(text);
  isSaid = isOver;
}
