/** Requests for captions, a few at a time; while the server is busy or away, none. */
import { delayAfter, isAway } from './patience.ts';
import { showAll } from './progress.ts';
import { forgetWords } from './result/pointing.ts';
import { bestText, showResult } from './result/result.ts';
import { type Card, cards, type Problem } from './shared/cards.ts';
import { $, announce } from './shared/document.ts';
import { forget, keep } from './shared/memory.ts';
import { problemText, showProblem, whatHappened } from './shared/problems.ts';
import { ask, type Outcome } from './shared/requests.ts';
import { isSignInNeeded } from './shared/send.ts';

/** At a time; the server has more to do than this page. */
const PARALLEL = 2;
let running = 0;
let run = 0;
/** When the next request may go out, ms as `performance.now()` counts: what the server asked for, the network, and the login. */
const until = { busy: 0, away: 0, signedOut: 0 };
let ticking: ReturnType<typeof setInterval> | undefined;

/** Puts cards into the queue, into the run under way if there is one. */
export function enqueue(these: readonly Card[]): void {
  if (![...cards].some((card) => card.state !== 'done' && !these.includes(card))) run++;
  for (const card of these) {
    card.run = run;
    card.tries = 0;
    card.state = 'waiting';
    card.problem = undefined;
    showStatus(card, 'Waiting for its turn');
  }
  next();
}

export function again(these: readonly Card[]): void {
  for (const card of these) {
    clearInterval(card.countdown);
    forgetWords(card);
    card.element.classList.add('busy');
    $('.problem', card.element).hidden = true;
  }
  enqueue(these);
}

/** Starts what waits, as far as there is room; what was turned away comes last. */
function next(): void {
  if (until.away === Infinity && navigator.onLine) until.away = 0;
  const left = Math.max(...Object.values(until)) - performance.now();
  const waiting = [...cards].filter(({ state }) => state === 'waiting').sort((a, b) => a.tries - b.tries);
  if (left > 0 && waiting.length > 0) {
    ticking ??= setInterval(next, 1000);
    for (const card of waiting) if (card.problem) showStatus(card, waitText(card.problem, left));
    showAll(waitText(waiting.find(({ problem }) => problem)?.problem, left));
    return;
  }
  clearInterval(ticking);
  ticking = undefined;
  for (const card of waiting.slice(0, PARALLEL - running)) void caption(card);
  showAll();
}

/** For the browser's event; it knows that a network came, not that the server has time. */
export function networkCame(): void {
  until.away = 0;
  next();
}

/** For the event of the login. */
export function signedIn(): void {
  until.signedOut = 0;
  next();
}

function waitText(problem: Problem | undefined, left: number): string {
  if (!problem) return '';
  const what = isSignInNeeded(problem) ? 'you have signed in' : 'the network is back';
  const when = left === Infinity ? `when ${what}` : `in ${Math.ceil(left / 1000)} s`;
  return `${whatHappened(problem) || 'The server is busy.'} Goes on ${when}.`;
}

function showStatus(card: Card, text = ''): void {
  const status = $('.status', card.element);
  status.hidden = !text;
  status.textContent = text;
}

async function caption(card: Card): Promise<void> {
  card.state = 'running';
  running++;
  showStatus(card, 'Looking at it …');
  const outcome = await ask(card);
  running--;
  if (!card.gone.signal.aborted && !isPutOff(card, outcome)) finish(card, outcome);
  next();
}

/** Whether the card waits for another try. */
function isPutOff(card: Card, { problem }: Outcome): boolean {
  const delay = problem && delayAfter(problem, card.tries + 1);
  if (delay === undefined) return false;
  // While there is no network, and nobody signed in, nothing was tried.
  if (delay < Infinity) card.tries++;
  const reason = isSignInNeeded(problem!) ? 'signedOut' : isAway(problem!) ? 'away' : 'busy';
  until[reason] = Math.max(until[reason], performance.now() + delay);
  card.problem = problem;
  card.state = 'waiting';
  return true;
}

function finish(card: Card, { result, problem, trip }: Outcome): void {
  card.state = 'done';
  card.problem = problem;
  card.element.classList.remove('busy');
  showStatus(card);
  if (result) {
    showResult(card, result, trip);
    void keep(card);
  } else {
    card.result = undefined;
    showProblem(card, problem);
    forget(card);
  }
  const isAlone = [...cards].every((other) => other === card || other.run !== card.run);
  // Of several, the line of progress is said.
  if (isAlone)
    announce(`${card.name}: ${problem ? problemText(problem) : (bestText(card) ?? 'No caption.')}`);
}
