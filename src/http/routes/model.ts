import { createRoute, type OpenAPIHono } from '@hono/zod-openapi';
import { CACHED } from '../cache.ts';
import { modelCardSchema } from '../model-card.ts';
import type { AppEnv, AppParts } from '../parts.ts';
import { GATEWAY_ANSWERS } from '../problem-answers.ts';

const route = createRoute({
  method: 'get',
  path: '/model',
  operationId: 'getModel',
  tags: ['service'],
  summary: 'Tell which model captions here',
  responses: {
    ...GATEWAY_ANSWERS,
    200: { description: 'The model', content: { 'application/json': { schema: modelCardSchema } } },
  },
});

export function addModel(app: OpenAPIHono<AppEnv>, { model }: AppParts): void {
  app.openapi(route, (c) => c.json(model, 200, CACHED));
}
