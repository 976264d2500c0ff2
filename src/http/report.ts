import type { OpenAPIHono } from '@hono/zod-openapi';
import type { MiddlewareHandler } from 'hono';
import type { AppEnv, AppParts, Trace, TraceFields } from './parts.ts';

/** Of no answer, since nobody reads it: as nginx logs requests whose clients closed the connection before. */
const CLIENT_LEFT = 499;

/** Sends one line a request to `parts.report`, also for requests that fail. */
export function reportRequests(
  app: OpenAPIHono<AppEnv>,
  { report, isRefused }: AppParts,
): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const start = performance.now();
    await next();
    if (report === undefined || isRefused?.(c)) return;
    const { requestId, trace, bytes = 0, images = 0, timings, code, error } = c.var;
    const outcome = c.req.raw.signal.aborted
      ? { status: CLIENT_LEFT }
      : {
          status: c.res.status,
          ...(code !== undefined && { code }),
          ...(error !== undefined && { error }),
        };
    report({
      id: requestId,
      ...traceFields(trace),
      method: c.req.method,
      route: routeAt(app, c.req.path),
      ...outcome,
      bytes,
      images,
      ...(timings !== undefined && { timings }),
      milliseconds: performance.now() - start,
    });
  };
}

export function traceFields({ traceId, spanId, parentSpanId }: Trace): TraceFields {
  const parent = parentSpanId === undefined ? {} : { parent_span_id: parentSpanId };
  return { trace_id: traceId, span_id: spanId, ...parent };
}

/** What reports call a path: the app's own path, as in `/captions/:id`, or `other`. */
export function routeAt(app: OpenAPIHono<AppEnv>, path: string): string {
  return routesAt(app, path)[0]?.path ?? 'other';
}

/** Methods that the app answers at a path; none where there is no route. */
export function methodsAt(app: OpenAPIHono<AppEnv>, path: string): string[] {
  const methods = routesAt(app, path).map((route) => route.method);
  return [...new Set(methods.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method])))];
}

/** Routes at a path, a parameter of theirs (`:id`) standing for one piece of it. */
function routesAt(app: OpenAPIHono<AppEnv>, path: string) {
  const pieces = path.split('/');
  return app.routes.filter((route) => {
    const wanted = route.path.split('/');
    return (
      route.method !== 'ALL' &&
      wanted.length === pieces.length &&
      wanted.every((piece, i) => (piece.startsWith(':') ? pieces[i] !== '' : piece === pieces[i]))
    );
  });
}
