/** Bodies of requests on their way: how much of them is there, and which of them do not come. */
import type { IncomingMessage } from 'node:http';

/**
 * How often it is looked what a body has brought since: longer than a telephone is without a network between two cells or in
 * a short tunnel.
 */
export const WINDOW_MS = 10_000;
/**
 * What a body has to bring in each window: the slowest mobile network (GPRS, 3 to 5 kB a second) brings three times as much,
 * and no photograph would come in the time for a request at this rate.
 */
export const LEAST_IN_WINDOW = 10_000;

/** Why a body is read no further. */
export class BodyCut extends Error {
  readonly code: 'BODY_TOO_SLOW' | 'BODIES_FULL';

  constructor(code: BodyCut['code'], message: string) {
    super(message);
    this.code = code;
  }
}

export interface Bodies {
  /** No place for another one. */
  readonly full: boolean;
  /**
   * Counts what arrives of a body.
   * @returns to be called when its request is answered: until then its bytes are held
   */
  watch(incoming: IncomingMessage): () => void;
}

interface BodiesParts {
  /** Of all bodies together, bytes. */
  maxBytes: number;
  /** @default 10 s */
  windowMs?: number;
  /** Has to answer; nothing more of that body is kept. */
  onCut: (cut: BodyCut, incoming: IncomingMessage) => void;
}

interface Body {
  incoming: IncomingMessage;
  arrived: number;
  /** Since the last look. */
  lately: number;
  isCut: boolean;
}

/** What clients announce takes no place here, what they send does. */
export function createBodies({ maxBytes, windowMs = WINDOW_MS, onCut }: BodiesParts): Bodies {
  /** In the order they came. */
  const bodies = new Set<Body>();
  /** Of all; `kept` without those that are cut, whose memory is free as soon as their connection is closed. */
  let held = 0;
  let kept = 0;

  const cut = (body: Body, reason: BodyCut): void => {
    body.isCut = true;
    kept -= body.arrived;
    onCut(reason, body.incoming);
  };
  const count = (body: Body, bytes: number): void => {
    body.arrived += bytes;
    body.lately += bytes;
    held += bytes;
    kept += bytes;
    while (kept > maxBytes) {
      const oldest = oldestOf(bodies);
      if (oldest === undefined) return;
      cut(oldest, new BodyCut('BODIES_FULL', 'too many bytes are on their way, and these took longest'));
    }
  };

  return {
    get full() {
      return held >= maxBytes;
    },
    watch(incoming) {
      const body: Body = { incoming, arrived: 0, lately: 0, isCut: false };
      bodies.add(body);
      // Node's parser hands over each piece by this method. A listener would make the pieces flow before the app reads them.
      const { push } = incoming;
      incoming.push = (piece: Buffer | null, encoding?: BufferEncoding) => {
        if (piece !== null && !body.isCut) count(body, piece.length);
        return body.isCut || push.call(incoming, piece, encoding);
      };
      const timer = setInterval(() => {
        if (incoming.complete || body.isCut) return clearInterval(timer);
        if (body.lately < LEAST_IN_WINDOW) cut(body, tooSlow(windowMs));
        body.lately = 0;
      }, windowMs).unref();
      return () => {
        clearInterval(timer);
        if (!bodies.delete(body)) return;
        held -= body.arrived;
        if (!body.isCut) kept -= body.arrived;
      };
    },
  };
}

function tooSlow(milliseconds: number): BodyCut {
  return new BodyCut(
    'BODY_TOO_SLOW',
    `less than ${LEAST_IN_WINDOW} bytes of the body came in ${milliseconds / 1000} s`,
  );
}

/** Who has had the most time, so that no one holds memory by coming slowly; of those that are not whole yet. */
function oldestOf(bodies: ReadonlySet<Body>): Body | undefined {
  return [...bodies].find(({ incoming, isCut }) => !isCut && !incoming.complete);
}
