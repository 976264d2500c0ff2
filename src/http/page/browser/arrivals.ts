/** Photographs come and go. */
import { type Card, cards } from './shared/cards.ts';
import { $, announce, copyOf } from './shared/document.ts';
import { thumbnail } from './shared/pictures.ts';
import { again, next } from './queue.ts';
import { size } from './shared/text.ts';
import { watchTree } from './result/tree.ts';

export function add(files: Iterable<File>): void {
  const batch = [...files].map(newCard);
  $('#results').prepend(...batch.map((card) => card.element));
  showWhetherEmpty();
  if (batch.length > 1) announce(`${batch.length} photographs added.`);
  for (const card of batch) void thumbnail(card);
  next();
}

function newCard(file: File): Card {
  const element = copyOf('#card');
  const name = file.name || 'pasted picture';
  const card: Card = { file, element, name, state: 'waiting', gone: new AbortController() };
  $('h2', element).textContent = card.name;
  $('canvas', element).ariaLabel = card.name;
  $('.facts', element).textContent = size(file.size);
  $('.remove', element).ariaLabel = `Remove ${card.name}`;
  $('.remove', element).addEventListener('click', () => remove(card));
  $('.retry', element).addEventListener('click', () => {
    again(card);
    $('h2', element).focus();
  });
  watchTree(card);
  cards.add(card);
  return card;
}

function discard(card: Card): void {
  card.gone.abort();
  clearInterval(card.countdown);
  cards.delete(card);
  card.element.remove();
}

function remove(card: Card): void {
  const neighbour = card.element.nextElementSibling ?? card.element.previousElementSibling;
  discard(card);
  showWhetherEmpty();
  announce(`${card.name} removed.`);
  (neighbour ? $('.remove', neighbour) : $('#choose')).focus();
}

export function removeAll(): void {
  for (const card of [...cards]) discard(card);
  showWhetherEmpty();
  announce('All removed.');
  $('#choose').focus();
}

function showWhetherEmpty(): void {
  document.body.classList.toggle('has-results', cards.size > 0);
  $('#above').hidden = cards.size === 0;
  $('#clear').hidden = cards.size < 2;
  $('#again').hidden = cards.size === 0;
}
