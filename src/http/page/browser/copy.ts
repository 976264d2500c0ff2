import { announce, make } from './document.ts';

/** Until the button says again what it does. */
const SAID_MS = 1600;

export async function copyAltText(button: HTMLButtonElement, text: string): Promise<void> {
  const done = await copied(text);
  announce(done ? `Copied: ${text}` : `The browser does not allow copying. The text: ${text}`);
  const label = button.dataset.label ?? button.textContent;
  button.dataset.label = label;
  button.textContent = done ? 'Copied' : 'Not copied';
  setTimeout(() => {
    button.textContent = label;
  }, SAID_MS);
}

/** Pages without TLS have no clipboard; the old command still works there. */
async function copied(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const focused = document.activeElement as HTMLElement | null;
    const area = make('textarea', 'unseen');
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand('copy');
    area.remove();
    focused?.focus();
    return done;
  }
}
