import { ImageTooLarge } from '../../errors.ts';
import { HttpError } from '../failures.ts';

/**
 * Body of a request, read no further than the limit: what is declared longer is not read at all.
 * @param limit bytes
 * @throws ImageTooLarge, HttpError MalformedRequest when it is empty or breaks off
 */
export async function readBody(request: Request, limit: number): Promise<Uint8Array<ArrayBuffer>> {
  const declared = Number(request.headers.get('content-length') ?? 0);
  if (declared > limit) throw tooLarge(limit);
  if (declared > 0) return await readDeclared(request, limit);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of chunksOf(request.body)) {
    bytes += chunk.length;
    if (bytes > limit) throw tooLarge(limit);
    chunks.push(chunk);
  }
  if (bytes === 0) throw new HttpError('MalformedRequest', 'the body is empty');
  return joined(chunks, bytes);
}

/**
 * At once: a server in front ends the body at the length declared, and whole bodies take half the time of streams
 * (`npm run bench -- load`).
 */
async function readDeclared(request: Request, limit: number): Promise<Uint8Array<ArrayBuffer>> {
  const body = await request.arrayBuffer().catch(brokenOff);
  if (body.byteLength > limit) throw tooLarge(limit);
  if (body.byteLength === 0) throw new HttpError('MalformedRequest', 'the body is empty');
  return new Uint8Array(body);
}

function brokenOff(cause: unknown): never {
  throw new HttpError('MalformedRequest', 'the body breaks off', { cause });
}

/** Unlike the stream's own iterator this one does not cancel it: that would cut the connection before the answer. */
async function* chunksOf(body: ReadableStream<Uint8Array> | null): AsyncGenerator<Uint8Array> {
  const reader = body?.getReader();
  if (reader === undefined) return;
  try {
    for (;;) {
      const { done, value } = await reader.read().catch(brokenOff);
      if (done) return;
      yield value;
    }
  } finally {
    reader.releaseLock();
  }
}

function joined(chunks: readonly Uint8Array[], bytes: number): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(bytes);
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}

function tooLarge(limit: number): ImageTooLarge {
  return new ImageTooLarge(`the body has more than ${limit} bytes`);
}
