/**
 * Signing in and out, on pages of deployments that have a login. It happens in a window of its own, so that the page
 * keeps the photographs that wait for it.
 */
import { $, announce, copyOf } from '../shared/document.ts';
import { type Attempt, endSession, HERE, newAttempt, tokensOfCode } from './provider.ts';
import { dropTokens, isSignedIn, keepTokens, sendSigned, watchSession } from './session.ts';

/** Where the other window is refused and this one goes instead, the attempt waits for its answer here. */
const PENDING = 'show-and-tell-attempt';
const INVITATION = 'Sign in to have photographs captioned.';

/** Between the windows: the provider may cut every other bond (Cross-Origin-Opener-Policy). */
const windows = new BroadcastChannel('show-and-tell-login');
type Message = { query: string } | { finished: string } | { signedOut: true };

const signedOut = copyOf('#signed-out');
const signOutButton = copyOf('#signed-in');
/** Made before anybody asks for it: browsers open windows only at once after a click. */
let attempt: Attempt | undefined;

globalThis.sendSigned = sendSigned;
$('.drop').before(signedOut);
$('.top nav').append(signOutButton);
$('button', signedOut).addEventListener('click', signIn);
signOutButton.addEventListener('click', signOut);
windows.addEventListener('message', ({ data }: MessageEvent<Message>) => void hear(data));
watchSession(showSession);
showSession();
void comeBack();

function showSession(): void {
  // What is hidden cannot keep the focus.
  if (isSignedIn() && signedOut.contains(document.activeElement)) $('#choose').focus();
  signedOut.hidden = isSignedIn();
  signOutButton.hidden = !isSignedIn();
  say(INVITATION);
  if (!isSignedIn()) void prepare();
}

function say(text: string): void {
  $('span', signedOut).textContent = text;
}

async function prepare(): Promise<void> {
  try {
    attempt ??= await newAttempt();
  } catch {
    say('The service that people sign in at does not answer.');
  }
}

async function signIn(): Promise<void> {
  if (!attempt) await prepare();
  if (!attempt || open(attempt.address, '_blank', 'popup,width=500,height=750')) return;
  sessionStorage.setItem(PENDING, JSON.stringify(attempt));
  location.assign(attempt.address);
}

/** Takes the provider's answer out of the address, and to the window that waits for it. */
async function comeBack(): Promise<void> {
  const { search } = location;
  const state = new URLSearchParams(search).get('state');
  if (!state) return;
  history.replaceState(null, '', HERE);
  const pending = JSON.parse(sessionStorage.getItem(PENDING) ?? 'null') as Attempt | null;
  sessionStorage.removeItem(PENDING);
  if (pending?.state === state) await finish(search, pending);
  else tell({ query: search });
  windows.addEventListener('message', ({ data }: MessageEvent<Message>) => {
    if (!('finished' in data) || data.finished !== state) return;
    say('You are signed in in the other window. This one can be closed.');
    close();
  });
}

async function hear(message: Message): Promise<void> {
  if ('signedOut' in message) leave();
  if (!('query' in message) || new URLSearchParams(message.query).get('state') !== attempt?.state) return;
  const { state } = attempt!;
  await finish(message.query, attempt!);
  tell({ finished: state });
}

function tell(message: Message): void {
  windows.postMessage(message);
}

/** @param query of the provider's answer to this attempt (RFC 6749 section 4.1.2) */
async function finish(query: string, { verifier }: Attempt): Promise<void> {
  attempt = undefined;
  const code = new URLSearchParams(query).get('code');
  const tokens = code ? await tokensOfCode(code, verifier).catch(() => null) : null;
  if (tokens) {
    keepTokens(tokens);
    dispatchEvent(new Event('signedin'));
    announce('You are signed in.');
    return;
  }
  await prepare();
  say('That did not sign you in. Try again.');
  announce('That did not sign you in.');
}

async function signOut(): Promise<void> {
  const refresh = dropTokens();
  tell({ signedOut: true });
  leave();
  announce('You are signed out.');
  await endSession(refresh).catch(() => undefined);
}

/** Whoever sits down here next finds nothing. */
function leave(): void {
  dropTokens();
  dispatchEvent(new Event('signedout'));
}
