/** The clients of the soak: each is one conversation with the server, chosen by chance, held against what is right. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../support/random.ts';
import type { SoakImage, SoakImages } from './images.ts';
import { dial, type Line } from './line.ts';
import { check, count, fault, note, type Tally } from './tally.ts';

export interface Conversation {
  port: number;
  images: SoakImages;
  random: Random;
  tally: Tally;
}

/** How each kind talks, and how often it comes: shares of all. */
const CLIENTS: Record<string, { share: number; talk: (of: Conversation) => Promise<void> }> = {
  good: { share: 20, talk: (of) => single(of, any(of.images.good, of.random)) },
  bad: { share: 20, talk: (of) => single(of, any(of.images.bad, of.random)) },
  form: { share: 8, talk: form },
  'kept-alive': { share: 8, talk: keptAlive },
  pipelined: { share: 5, talk: pipelined },
  'half-closed': { share: 10, talk: halfClosed },
  slow: { share: 4, talk: slow },
  stalled: { share: 1, talk: stalled },
  nonsense: { share: 3, talk: nonsense },
  leaving: { share: 20, talk: leaving },
  killing: { share: 1, talk: (of) => kill(of, any(['crash', 'exit', 'crash', 'exit', 'hang'], of.random)) },
};
const SHARES = Object.values(CLIENTS).reduce((sum, { share }) => sum + share, 0);

/** One client, of any kind. */
export async function talk(of: Conversation): Promise<void> {
  let at = of.random.below(SHARES);
  for (const [kind, client] of Object.entries(CLIENTS)) {
    at -= client.share;
    if (at >= 0) continue;
    count(of.tally.kinds, kind);
    await client.talk(of).catch((error: unknown) => fault(of.tally, `${kind}: ${error}`));
    return;
  }
}

function any<T>(items: readonly T[], random: Random): T {
  return items[random.below(items.length)]!;
}

const BOUNDARY = 'soak-boundary';

const head = (length: number, type: string, query = '') =>
  `POST /captions${query} HTTP/1.1\r\nHost: soak\r\nContent-Type: ${type}\r\nContent-Length: ${length}\r\n\r\n`;
const requestFor = ({ bytes, type }: Pick<SoakImage, 'bytes' | 'type'>, query?: string) =>
  Buffer.concat([Buffer.from(head(bytes.length, type, query)), bytes]);

/** An answer about one image, to a request that is there as a whole. */
async function expectOne({ tally }: Conversation, line: Line, who: string, image: SoakImage): Promise<void> {
  const start = performance.now();
  const answer = await line.answer();
  tally.slowest = Math.max(tally.slowest, performance.now() - start);
  check(tally, who, image, note(tally, answer));
  if (answer.status !== image.status) fault(tally, `${who}: ${answer.status} instead of ${image.status}`);
}

async function single(of: Conversation, image: SoakImage): Promise<void> {
  const line = await dial(of.port);
  line.socket.write(requestFor(image));
  await expectOne(of, line, 'one image', image);
  line.socket.destroy();
}

async function form(of: Conversation): Promise<void> {
  const { images, random, tally } = of;
  const sent = Array.from({ length: 2 + random.below(3) }, () =>
    any(random.below(3) === 0 ? images.bad : images.good, random),
  );
  const body = Buffer.concat([
    ...sent.flatMap(({ bytes }, i) => [
      Buffer.from(
        `--${BOUNDARY}\r\nContent-Disposition: form-data; name="image"; filename="${i}.jpg"\r\n\r\n`,
      ),
      bytes,
      Buffer.from('\r\n'),
    ]),
    Buffer.from(`--${BOUNDARY}--\r\n`),
  ]);
  const line = await dial(of.port);
  line.socket.write(head(body.length, `multipart/form-data; boundary=${BOUNDARY}`));
  line.socket.write(body);
  const answer = await line.answer();
  const { results } = note(tally, answer) as { results?: (Record<string, unknown> & { error?: object })[] };
  if (results?.length !== sent.length) fault(tally, `form: ${answer.status} ${answer.body.slice(0, 200)}`);
  for (const [i, result] of (results ?? []).entries()) {
    check(tally, 'form', sent[i]!, { ...result, ...result.error });
  }
  line.socket.destroy();
}

