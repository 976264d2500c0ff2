import { OpenAPIHono } from '@hono/zod-openapi';
import { cors } from 'hono/cors';
import { etag, RETAINED_304_HEADERS } from 'hono/etag';
import { requestId } from 'hono/request-id';
import { secureHeaders } from 'hono/secure-headers';
import { InvalidRequest, problemsIn } from '../errors.ts';
import { CACHED, NOT_CACHED } from './cache.ts';
import {
  type AllowedOrigin,
  CORS_ANSWER_HEADERS,
  CORS_MAX_AGE_SECONDS,
  CORS_METHODS,
  CORS_REQUEST_HEADERS,
} from './cross-origin.ts';
import { docsPage } from './docs/docs-page.ts';
import { HttpError } from './failures.ts';
import { page } from './page/html-page.ts';
import type { AppEnv, AppParts } from './parts.ts';
import { answerProblem } from './problem.ts';
import { methodsAt, reportRequests } from './report.ts';
import { addCaptions } from './routes/captions.ts';
import { addHealth } from './routes/health.ts';
import { maxRoutes } from './routes/max.ts';
import { addMetrics } from './routes/metrics.ts';
import { addModel } from './routes/model.ts';
import { openApiDocument } from './routes/openapi.ts';
import { addSamples } from './routes/samples.ts';
import { swaggerDocument } from './routes/swagger.ts';
import { addUploads } from './routes/uploads.ts';
import { compress } from './transport/compression.ts';
import { traceRequests } from './transport/trace-context.ts';

/** Longer identifiers than any tracing system makes would only fill logs. */
const MAX_REQUEST_ID_LENGTH = 128;

/**
 * What a 304 must carry beside what caches are told: browsers replace the headers that they kept by those of the 304, so
 * that a page without its own policy there would be shown under the one for answers that are no pages.
 */
const RETAINED_AS_WELL = [
  'access-control-allow-origin',
  'access-control-expose-headers',
  'content-security-policy',
  'x-request-id',
  'traceresponse',
];

/** The HTTP interface, for whatever serves it: a function behind a gateway, a Node server. */
export function createApp(parts: AppParts): OpenAPIHono<AppEnv> {
  const app = new OpenAPIHono<AppEnv>({ defaultHook: refuseInvalid });
  app.use(requestId({ limitLength: MAX_REQUEST_ID_LENGTH }));
  app.use(traceRequests);
  app.use(reportRequests(app, parts));
  app.use(compress());
  app.use(
    secureHeaders({
      contentSecurityPolicy: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
      xFrameOptions: 'DENY',
      // Whether names below this one speak TLS is not known here.
      strictTransportSecurity: 'max-age=15552000',
      // Pages have a policy of their own.
      overwrite: false,
    }),
  );
  app.use(async (c, next) => {
    await next();
    // Not before: `cors` begins the answer, whose headers then win over those of the routes.
    if (!c.res.headers.has('cache-control')) c.header('cache-control', NOT_CACHED['cache-control']);
  });
  if (parts.allowedOrigin !== undefined) app.use(crossOrigin(parts.allowedOrigin));
  app.onError(answerProblem);
  app.use(async (c, next) => {
    const refusal = parts.refusalOf?.(c);
    if (refusal !== undefined) throw refusal;
    await next();
  });

  addCaptions(app, parts);
  addUploads(app, parts);
  addHealth(app, parts);
  addMetrics(app, parts);
  app.route('/', maxRoutes(parts));

  // From here on: what stays the same as long as the deployment does.
  app.use(etag({ weak: true, retainedHeaders: [...RETAINED_304_HEADERS, ...RETAINED_AS_WELL] }));
  addModel(app, parts);

  const document = openApiDocument(app);
  app.get('/openapi.json', (c) => c.json(document(), 200, CACHED));
  app.get('/swagger.json', (c) => c.json(swaggerDocument(parts), 200, CACHED));
  app.get('/docs', docsPage(parts, document));
  app.get('/', page(parts));
  addSamples(app);

  app.notFound((c) => {
    const allowed = methodsAt(app, c.req.path);
    if (allowed.length === 0) return answerProblem(new HttpError('RouteNotFound', 'see /docs'), c);
    c.header('allow', allowed.join(', '));
    return answerProblem(new HttpError('MethodNotAllowed', `it takes ${allowed.join(', ')}`), c);
  });
  return app;
}

function crossOrigin(origin: AllowedOrigin): ReturnType<typeof cors> {
  return cors({
    origin,
    allowMethods: [...CORS_METHODS],
    allowHeaders: CORS_REQUEST_HEADERS,
    exposeHeaders: CORS_ANSWER_HEADERS,
    maxAge: CORS_MAX_AGE_SECONDS,
  });
}

type Validated = { success: true } | { success: false; error: Parameters<typeof problemsIn>[0] };

function refuseInvalid(result: Validated): void {
  if (!result.success) throw new InvalidRequest(problemsIn(result.error));
}
