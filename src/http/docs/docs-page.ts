import type { Context, Handler } from 'hono';
import { htmlPage } from '../page/html-page.ts';
import type { AppEnv, AppParts } from '../parts.ts';
import type { OpenApiDocument } from '../routes/openapi.ts';
import { docsHtml } from './docs-html.ts';
import { limitsOf } from './limits.ts';
import { ORIGIN } from './markup.ts';

/** Names and addresses of hosts; anything else would be a client's own invention, on its own page. */
const HOST = /^[\w.:[\]-]+$/;

/** Serves the reference, with the address that it was asked for at in its examples. */
export function docsPage(parts: AppParts, document: () => OpenApiDocument): Handler<AppEnv> {
  return htmlPage(async (c) => docsHtml(document(), limitsOf(parts, c)), {
    fill: (html, c) => html.replaceAll(ORIGIN, originOf(c)),
  });
}

/** For readers without a script, which knows better where its page came from. */
function originOf(c: Context<AppEnv>): string {
  const { protocol, host } = new URL(c.req.url);
  // A load balancer that ends TLS says so there.
  const isSecure = protocol === 'https:' || c.req.header('x-forwarded-proto') === 'https';
  return `${isSecure ? 'https' : 'http'}://${HOST.test(host) ? host : 'localhost'}`;
}
