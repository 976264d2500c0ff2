import type { OpenAPIHono } from '@hono/zod-openapi';
import type { AppEnv } from '../parts.ts';

export type OpenApiDocument = ReturnType<OpenAPIHono['getOpenAPI31Document']>;

/** The document of all routes of an app, from the schemas that check them; made when it is first asked for. */
export function openApiDocument(app: OpenAPIHono<AppEnv>): () => OpenApiDocument {
  let document: OpenApiDocument | null = null;
  return () => {
    document ??= generate(app);
    return document;
  };
}

function generate(app: OpenAPIHono<AppEnv>): OpenApiDocument {
  return app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Show and Tell',
      version: '1',
      description:
        'A photograph goes in, ranked sentences come out. Errors are problem documents (RFC 9457).',
      license: { name: 'MIT', url: 'https://opensource.org/license/mit' },
    },
    servers: [{ url: '/', description: 'This deployment' }],
    tags: [
      { name: 'captions', description: 'Photographs to sentences' },
      { name: 'uploads', description: 'Images that are too large for a request' },
      { name: 'service', description: 'What runs here, and whether it does' },
      { name: 'max', description: 'The interface of IBM’s MAX Image Caption Generator, for its clients' },
    ],
    // Who may call is a matter of what stands in front: a gateway, a load balancer.
    security: [],
  });
}
