/** The captions of a photograph, with how sure the network was of each word. */
import type { Caption, CaptionResult, Stage, Timings } from '../../../../caption/result.ts';
import type { Card } from '../shared/cards.ts';
import { $, copyOf, make } from '../shared/document.ts';
import { isStop, levelOf, milliseconds, minus, percent, probability } from '../shared/text.ts';
import { offerCommand } from './curl.ts';
import { letEdit, textOf } from './editing.ts';
import { letPoint } from './pointing.ts';
import { offerTree } from './tree.ts';

/** What the page calls each stage; their sum has a line of its own. */
const STAGE_NAMES = {
  decode: 'decode',
  preprocess: 'prepare',
  encode: 'look',
  search: 'tell',
} as const satisfies Record<Exclude<Stage, 'total'>, string>;
const STAGES = Object.entries(STAGE_NAMES) as [keyof typeof STAGE_NAMES, string][];

/** @param trip from the request to its answer, ms */
export function showResult(card: Card, result: CaptionResult, trip?: number): void {
  const { element } = card;
  card.result = result;
  const smaller = card.smaller ? ', sent smaller because the original is above the server’s limit' : '';
  $('.facts', element).textContent = `${result.width} × ${result.height} ${result.format}${smaller}`;
  const list = $('.captions', element);
  list.replaceChildren(...result.captions.map((c, i) => captionItem(card, c, i)));
  list.hidden = false;
  showBars(list, result.captions);
  $('.order', element).hidden = result.captions.every(
    (c, i, all) => c.probability <= (all[i - 1] ?? c).probability,
  );
  showTrust($('.trust', list), result);
  letPoint(card);
  showTimings(element, result.timings, trip);
  offerTree(card);
  offerCommand(card);
  $('canvas', element).ariaLabel = bestText(card) ?? card.name;
}

export function bestText(card: Card): string | undefined {
  const best = card.result?.captions[0];
  return best && textOf(card, best);
}

function showBars(list: HTMLElement, captions: readonly Caption[]): void {
  const shares = sharesOf(captions);
  list.querySelectorAll<HTMLElement>('.track').forEach((track, i) => {
    $('.fill', track).style.setProperty('--share', String(shares[i] ?? 0));
    track.classList.toggle('unranked', shares[i] === undefined);
  });
}

/**
 * Lengths of the bars, 1 for the best caption; none for a caption whose score is not why it ranks where it does, as one
 * that says a thing twice, or for one that an earlier version kept without a score.
 */
function sharesOf(captions: readonly Caption[]): (number | undefined)[] {
  let lowest = Infinity;
  const best = captions[0]?.score;
  return captions.map(({ score }) => {
    if (score === undefined || best === undefined || score > lowest) return undefined;
    lowest = score;
    return Math.exp(score - best);
  });
}

function captionItem(card: Card, caption: Caption, index: number): HTMLElement {
  const item = copyOf('#caption');
  item.dataset.caption = String(index);
  const name = index === 0 ? 'button' : 'span';
  const sentence = $('.sentence', item);
  caption.words.forEach((word, i) => {
    addWord(sentence, wordElement(name, word, i));
  });
  $('.p', item).textContent = `p = ${probability(caption.probability)}`;
  $('.p', item).title =
    `Probability of this very sentence, not a confidence; log-probability ${minus(caption.logProbability)}`;
  $('.note', item).hidden = !caption.truncated;
  letEdit(card, caption, index, item);
  return item;
}

/** A stop goes into one box with the word before it, which no line ends inside of. */
function addWord(sentence: HTMLElement, word: HTMLElement): void {
  const before = sentence.lastElementChild;
  if (!before) sentence.append(word);
  else if (!word.classList.contains('stop')) sentence.append(' ', word);
  else {
    const together = make('span', 'together');
    before.replaceWith(together);
    together.append(before, ' ', word);
  }
}

/** Absent where the model was not calibrated. */
function showTrust(trust: HTMLElement, { confidence, needsReview }: CaptionResult): void {
  if (confidence === undefined) return;
  const review = needsReview ? ' Better check this one.' : '';
  trust.textContent = `${sureness(confidence)} sure that this caption is acceptable.${review}`;
  trust.title =
    'Measured on photographs that people had described: about so many in a hundred with this number were close to what people said.';
  trust.classList.toggle('review', needsReview);
  trust.hidden = false;
}

function sureness(confidence: number): string {
  if (confidence >= 0.995) return 'Over 99%';
  return confidence < 0.005 ? 'Less than 1%' : `${Math.round(confidence * 100)}%`;
}

function wordElement(
  name: 'button' | 'span',
  { word, logProbability }: Caption['words'][number],
  index: number,
): HTMLElement {
  const p = Math.exp(logProbability);
  const element = make(name, `word level-${levelOf(p)}`, word);
  element.classList.toggle('stop', isStop(word));
  element.dataset.word = String(index);
  element.dataset.percent = percent(p);
  element.title = `${word}: ${percent(p)}, log-probability ${minus(logProbability)}`;
  return element;
}

function showTimings(element: HTMLElement, timings: Timings, trip: number | undefined): void {
  const timing = $('.timing', element);
  const parts = STAGES.map(([stage]) => {
    const part = make('span', stage);
    part.style.setProperty('--ms', String(timings[stage]));
    return part;
  });
  $('.stages', timing).replaceChildren(...parts);
  $('ul', timing).replaceChildren(
    ...STAGES.map(([stage, name]) => make('li', stage, `${name} ${milliseconds(timings[stage])} ms`)),
    make('li', 'sum', `together ${milliseconds(timings.total)} ms`),
    ...(trip === undefined ? [] : [make('li', 'sum', `there and back ${milliseconds(trip)} ms`)]),
  );
  timing.hidden = false;
}
