/**
 * The authorization code grant with PKCE (RFC 6749 section 4.1, RFC 7636), at whichever provider describes itself by
 * OpenID Connect Discovery. Who somebody is, is not read here: the gateway checks the tokens.
 */
import { $ } from '../shared/document.ts';

/** https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderMetadata */
interface Provider {
  issuer: string;
  authorization_endpoint: string;
  token_endpoint: string;
  revocation_endpoint?: string;
  end_session_endpoint?: string;
}

export interface Tokens {
  access: string;
  refresh?: string | undefined;
  /** When the access token ends, ms since the epoch by this machine's clock. */
  until: number;
}

/** One way to the provider and back. */
export interface Attempt {
  address: string;
  /** Comes back with the answer to this attempt, and with no other. */
  state: string;
  /** Proves that who asks for tokens is who began. */
  verifier: string;
}

const login = JSON.parse($<HTMLMetaElement>('meta[name=login]').content) as {
  issuer: string;
  clientId: string;
  scope: string;
};
/** This page, as the provider knows it. */
export const HERE = new URL('.', location.href).href;
/** Where the provider does not say how long a token holds (RFC 6749 section 5.1), s. */
const USUAL_SECONDS = 300;

let described: Promise<Provider> | undefined;

/** @throws Error where the provider does not answer, or not as itself */
function provider(): Promise<Provider> {
  described ??= describe();
  described.catch(() => {
    described = undefined;
  });
  return described;
}

async function describe(): Promise<Provider> {
  const address = `${login.issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const answer = await fetch(address, { credentials: 'omit' });
  const description = (await answer.json()) as Provider;
  if (description.issuer !== login.issuer) throw new Error(`${address} is of ${description.issuer}`);
  return description;
}

export async function newAttempt(): Promise<Attempt> {
  const { authorization_endpoint } = await provider();
  const [state, verifier] = [randomText(), randomText()];
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier));
  const address = withQuery(authorization_endpoint, {
    response_type: 'code',
    client_id: login.clientId,
    redirect_uri: HERE,
    scope: login.scope,
    state,
    code_challenge: base64url(new Uint8Array(digest)),
    code_challenge_method: 'S256',
  });
  return { address, state, verifier };
}

/** `null` where the provider refuses. @throws Error where it does not answer */
export function tokensOfCode(code: string, verifier: string): Promise<Tokens | null> {
  return ask({ grant_type: 'authorization_code', code, code_verifier: verifier, redirect_uri: HERE });
}

/** `null` where the provider refuses: it ended the session. @throws Error where it does not answer */
export function renewedTokens(refresh: string): Promise<Tokens | null> {
  return ask({ grant_type: 'refresh_token', refresh_token: refresh });
}

async function ask(grant: Record<string, string>): Promise<Tokens | null> {
  const { token_endpoint } = await provider();
  const answer = await fetch(token_endpoint, { ...form(grant), credentials: 'omit' });
  // RFC 6749 section 5.2
  if (answer.status >= 400 && answer.status < 500) return null;
  if (!answer.ok) throw new Error(`${token_endpoint}: ${answer.status}`);
  const { access_token: access, refresh_token, expires_in = USUAL_SECONDS } = await answer.json();
  // RFC 6749 section 6: without a new one the old one goes on.
  return { access, refresh: refresh_token ?? grant.refresh_token, until: Date.now() + expires_in * 1000 };
}

/** Ends what the provider keeps of the session, as far as it can be told to; leaves the page where it can. */
export async function endSession(refresh: string | undefined): Promise<void> {
  const { revocation_endpoint, end_session_endpoint } = await provider();
  // RFC 7009; there is nothing to be done with the answer.
  if (revocation_endpoint && refresh)
    void fetch(revocation_endpoint, { ...form({ token: refresh }), mode: 'no-cors', keepalive: true });
  if (!end_session_endpoint) return;
  // https://openid.net/specs/openid-connect-rpinitiated-1_0.html, and Cognito's own name for the same:
  // https://docs.aws.amazon.com/cognito/latest/developerguide/logout-endpoint.html
  const back = { post_logout_redirect_uri: HERE, logout_uri: HERE };
  location.assign(withQuery(end_session_endpoint, { client_id: login.clientId, ...back }));
}

function form(fields: Record<string, string>): RequestInit {
  return { method: 'POST', body: new URLSearchParams({ client_id: login.clientId, ...fields }) };
}

function withQuery(address: string, fields: Record<string, string>): string {
  const url = new URL(address);
  for (const [name, value] of Object.entries(fields)) url.searchParams.set(name, value);
  return url.href;
}

/** 256 bits. */
function randomText(): string {
  return base64url(crypto.getRandomValues(new Uint8Array(32)));
}

/** RFC 4648 section 5, without padding. */
function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
}
