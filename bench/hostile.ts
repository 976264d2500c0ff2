/**
 * Files made to cost memory: as many pixels as are allowed in few bytes, and a ninth of them, which wait for each other
 * where the budget has no room for the largest; many of them at once, through the server.
 */
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { json } from 'node:stream/consumers';
import sharp, { type Sharp } from 'sharp';
import { type ServerOptions, type ServerProcess, startServer } from './served.ts';

/** So many rounds of so many images at once that every worker has had some. */
const WARM_UP = { rounds: 5, images: 16 };
/** Of the sides. */
const SCALES = [1, 1 / 3];
/** Width and height at the limit of each kind (`src/model/formats/pixel-limit.ts`); wide ones cost libvips most. */
const KINDS: Record<string, { size: [number, number]; encode: (image: Sharp) => Sharp }> = {
  'JPEG, baseline': { size: [16_000, 16_000], encode: (image) => image.jpeg() },
  'JPEG, baseline, wide': { size: [65_500, 650], encode: (image) => image.jpeg() },
  'JPEG, progressive': { size: [11_300, 11_300], encode: (image) => image.jpeg({ progressive: true }) },
  'JPEG, progressive, no subsampling': {
    size: [11_300, 11_300],
    encode: (image) => image.jpeg({ progressive: true, chromaSubsampling: '4:4:4' }),
  },
  PNG: { size: [11_300, 11_300], encode: (image) => image.png() },
  'PNG, interlaced': { size: [11_300, 11_300], encode: (image) => image.png({ progressive: true }) },
  'PNG, wide': { size: [128_000, 1_000], encode: (image) => image.png() },
  'WebP, lossless': { size: [16_000, 16_000], encode: (image) => image.webp({ effort: 0, lossless: true }) },
  AVIF: { size: [7_000, 7_000], encode: (image) => image.avif({ effort: 0 }) },
  'AVIF, 12 bits': { size: [7_000, 7_000], encode: (image) => image.avif({ effort: 0, bitdepth: 12 }) },
  TIFF: { size: [11_300, 11_300], encode: (image) => image.tiff({ compression: 'deflate' }) },
  GIF: { size: [11_300, 11_300], encode: (image) => image.gif({ effort: 1 }) },
};

export interface HostileReport {
  /** Resident before, and at the peak. */
  beforeMiB: number;
  peakMiB: number;
  /** How many images were answered how, by kind. */
  answers: Record<string, number>;
  seconds: number;
}

/**
 * @param photograph sent first, so that everything is loaded
 * @param images at once, all kinds in turn
 */
export async function underAttack(
  photograph: Uint8Array,
  images: number,
  options: ServerOptions,
): Promise<HostileReport> {
  const files: { kind: string; bytes: Buffer }[] = [];
  for (const scale of SCALES) {
    for (const [kind, { size, encode }] of Object.entries(KINDS)) {
      const [width, height] = size.map((side) => Math.floor(side * scale)) as [number, number];
      files.push({ kind: `${kind}, ${width}x${height}`, bytes: await made([width, height], encode) });
    }
  }
  const server = await startServer(options);
  try {
    for (let i = 0; i < WARM_UP.rounds; i++) {
      await Promise.all(Array.from({ length: WARM_UP.images }, () => answerOf(server, photograph)));
    }
    server.forgetPeak();
    const { rssMiB: beforeMiB } = server.memory();
    const answers: Record<string, number> = {};
    const start = performance.now();
    const attack = Array.from({ length: images }, async (_, i) => {
      const { kind, bytes } = files[i % files.length]!;
      const answer = `${kind}: ${await answerOf(server, bytes)}`;
      answers[answer] = (answers[answer] ?? 0) + 1;
    });
    await Promise.all(attack);
    const seconds = (performance.now() - start) / 1000;
    return { beforeMiB, peakMiB: server.memory().peakMiB, answers, seconds };
  } finally {
    await server.stop();
  }
}

/** By status, and by code where there is one. Not by `fetch`, which waits for five minutes and no longer. */
async function answerOf({ url }: ServerProcess, bytes: Uint8Array): Promise<string> {
  try {
    const asked = request(`${url}/captions`, { method: 'POST', headers: { 'content-type': 'image/jpeg' } });
    asked.end(bytes);
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    const { code = '' } = (await json(answer)) as { code?: string };
    return `${answer.statusCode} ${code}`.trim();
  } catch (error) {
    return `lost, ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** One colour: nothing compresses better. */
function made([width, height]: [number, number], encode: (image: Sharp) => Sharp): Promise<Buffer> {
  const background = { r: 90, g: 120, b: 60 };
  return encode(
    sharp({ create: { width, height, channels: 3, background }, limitInputPixels: false }),
  ).toBuffer();
}
