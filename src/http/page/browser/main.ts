/** The page in the browser: what a visitor does, and what happens then. */
import { addFrom, addressIn } from './addresses.ts';
import { add, type Photograph, removeAll, restore } from './arrivals.ts';
import { downloadCsv, downloadJson } from './downloads.ts';
import { addDropped } from './drops.ts';
import { again, networkCame, signedIn } from './queue.ts';
import { pointAtNothing } from './result/pointing.ts';
import { cards } from './shared/cards.ts';
import { $ } from './shared/document.ts';
import { followBeams, introduceModel, options } from './shared/options.ts';
import { bodyLimit } from './shared/requests.ts';
import { size } from './shared/text.ts';

for (const [button, picker] of [
  ['#choose', '#files'],
  ['#take', '#camera'],
] as const) {
  const input = $<HTMLInputElement>(picker);
  $(button).addEventListener('click', () => input.click());
  input.addEventListener('change', () => {
    add(photographs(input.files!));
    input.value = ''; // so that the same file can be chosen again
  });
}

function photographs(files: FileList): Photograph[] {
  return [...files].map((file) => ({ file }));
}

for (const sample of document.querySelectorAll<HTMLElement>('.sample')) {
  sample.addEventListener('click', () => {
    void addFrom(new URL(`samples/${sample.dataset.sample}`, document.baseURI));
  });
}

addEventListener('paste', (event) => {
  const { files } = event.clipboardData!;
  const isInField = (event.target as Element).matches?.('input, textarea');
  const address = isInField ? null : addressIn(event.clipboardData!.getData('text/plain'));
  if (files.length === 0 && !address) return;
  event.preventDefault();
  if (files.length > 0) add(photographs(files));
  else void addFrom(address!);
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
  void addDropped(event.dataTransfer!);
});

addEventListener('keydown', ({ key }) => {
  if (key === 'Escape') pointAtNothing();
});

$('#clear').addEventListener('click', removeAll);
$('#csv').addEventListener('click', downloadCsv);
$('#json').addEventListener('click', downloadJson);
addEventListener('online', networkCame);
addEventListener('signedin', () => {
  void introduceModel();
  signedIn();
});
addEventListener('signedout', removeAll);

options.addEventListener('submit', (event) => {
  event.preventDefault();
  again([...cards].filter(({ state, file }) => state === 'done' && file));
});
options.addEventListener('change', ({ target }) => followBeams(target));

restore();
void introduceModel();
if (bodyLimit < Infinity) $('#limit').textContent = `its limit of ${size(bodyLimit)}`;
