import { readFile } from 'node:fs/promises';
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { modelNameSchema } from '../../caption/result.ts';
import type { AppEnv, AppParts } from '../parts.ts';
import { problemAnswers } from '../problem-answers.ts';

/** `samples/chelsea.jpg` (CC0, see samples/README.md) at 320 pixels. */
const PHOTOGRAPH = new URL('./health.jpg', import.meta.url);

const healthSchema = z
  .object({
    status: z.literal('ok'),
    model: modelNameSchema,
    caption: z.string().describe('What the model says of a photograph of a cat that comes with it'),
  })
  .openapi('Health', {
    example: {
      status: 'ok',
      model: {
        name: 'everyday',
        hash: '89cc2e991b6867c7a2e33e653ce669e06d586ca32f8a20a6fdb21eaa3a3f3e1d',
      },
      caption: 'a close up of a cat .',
    },
  });

type Health = z.output<typeof healthSchema>;

const route = createRoute({
  method: 'get',
  path: '/health',
  operationId: 'getHealth',
  tags: ['service'],
  summary: 'Tell whether images can be captioned',
  description: 'Captions a photograph the first time, and remembers when that went well.',
  responses: {
    200: { description: 'They can', content: { 'application/json': { schema: healthSchema } } },
    ...problemAnswers(),
  },
});

export function addHealth(app: OpenAPIHono<AppEnv>, parts: AppParts): void {
  const check = rememberSuccess(() => captionPhotograph(parts));
  app.openapi(route, async (c) => c.json(await check(), 200));
}

async function captionPhotograph({ caption, plan }: AppParts): Promise<Health> {
  const { captions, model } = await caption(await readFile(PHOTOGRAPH), plan({ count: 1 }));
  const [best] = captions;
  if (best === undefined) throw new Error('the model has no caption for the photograph of the health check');
  return { status: 'ok', model, caption: best.text };
}

/** Requests that come meanwhile share one check; one that failed is made again. */
function rememberSuccess<T>(check: () => Promise<T>): () => Promise<T> {
  let checked: Promise<T> | null = null;
  return () => {
    checked ??= check().catch((error: unknown) => {
      checked = null;
      throw error;
    });
    return checked;
  };
}
