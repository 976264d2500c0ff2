/** Photographs come and go. */
import { showAll } from './progress.ts';
import { again, enqueue } from './queue.ts';
import { showResult } from './result/result.ts';
import { watchTree } from './result/tree.ts';
import { type Card, cards } from './shared/cards.ts';
import { $, announce, copyOf, notice } from './shared/document.ts';
import { forget, type Kept, kept } from './shared/memory.ts';
import { thumbnail } from './shared/pictures.ts';
import { size } from './shared/text.ts';

/** Of the next card. */
let id = 1;

/** A file, and its name where that says more, as in a folder. */
export interface Photograph {
  file: File;
  name?: string;
}

export function add(photographs: readonly Photograph[]): void {
  notice();
  const batch = id;
  const added = photographs.map(({ file, name = file.name || 'pasted picture' }) => {
    const card = newCard({ id: id++, batch, name, type: file.type, smaller: false, edits: {} });
    card.file = file;
    card.pictured = thumbnail(card, file);
    $('.facts', card.element).textContent = size(file.size);
    return card;
  });
  $('#results').prepend(...added.map((card) => card.element));
  if (added.length > 1) announce(`${added.length} photographs added.`);
  enqueue(added);
}

/** Puts back what this tab had before it was reloaded. */
export function restore(): void {
  for (const entry of kept()) {
    const card = newCard(entry);
    id = Math.max(id, entry.id + 1);
    card.state = 'done';
    card.query = new URLSearchParams(entry.query);
    card.element.classList.remove('busy');
    $('.status', card.element).hidden = true;
    $('#results').append(card.element);
    card.pictured = thumbnail(card, entry.picture);
    showResult(card, entry.result);
  }
  showAll();
}

function newCard(of: Pick<Kept, 'id' | 'batch' | 'name' | 'type' | 'smaller' | 'edits'>): Card {
  const element = copyOf('#card');
  const { id, batch, name, type, smaller, edits } = of;
  const gone = new AbortController();
  const card: Card = {
    ...{ id, batch, name, type, smaller, edits, element, gone },
    ...{ state: 'waiting', run: 0, tries: 0 },
  };
  $('h2', element).textContent = name;
  $('canvas', element).ariaLabel = name;
  $('.remove', element).ariaLabel = `Remove ${name}`;
  $('.remove', element).addEventListener('click', () => remove(card));
  $('.retry', element).addEventListener('click', () => {
    again([card]);
    $('h2', element).focus();
  });
  const more = $('.more', element);
  more.ariaLabel = `More about ${name}`;
  more.addEventListener('click', () => {
    more.ariaExpanded = String(element.classList.toggle('whole'));
  });
  watchTree(card);
  cards.add(card);
  return card;
}

function discard(card: Card): void {
  card.gone.abort();
  clearInterval(card.countdown);
  cards.delete(card);
  forget(card);
  card.element.remove();
}

function remove(card: Card): void {
  const neighbour = card.element.nextElementSibling ?? card.element.previousElementSibling;
  discard(card);
  showAll();
  announce(`${card.name} removed.`);
  (neighbour ? $('.remove', neighbour) : $('#choose')).focus();
}

export function removeAll(): void {
  for (const card of [...cards]) discard(card);
  notice();
  showAll();
  announce('All removed.');
  $('#choose').focus();
}
