/** The words of the best caption can be pointed at, to see where the network looked for them. */
import { type Card, cards, type Pointing, type Problem } from '../shared/cards.ts';
import { $, announce } from '../shared/document.ts';
import { whatHappened } from '../shared/problems.ts';
import { post } from '../shared/requests.ts';
import { leaning, paintHeat } from './heat.ts';

/** A mouse has to rest on a word this long before its explanation is asked for. */
const POINTING_MS = 90;
const NOTHING: Pointing = { over: undefined, focused: undefined, pinned: undefined };
const HOW_TO_POINT =
  'Point at a word of the best caption, or touch it, to see where the network looked for it.';

/** One stop of the Tab key, arrows between the words. */
export function letPoint(card: Card): void {
  const sentence = $('.sentence', card.element);
  const words = [...sentence.querySelectorAll<HTMLButtonElement>('button.word')];
  sentence.role = 'toolbar';
  sentence.ariaLabel = 'Best caption, word by word';
  words.forEach((word, i) => {
    letPointAt(word, i, card);
  });
  sentence.addEventListener('keydown', (event) => {
    const at = words.indexOf(event.target as HTMLButtonElement);
    const to = placeAfter(event.key, at, words.length);
    const next = to === undefined ? undefined : words[to];
    if (!next) return;
    event.preventDefault();
    words[at]!.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  });
  forgetWords(card);
  $('.leaning', card.element).hidden = words.length === 0;
}

function letPointAt(word: HTMLButtonElement, i: number, card: Card): void {
  word.type = 'button';
  word.tabIndex = i === 0 ? 0 : -1;
  word.ariaPressed = 'false';
  word.addEventListener('pointerenter', ({ pointerType }) => {
    if (pointerType !== 'touch') void point(card, { over: i });
  });
  word.addEventListener('pointerleave', () => point(card, { over: undefined }));
  // A word that a mouse pressed has the focus as well, and is not pointed at any more when the mouse has left.
  word.addEventListener('focus', () => {
    void point(card, { focused: word.matches(':focus-visible') ? i : undefined });
  });
  word.addEventListener('blur', () => point(card, { focused: undefined }));
  word.addEventListener('click', () => {
    void point(card, { pinned: card.pointing?.pinned === i ? undefined : i });
  });
}

function placeAfter(key: string, at: number, length: number): number | undefined {
  if (key === 'ArrowRight') return at + 1;
  if (key === 'ArrowLeft') return at - 1;
  if (key === 'Home') return 0;
  return key === 'End' ? length - 1 : undefined;
}

/** For the Escape key. */
export function pointAtNothing(): void {
  for (const card of cards) void point(card, NOTHING);
}

export function forgetWords(card: Card): void {
  card.explanation = undefined;
  card.explaining = undefined;
  void point(card, NOTHING);
}

/** Shows the word under the mouse, or else the one with the keyboard's focus, or else the pinned one. */
async function point(card: Card, change: Pointing): Promise<void> {
  // The model cannot say where it looked.
  if (document.body.classList.contains('blind')) return;
  const pointing = { ...card.pointing, ...change };
  card.pointing = pointing;
  const { over, focused, pinned } = pointing;
  const at = over ?? focused ?? pinned;
  $('.captions', card.element)
    .querySelectorAll('button.word')
    .forEach((word, i) => {
      word.ariaPressed = String(i === pinned);
    });
  const told = $('.leaning', card.element);
  if (at === undefined || card.state !== 'done') {
    $('.heat', card.element).classList.add('cold');
    told.textContent = HOW_TO_POINT;
    return;
  }
  if (!card.explanation && at === over && at !== pinned) {
    await new Promise((resolve) => {
      setTimeout(resolve, POINTING_MS);
    });
  }
  if (card.pointing !== pointing) return;
  if (card.explanation) {
    told.textContent = showHeat(card, card.explanation, at);
    return;
  }
  told.textContent = 'Finding out where it looked …';
  card.explaining ??= explain(card);
  const problem = await card.explaining;
  if (card.pointing !== pointing || card.gone.signal.aborted) return;
  const text = problem
    ? `Where it looked cannot be told now. ${whatHappened(problem)}`
    : showHeat(card, card.explanation!, at);
  if (at !== over) announce(text);
  told.textContent = text;
}

/**
 * Asks for the card's explanation, and returns the problem where none came; the next pointing then asks again. Only
 * when somebody wants it: it takes the server longer than the captions did.
 */
async function explain(card: Card): Promise<Problem | undefined> {
  const { result } = card;
  if (!card.sent) return { code: 'NotKept' };
  const asked = new URLSearchParams(card.query);
  asked.delete('trace');
  asked.set('explain', '1');
  const outcome = await post(card, asked);
  if (card.result !== result || card.state !== 'done') return undefined; // captioned again meanwhile
  card.explaining = undefined;
  const explanation = outcome.result?.explanation;
  // Another model may have come since.
  if (!explanation || sentenceOf(explanation.words) !== sentenceOf(result!.captions[0]!.words)) {
    return outcome.problem ?? { code: 'InternalError' };
  }
  card.explanation = explanation;
  // What screen readers say of a word beside the word itself.
  $('.sentence', card.element)
    .querySelectorAll<HTMLElement>('button.word')
    .forEach((word, i) => {
      word.title += `; ${leaning(explanation, i)}`;
    });
  return undefined;
}

function sentenceOf(words: readonly { word: string }[]): string {
  return words.map(({ word }) => word).join(' ');
}

/** Paints where the word looked, and tells it. */
function showHeat({ element }: Card, explanation: NonNullable<Card['explanation']>, at: number): string {
  const [picture, heat] = element.querySelectorAll<HTMLCanvasElement>('.picture canvas');
  const { word, importance } = explanation.words[at]!;
  if (!picture!.hidden) {
    heat!.width = picture!.width;
    heat!.height = picture!.height;
    paintHeat(heat!, explanation, importance);
    heat!.classList.remove('cold');
  }
  return `“${word}” ${leaning(explanation, at)}.`;
}
