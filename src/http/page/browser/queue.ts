/** Requests for captions, a few at a time. */
import { type Card, cards } from './shared/cards.ts';
import { $ } from './shared/document.ts';
import { forgetWords } from './result/pointing.ts';
import { showProblem } from './shared/problems.ts';
import { ask } from './shared/requests.ts';
import { showResult } from './result/result.ts';

/** At a time; the server has more to do than this page. */
const PARALLEL = 2;
let running = 0;

/** Starts what waits, as far as there is room. */
export function next(): void {
  for (const card of cards) {
    if (running >= PARALLEL) return;
    if (card.state === 'waiting') void caption(card);
  }
}

export function again(card: Card): void {
  clearInterval(card.countdown);
  card.state = 'waiting';
  forgetWords(card);
  card.element.classList.add('busy');
  $('.problem', card.element).hidden = true;
  showStatus(card, 'Waiting for its turn');
  next();
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
  if (!card.gone.signal.aborted) {
    card.state = 'done';
    card.element.classList.remove('busy');
    showStatus(card);
    if (outcome.result) showResult(card, outcome.result, outcome.trip);
    else showProblem(card, outcome.problem);
  }
  next();
}