async function keptAlive(of: Conversation): Promise<void> {
  const { images, random, tally } = of;
  const line = await dial(of.port);
  for (let i = 2 + random.below(4); i > 0; i--) {
    const image = any(random.below(3) === 0 ? images.bad : images.good, random);
    line.socket.write(requestFor(image));
    await expectOne(of, line, 'kept-alive', image);
    line.socket.write('GET /health HTTP/1.1\r\nHost: soak\r\n\r\n');
    const { status } = await line.answer();
    if (status !== 200) fault(tally, `/health: ${status}`);
    await sleep(random.below(50));
  }
  line.socket.destroy();
}

async function pipelined(of: Conversation): Promise<void> {
  const sent = [0, 1, 2].map(() => any(of.images.good, of.random));
  const line = await dial(of.port);
  line.socket.write(Buffer.concat(sent.map((image) => requestFor(image))));
  for (const image of sent) await expectOne(of, line, 'pipelined', image);
  line.socket.destroy();
}

async function halfClosed(of: Conversation): Promise<void> {
  const image = any(of.images.good, of.random);
  const line = await dial(of.port);
  line.socket.end(requestFor(image));
  await expectOne(of, line, 'half-closed', image);
  const surplus = await line.surplus();
  if (surplus > 0) fault(of.tally, `half-closed: ${surplus} answers too many`);
}

/** Byte by byte. The server may find that too slow, and say so. */
async function slow(of: Conversation): Promise<void> {
  const { images, random, tally } = of;
  const request = requestFor(images.small);
  const line = await dial(of.port);
  for (let at = 0; at < request.length && line.socket.writable; at++) {
    line.socket.write(request.subarray(at, at + 1));
    if (random.below(4) === 0) await sleep(1);
  }
  const answer = await line.answer();
  const said = note(tally, answer);
  if (answer.status !== 408) check(tally, 'slow', images.small, said);
  line.socket.destroy();
}

/** Half a request, and nothing more. */
async function stalled(of: Conversation): Promise<void> {
  const request = requestFor(any(of.images.good, of.random));
  const line = await dial(of.port);
  line.socket.write(request.subarray(0, request.length >> 1));
  const answer = await line.answer();
  note(of.tally, answer);
  if (answer.status !== 408) fault(of.tally, `stalled: ${answer.status} instead of 408`);
  if ((await line.surplus()) > 0) fault(of.tally, 'stalled: more than one answer');
}

/** Bytes that are no HTTP. */
async function nonsense({ port, random, tally }: Conversation): Promise<void> {
  const line = await dial(port);
  line.socket.write(Buffer.from(Array.from({ length: 20 }, () => 128 + random.below(128))));
  const { status } = await line.answer();
  count(tally.codes, 'MalformedRequest');
  if (status !== 400) fault(tally, `nonsense: ${status} instead of 400`);
  if ((await line.surplus()) > 0) fault(tally, 'nonsense: more than one answer');
}

/** Gone amid the upload, or some time after it. */
async function leaving({ port, images, random, tally }: Conversation): Promise<void> {
  const { bytes, type } = any(images.good, random);
  const request = requestFor({ bytes, type });
  const body = random.below(2) === 0 ? bytes.length : random.below(bytes.length);
  const line = await dial(port);
  line.socket.write(request.subarray(0, request.length - bytes.length + body));
  await sleep(random.below(400));
  const isClosed = random.below(2) === 0;
  tally.left[isClosed ? 'closed' : 'reset']++;
  if (isClosed) line.socket.destroy();
  else line.socket.resetAndDestroy();
}

/** Takes the worker along that gets the image. */
export async function kill({ port, images, tally }: Conversation, how: string): Promise<void> {
  const line = await dial(port);
  line.socket.write(requestFor(images.small, `?bannedWords=${how}`));
  const answer = await line.answer();
  const { code } = note(tally, answer);
  if (code !== 'CaptionerHung') fault(tally, `killing by ${how}: ${answer.status} ${code}`);
  line.socket.destroy();
}
