/**
 * The tokens of this tab, and requests with them. They are kept as the results are, in `sessionStorage`: a reload does
 * not ask anybody to sign in again, another tab or the next day does. A script that could read them there could as well
 * ask with them, and none but the page's own runs.
 */
import { HERE, renewedTokens, type Tokens } from './provider.ts';

/** Not below the prefix of results, which are read back. */
const KEY = 'show-and-tell-login';
/** Renewed so long before their end, for requests on their way, ms. */
const EARLY_MS = 30_000;

let tokens = readTokens();
let renewing: Promise<void> | undefined;
let onChange = (): void => undefined;

function readTokens(): Tokens | null {
  try {
    return JSON.parse(sessionStorage.getItem(KEY)!);
  } catch {
    return null;
  }
}

export function isSignedIn(): boolean {
  return tokens !== null;
}

/** @param changed called whenever somebody is signed in or out */
export function watchSession(changed: () => void): void {
  onChange = changed;
}

/** @param next `null`: signed out */
export function keepTokens(next: Tokens | null): void {
  const wasSignedIn = isSignedIn();
  tokens = next;
  try {
    if (next) sessionStorage.setItem(KEY, JSON.stringify(next));
    else sessionStorage.removeItem(KEY);
  } catch {
    // Then until the page is left.
  }
  if (wasSignedIn !== isSignedIn()) onChange();
}

/** Forgets the tokens and returns the one that the provider can be told of. */
export function dropTokens(): string | undefined {
  const refresh = tokens?.refresh;
  keepTokens(null);
  return refresh;
}

/** What the page asks its server with: who asks is said to this server alone. */
export async function sendSigned(input: string | URL, init: RequestInit = {}): Promise<Response> {
  const address = new URL(input, document.baseURI);
  if (!address.href.startsWith(HERE)) return fetch(address, init);
  if (tokens && tokens.until - EARLY_MS < Date.now()) await renew(tokens);
  const used = tokens;
  if (!used) return new Response(null, { status: 401 });
  const answer = await fetch(address, signed(init, used));
  if (answer.status !== 401) return answer;
  // The gateway goes by another clock, or the token was revoked.
  if (tokens === used) await renew(used);
  return tokens ? fetch(address, signed(init, tokens)) : answer;
}

function signed(init: RequestInit, { access }: Tokens): RequestInit {
  return { ...init, headers: { ...init.headers, authorization: `Bearer ${access}` } };
}

/** Once for all requests that wait for it. @throws Error where the provider does not answer */
function renew({ refresh }: Tokens): Promise<void> {
  renewing ??= (async () => keepTokens(refresh ? await renewedTokens(refresh) : null))().finally(() => {
    renewing = undefined;
  });
  return renewing;
}
