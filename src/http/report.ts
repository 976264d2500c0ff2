import type { OpenAPIHono } from '@hono/zod-openapi';
import type { MiddlewareHandler } from 'hono';
import type { AppEnv, AppParts } from './parts.ts';

/** Sends one line a request to `parts.report`, also for requests that fail. */
export function reportRequests(app: OpenAPIHono<AppEnv>, { report }: AppParts): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const start = performance.now();
    await next();
    if (report === undefined) return;
    const { requestId, bytes = 0, images = 0, timings, code, error } = c.var;
    report({
      id: requestId,
      method: c.req.method,
      route: methodsAt(app, c.req.path).length > 0 ? c.req.path : 'other',
      status: c.res.status,
      ...(code !== undefined && { code }),
      ...(error !== undefined && { error }),
      bytes,
      images,
      ...(timings !== undefined && { timings }),
      milliseconds: performance.now() - start,
    });
  };
}

/** Methods that the app answers at a path; none where there is no route. No path of the app has parameters. */
export function methodsAt(app: OpenAPIHono<AppEnv>, path: string): string[] {
  const methods = app.routes.filter((r) => r.path === path && r.method !== 'ALL').map((r) => r.method);
  return [...new Set(methods.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method])))];
}
