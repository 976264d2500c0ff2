/** Pages that are one file each: markup, style and script, nothing from elsewhere. */
import { createHash } from 'node:crypto';
import type { Context, Handler } from 'hono';
import { CACHED } from '../cache.ts';
import type { AppEnv, AppParts, Login } from '../parts.ts';
import { inlinePage } from './inline-page.ts';

/** A visitor may paste a photograph's address, which the browser then asks; what it may read of others is up to them. */
const PHOTOGRAPHS_ELSEWHERE = 'http: https:';
const PAGE = new URL('./page.html', import.meta.url);
/** What only deployments with a login have in it. */
const LOGIN = new URL('./login.html', import.meta.url);

/** Serves the page that comes with the program, and tells it how much it may send. */
export function page({ maxBodyBytes, login }: AppParts): Handler<AppEnv> {
  const make = async () => {
    const html = withLimit(await inlinePage(PAGE), maxBodyBytes);
    return login === undefined ? html : withLogin(html, await inlinePage(LOGIN), login);
  };
  // Also for the provider of a login, whose addresses only it knows.
  return htmlPage(make, { connect: PHOTOGRAPHS_ELSEWHERE });
}

/** Fills in the one thing that the page cannot know. */
function withLimit(html: string, maxBodyBytes: number): string {
  return html.replace('name="max-body-bytes" content=""', `name="max-body-bytes" content="${maxBodyBytes}"`);
}

/** Before the page's own script, which asks in the way that the login's leaves it. */
function withLogin(html: string, part: string, login: Login): string {
  const told = JSON.stringify(login).replaceAll('&', '&amp;').replaceAll('"', '&quot;');
  const filled = part.replace('name="login" content=""', () => `name="login" content="${told}"`);
  return html.replace('</head>', () => `${filled}</head>`);
}

interface PageParts {
  /** Writes what differs from request to request, outside of scripts and styles. */
  fill?: (html: string, c: Context<AppEnv>) => string;
  /** What else its scripts may ask, in the policy's words. */
  connect?: string;
}

/**
 * Serves a page that runs and shows exactly the scripts and styles that stand in it.
 * @param make called once, when the page is first asked for, so that it does not delay the start of a function
 */
export function htmlPage(
  make: (c: Context<AppEnv>) => Promise<string>,
  { fill = (html) => html, connect }: PageParts = {},
): Handler<AppEnv> {
  let made: Promise<{ html: string; policy: string }> | null = null;
  return async (c) => {
    made ??= make(c).then((html) => ({ html, policy: policyOf(html, connect) }));
    const { html, policy } = await made;
    return c.html(fill(html, c), 200, { ...CACHED, 'content-security-policy': policy });
  };
}

const ELEMENTS = {
  script: /<script\b[^>]*>([\s\S]*?)<\/script>/gi,
  style: /<style\b[^>]*>([\s\S]*?)<\/style>/gi,
};

function policyOf(html: string, connect: string | undefined): string {
  return [
    "default-src 'none'",
    `script-src ${hashesOf('script', html)}`,
    `style-src ${hashesOf('style', html)}`,
    "img-src 'self' blob: data:",
    `connect-src 'self'${connect ? ` ${connect}` : ''}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

/** Of all inline elements of that name, as CSP level 3 writes them. */
function hashesOf(element: keyof typeof ELEMENTS, html: string): string {
  const elements = [...html.matchAll(ELEMENTS[element])];
  const hashes = elements.map(([, text]) => createHash('sha256').update(text!).digest('base64'));
  return hashes.length === 0 ? "'none'" : hashes.map((hash) => `'sha256-${hash}'`).join(' ');
}
