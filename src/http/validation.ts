import type { z } from '@hono/zod-openapi';

/** What a schema found wrong, with the names of the fields. */
export function messageOf(error: z.ZodError): string {
  return error.issues
    .map(({ path, message }) => (path.length === 0 ? message : `${path.join('.')}: ${message}`))
    .join('; ');
}
