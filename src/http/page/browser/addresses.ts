/** Photographs by their addresses. The browser fetches them, never the server: it would reach what visitors cannot. */
import { add } from './arrivals.ts';
import { notice } from './shared/document.ts';
import { send } from './shared/send.ts';

const FETCH_MS = 30_000;

/** The one `http(s)` URL that the text is, if it is one. */
export function addressIn(text: string): URL | null {
  const trimmed = text.trim();
  return /^https?:\/\/\S+$/i.test(trimmed) ? URL.parse(trimmed) : null;
}

/** Adds the photograph, or says why it cannot. */
export async function addFrom(address: URL): Promise<void> {
  notice(`Fetching ${address.href} …`);
  try {
    const response = await send(address, {
      credentials: 'omit',
      referrerPolicy: 'no-referrer',
      signal: AbortSignal.timeout(FETCH_MS),
    });
    const blob = await response.blob();
    if (response.ok && blob.type.startsWith('image/')) {
      add([{ file: new File([blob], fileNameOf(address), { type: blob.type }) }]);
    } else {
      notice(`There is no picture at ${address.href}. Open it, save the picture, and choose that file here.`);
    }
  } catch {
    notice(
      `${address.host} does not let this page read ${address.href}. Save the picture, and choose or drop that file here.`,
    );
  }
}

function fileNameOf({ pathname, host }: URL): string {
  const last = pathname.split('/').at(-1)!;
  try {
    return decodeURIComponent(last) || host;
  } catch {
    return last;
  }
}
