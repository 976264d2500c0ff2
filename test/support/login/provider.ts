/** A small OpenID Connect provider over real HTTP, with one person, who signs in by a click. Its access tokens are like Cognito's. */
import { createHash, createSign, generateKeyPairSync, type JsonWebKey, randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TestContext } from 'node:test';
import { startHttp } from '../network/servers.ts';

export const CLIENT_ID = 'page-of-the-test';
const KEY_ID = 'key-1';
const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });

interface Answer {
  status: number;
  headers?: Record<string, string>;
  body?: string | object | Buffer;
}

/** What an authorization code stands for. */
interface Grant {
  redirectUri: string;
  challenge: string;
  scope: string;
}

export class TestProvider {
  issuer = '';
  /** Where it sends people back to, each address letter by letter. */
  readonly registered: string[] = [];
  /** Of access tokens. */
  seconds = 3600;
  /** Whether nothing of it answers. */
  isDown = false;
  /** What the token endpoint was asked for, by `grant_type`. */
  readonly granted: string[] = [];
  readonly revoked: string[] = [];
  /** `authorization` headers of whatever else was asked. */
  readonly seen: (string | undefined)[] = [];
  /** Served at `/photo.jpg`, to pages of any origin. */
  photo: Buffer | undefined;
  readonly keys: JsonWebKey[] = [{ ...publicKey.export({ format: 'jwk' }), kid: KEY_ID }];
  private readonly codes = new Map<string, Grant>();
  private readonly sessions = new Map<string, string>();

  /** Ends every session: what could be renewed cannot any more. */
  endSessions(): void {
    this.sessions.clear();
  }

  /** @param claims in place of those that it would have */
  token(claims: Record<string, unknown> = {}, kid = KEY_ID): string {
    const now = Math.floor(Date.now() / 1000);
    const told = { iss: this.issuer, client_id: CLIENT_ID, token_use: 'access', sub: 'ada', scope: 'openid' };
    const payload = { ...told, iat: now, exp: now + this.seconds, jti: randomUUID(), ...claims };
    const text = [{ alg: 'RS256', kid }, payload].map((part) =>
      Buffer.from(JSON.stringify(part)).toString('base64url'),
    );
    const signature = createSign('RSA-SHA256').update(text.join('.')).sign(privateKey, 'base64url');
    return [...text, signature].join('.');
  }

  async answer(request: IncomingMessage): Promise<Answer> {
    const url = new URL(request.url!, this.issuer);
    const form = new URLSearchParams(await bodyOf(request));
    if (this.isDown) return { status: 503 };
    switch (url.pathname) {
      case '/.well-known/openid-configuration':
        return { status: 200, body: this.description() };
      case '/authorize':
        return this.authorize(url);
      case '/token':
        this.granted.push(form.get('grant_type')!);
        return this.grant(form);
      case '/revoke':
        this.revoked.push(form.get('token')!);
        this.sessions.delete(form.get('token')!);
        return { status: 200 };
      case '/logout':
        return this.redirect(url.searchParams.get('logout_uri'));
      case '/photo.jpg':
        this.seen.push(request.headers.authorization);
        return { status: 200, headers: { 'content-type': 'image/jpeg' }, body: this.photo! };
      default:
        return { status: 404 };
    }
  }

  private description(): object {
    return {
      issuer: this.issuer,
      authorization_endpoint: `${this.issuer}/authorize?tenant=test`,
      token_endpoint: `${this.issuer}/token`,
      revocation_endpoint: `${this.issuer}/revoke`,
      end_session_endpoint: `${this.issuer}/logout`,
    };
  }

  private redirect(to: string | null, query: Record<string, string> = {}): Answer {
    if (to === null || !this.registered.includes(to)) return { status: 400, body: 'not registered' };
    const location = new URL(to);
    for (const [name, value] of Object.entries(query)) location.searchParams.set(name, value);
    return { status: 302, headers: { location: location.href } };
  }

  private authorize({ searchParams: asked, search }: URL): Answer {
    const said = (name: string) => asked.get(name) ?? '';
    const isRight =
      said('tenant') === 'test' &&
      said('response_type') === 'code' &&
      said('client_id') === CLIENT_ID &&
      said('code_challenge_method') === 'S256' &&
      said('state').length >= 43;
    if (!isRight) return { status: 400, body: 'no request for a code' };
    const state = said('state');
    if (said('as') === 'nobody')
      return this.redirect(said('redirect_uri'), { error: 'access_denied', state });
    if (said('as') !== 'ada') return signInPage(search);
    const code = randomUUID();
    this.codes.set(code, {
      redirectUri: said('redirect_uri'),
      challenge: said('code_challenge'),
      scope: said('scope'),
    });
    return this.redirect(said('redirect_uri'), { code, state });
  }

  private grant(form: URLSearchParams): Answer {
    const scope = form.get('client_id') === CLIENT_ID ? this.scopeOf(form) : undefined;
    if (scope === undefined) return { status: 400, body: { error: 'invalid_grant' } };
    const refresh = randomUUID();
    this.sessions.set(refresh, scope);
    const told = { token_type: 'Bearer', expires_in: this.seconds, refresh_token: refresh };
    return { status: 200, body: { access_token: this.token({ scope }), ...told } };
  }

  /** Each code and each token to renew with is good once. */
  private scopeOf(form: URLSearchParams): string | undefined {
    if (form.get('grant_type') === 'refresh_token') {
      const refresh = form.get('refresh_token')!;
      const scope = this.sessions.get(refresh);
      this.sessions.delete(refresh);
      return scope;
    }
    const code = form.get('code')!;
    const grant = this.codes.get(code);
    this.codes.delete(code);
    const challenge = createHash('sha256').update(form.get('code_verifier')!).digest('base64url');
    const isOfIt = grant?.challenge === challenge && grant.redirectUri === form.get('redirect_uri');
    return isOfIt ? grant.scope : undefined;
  }
}

function signInPage(search: string): Answer {
  const link = (as: string) => `/authorize${search}&as=${as}`.replaceAll('&', '&amp;');
  const body = `<!doctype html><title>Provider</title><link rel="icon" href="data:,">
<a href="${link('ada')}">I am Ada</a> <a href="${link('nobody')}">I am nobody</a>`;
  // It cuts its windows off from the pages that opened them, as pages of providers may.
  const headers = { 'content-type': 'text/html', 'cross-origin-opener-policy': 'same-origin' };
  return { status: 200, headers, body };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
}

function write(response: ServerResponse, { status, headers, body = '' }: Answer): void {
  const isPlain = typeof body === 'string' || Buffer.isBuffer(body);
  response.writeHead(status, {
    'access-control-allow-origin': '*',
    ...(!isPlain && { 'content-type': 'application/json' }),
    ...headers,
  });
  response.end(isPlain ? body : JSON.stringify(body));
}

export async function startProvider(t: TestContext): Promise<TestProvider> {
  const provider = new TestProvider();
  const port = await startHttp(t, async (request, response) =>
    write(response, await provider.answer(request)),
  );
  provider.issuer = `http://127.0.0.1:${port}`;
  return provider;
}
