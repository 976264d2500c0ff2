/** The page in the browser: what a visitor does, and what happens then. */
import { add, removeAll } from './arrivals.ts';
import { cards } from './shared/cards.ts';
import { $, announce } from './shared/document.ts';
import { followBeams, introduceModel, options } from './shared/options.ts';
import { pointAtNothing } from './result/pointing.ts';
import { again } from './queue.ts';
import { bodyLimit } from './shared/requests.ts';
import { size } from './shared/text.ts';

for (const [button, picker] of [
  ['#choose', '#files'],
  ['#take', '#camera'],
] as const) {
  const input = $<HTMLInputElement>(picker);
  $(button).addEventListener('click', () => input.click());
  input.addEventListener('change', () => {
    add(input.files!);
    input.value = ''; // so that the same file can be chosen again
  });
}

addEventListener('paste', (event) => {
  const { files } = event.clipboardData!;
  if (files.length === 0) return;
  event.preventDefault();
  add(files);
});

/** Elements that the dragged thing has entered and not left: it moves from one into another before it leaves. */
let inside = 0;

function dragging(change: -1 | 0 | 1): void {
  inside = change === 0 ? 0 : Math.max(0, inside + change);
  document.body.classList.toggle('dragging', inside > 0);
}

addEventListener('dragenter', () => dragging(1));
addEventListener('dragleave', () => dragging(-1));
addEventListener('dragover', (event) => event.preventDefault());
addEventListener('drop', (event) => {
  event.preventDefault();
  dragging(0);
  const files = [...event.dataTransfer!.items]
    .filter((item) => item.kind === 'file' && !item.webkitGetAsEntry()?.isDirectory)
    .map((item) => item.getAsFile()!);
  if (files.length > 0) add(files);
  else announce('No picture in it. Folders and links cannot be dropped here, files can.');
});

addEventListener('keydown', ({ key }) => {
  if (key === 'Escape') pointAtNothing();
});

$('#clear').addEventListener('click', removeAll);

options.addEventListener('submit', (event) => {
  event.preventDefault();
  for (const card of cards) if (card.state === 'done') again(card);
});
options.addEventListener('change', ({ target }) => followBeams(target));

void introduceModel();
if (bodyLimit < Infinity) $('#limit').textContent = `its limit of ${size(bodyLimit)}`;
