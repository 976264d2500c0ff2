// A route of one's own: POST an image, get its alternative text. With Hono; a route handler of Next.js has the same
// `Request` and `Response`. Needs `npm install hono @hono/node-server`.
//   node route.ts
//   curl --data-binary @photo.jpg http://127.0.0.1:3000/alt
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { altText, CaptionError, createPool } from 'show-and-tell';

/** Milliseconds that a visitor waits. */
const PATIENCE = 5_000;

const pool = await createPool({ queueLength: 20 });

export async function POST(request: Request): Promise<Response> {
  try {
    const { captions } = await pool.caption(await request.bytes(), {
      count: 1,
      signal: request.signal,
      deadline: Date.now() + PATIENCE,
    });
    return Response.json({ alt: altText(captions[0]!.text) });
  } catch (error) {
    if (!(error instanceof CaptionError)) throw error;
    const { code, message, fault } = error;
    return Response.json({ code, message }, { status: fault === 'input' ? 422 : 503 });
  }
}

const app = new Hono().post('/alt', (c) => POST(c.req.raw));
const server = serve(
  { fetch: app.fetch, hostname: '127.0.0.1', port: Number(process.env.PORT ?? 3000) },
  (at) => console.log(`POST an image to http://127.0.0.1:${at.port}/alt`),
);
process.once('SIGTERM', () => server.close(() => pool.close()));
