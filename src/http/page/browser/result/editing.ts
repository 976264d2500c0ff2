/** A caption as the visitor wants it: copied, downloaded and kept as it was written. */
import { altText } from '../../../../alt/alt-text.ts';
import type { Caption } from '../../../../caption/result.ts';
import type { Card } from '../shared/cards.ts';
import { $, copy } from '../shared/document.ts';
import { keep } from '../shared/memory.ts';

/** Alternative text: the visitor's own, or else what the network said. */
export function textOf({ edits }: Card, { text }: Caption): string {
  return edits[text] ?? altText(text);
}

/** Fills in the buttons and the field of one caption. */
export function letEdit(card: Card, caption: Caption, index: number, item: HTMLElement): void {
  const copying = $<HTMLButtonElement>('.copy', item);
  const editing = $<HTMLButtonElement>('.edit', item);
  const field = $<HTMLTextAreaElement>('textarea', item);
  if (index > 0) copying.textContent = 'Copy';
  copying.ariaLabel = `${copying.textContent}: caption ${index + 1}`;
  field.ariaLabel = `Your text in place of caption ${index + 1}`;
  copying.addEventListener('click', () => copy(copying, textOf(card, caption)));
  const open = (isOpen: boolean) => {
    field.hidden = !isOpen;
    editing.textContent = isOpen ? 'Undo' : 'Edit';
    editing.ariaLabel = isOpen ? `Undo the edit of caption ${index + 1}` : `Edit: caption ${index + 1}`;
    field.value = copying.title = textOf(card, caption);
  };
  editing.addEventListener('click', () => {
    write(card, caption, '');
    open(field.hidden === true);
    if (!field.hidden) field.focus();
  });
  field.addEventListener('input', () => {
    write(card, caption, field.value);
    copying.title = textOf(card, caption);
  });
  open(card.edits[caption.text] !== undefined);
}

/** Nothing, or the same again, is no edit. */
function write(card: Card, { text }: Caption, written: string): void {
  const edit = written.trim();
  if (edit === '' || edit === altText(text)) delete card.edits[text];
  else card.edits[text] = edit;
  void keep(card);
}
