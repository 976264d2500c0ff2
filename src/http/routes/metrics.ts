import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import type { AppEnv, AppParts } from '../parts.ts';
import { GATEWAY_ANSWERS } from '../problem-answers.ts';

const route = createRoute({
  method: 'get',
  path: '/metrics',
  operationId: 'getMetrics',
  tags: ['service'],
  summary: 'Tell how the server does, as Prometheus reads it',
  description: 'Counts and times; nothing of images, captions or names.',
  responses: {
    ...GATEWAY_ANSWERS,
    200: { description: 'Text format 0.0.4', content: { 'text/plain': { schema: z.string() } } },
  },
});

export function addMetrics(app: OpenAPIHono<AppEnv>, { metrics }: AppParts): void {
  if (metrics === undefined) return;
  app.openapi(route, async (c) => {
    const { type, text } = await metrics();
    return c.text(text, 200, { 'content-type': type });
  });
}
