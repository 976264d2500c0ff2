/** How the official client asks: by our own connections, and with failures in words. */
import type { IncomingMessage } from 'node:http';
import { SourceError } from '../../errors.ts';
import { describeStatus } from '../../net/failure.ts';
import { FetchFailure, follow } from '../source/http-range.ts';

/** What was asked for, for messages. */
export interface Asked {
  /** `owner/name` */
  id: string;
  /** Of the model's page. */
  page: string;
  revision: string;
  hasToken: boolean;
}

/** Milliseconds for one answer of the API. */
const ANSWER_MS = 60_000;
/** A page of a listing has some 100 kB. */
const MAX_BYTES = 16 << 20;

/** For answers of the API, which are kept whole; they come as they are where that is no failure. */
export function hubFetch(asked: Asked): typeof fetch {
  return async (input, init) => {
    const address = new URL(String(input));
    try {
      const headers = Object.fromEntries(new Headers(init?.headers));
      // Where the next page of a listing is the server says: the token goes to nobody else.
      if (address.origin !== new URL(asked.page).origin) delete headers.authorization;
      const { answer } = await follow(address, headers, AbortSignal.timeout(ANSWER_MS));
      const body = await bodyOf(answer);
      const status = answer.statusCode!;
      if (status >= 400) throw hubRefusal(answer, asked) ?? new FetchFailure(describeStatus(status));
      // Of the headers the client reads one alone: where the next page of a listing is.
      return new Response(body, { status, headers: { link: String(answer.headers.link ?? '') } });
    } catch (error) {
      throw error instanceof SourceError ? error : unreachable(asked, error);
    }
  };
}

async function bodyOf(answer: IncomingMessage): Promise<Buffer<ArrayBuffer>> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of answer as AsyncIterable<Buffer>) {
    pieces.push(piece);
    bytes += piece.length;
    if (bytes > MAX_BYTES) {
      throw new FetchFailure({ actual: `more than ${MAX_BYTES} bytes`, remedy: '', passes: false });
    }
  }
  return Buffer.concat(pieces);
}

function unreachable({ id, page, revision }: Asked, cause: unknown): SourceError {
  const { actual, remedy } =
    cause instanceof FetchFailure
      ? cause.text
      : { actual: 'no answer that can be read', remedy: 'Check the network, and HF_ENDPOINT if it is set.' };
  const folder = `Nothing on this machine is called ${id}; a folder with the files (hf download ${id} --local-dir DIR) is imported without a network.`;
  return new SourceError(
    'SourceUnreadable',
    { file: page, expected: `its files at ${revision}`, actual, remedy: `${remedy} ${folder}`.trim() },
    { cause },
  );
}

/**
 * What the hub means by a refusal, which it says in `x-error-code` where it knows who asks.
 * @returns `null` for what is not about the model: too many requests, trouble inside the hub
 */
export function hubRefusal({ statusCode, headers }: IncomingMessage, asked: Asked): SourceError | null {
  const { id, page, revision, hasToken } = asked;
  const refused = (expected: string, actual: string, remedy: string): SourceError =>
    new SourceError('SourceUnreadable', {
      file: page,
      expected,
      actual: `${actual} (status ${statusCode})`,
      remedy,
    });
  const code = headers['x-error-code'];
  if (code === 'RevisionNotFound') {
    return refused(
      `the revision ${revision}`,
      'none of that name',
      'Name a commit, a branch or a tag of it by --revision.',
    );
  }
  if (code === 'GatedRepo' || statusCode === 403) {
    return refused(
      'a model that everybody may read, or a token in HF_TOKEN that may',
      hasToken ? 'one that this token may not read' : 'a gated one, and no token',
      `Accept its terms at ${page}, and set HF_TOKEN to a token of that account.`,
    );
  }
  if (code === 'RepoNotFound' || (code === undefined && (statusCode === 401 || statusCode === 404))) {
    const remedy = hasToken
      ? 'Check the name, and that HF_TOKEN is valid and may read it'
      : 'Check the name; for a private one set HF_TOKEN';
    return refused(
      'a model',
      'none that this may read',
      `${remedy}. Nothing on this machine is called ${id} either.`,
    );
  }
  return null;
}
