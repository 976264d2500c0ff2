/** The same request as a command. */
import type { Card } from '../shared/cards.ts';
import { $, copy } from '../shared/document.ts';

/** For the card's new result. */
export function offerCommand(card: Card): void {
  const box = $('.curl', card.element);
  const command = commandOf(card);
  $('code', box).textContent = command;
  $<HTMLButtonElement>('.copy-command', box).onclick = (event) =>
    copy(event.currentTarget as HTMLButtonElement, command);
  $('.larger', box).hidden = !card.smaller;
  box.hidden = false;
}

/** Without the search tree, which the page alone looks at. */
function commandOf({ name, type, query }: Card): string {
  const asked = new URLSearchParams(query);
  asked.delete('trace');
  const address = new URL('captions', document.baseURI);
  address.search = String(asked);
  // To curl, "-" is standard input.
  const file = name === '-' ? './-' : name;
  return [
    'curl --data-binary',
    shellWord(`@${file}`),
    '-H',
    shellWord(`content-type: ${type || 'application/octet-stream'}`),
    ...(globalThis.sendSigned ? ['-H', '"authorization: Bearer $TOKEN"'] : []),
    shellWord(address.href),
  ].join(' ');
}

/** For POSIX shells (2.2.2, Single-Quotes): nothing but the quote itself means anything in there. */
function shellWord(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
