/**
 * Memory and time that the largest common photographs take to decode: `npx node bench/decode.ts [--pixels 102e6]`. Each file
 * is made here and decoded in a process of its own, small as the default bundle sees it and whole as im2txt does.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import sharp, { type Sharp } from 'sharp';
import { IM2TXT_INPUT, type ImageInput } from '../src/caption/image-input.ts';
import { decodeImage } from '../src/model/image.ts';
import { memoryOf } from './shared/proc.ts';
import { report } from './shared/report.ts';

const SAMPLE = fileURLToPath(new URL('../samples/coffee.jpg', import.meta.url));
/** A medium-format camera: 11648 x 8736. */
const DEFAULT_PIXELS = '101756928';
const SMALL: ImageInput = {
  resampling: 'antialiased',
  width: 224,
  height: 224,
  dtype: 'uint8',
  range: [0, 255],
  aspect: 'squash',
};
const INPUTS = { small: SMALL, whole: IM2TXT_INPUT };
const KINDS: Record<string, (image: Sharp) => Sharp> = {
  'JPEG, baseline': (image) => image.jpeg(),
  'JPEG, progressive': (image) => image.jpeg({ progressive: true }),
  'JPEG, progressive, no subsampling': (image) =>
    image.jpeg({ progressive: true, chromaSubsampling: '4:4:4' }),
  WebP: (image) => image.webp({ effort: 0 }),
  'WebP, lossless': (image) => image.webp({ effort: 0, lossless: true }),
  PNG: (image) => image.png({ compressionLevel: 1 }),
  'PNG, interlaced': (image) => image.png({ compressionLevel: 1, progressive: true }),
  TIFF: (image) => image.tiff({ compression: 'lzw' }),
  GIF: (image) => image.gif({ effort: 1, dither: 0 }),
  AVIF: (image) => image.avif({ effort: 0 }),
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { pixels: { type: 'string', default: DEFAULT_PIXELS } },
});
const [path, name] = positionals;
if (path === undefined) await measureAll(Number(values.pixels));
else process.stdout.write(JSON.stringify(await measure(path, INPUTS[name as keyof typeof INPUTS])));

async function measureAll(pixels: number): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'decode-'));
  try {
    for (const [kind, encode] of Object.entries(KINDS)) {
      const file = join(directory, 'image');
      const height = Math.round(Math.sqrt((pixels * 3) / 4));
      const image = sharp(SAMPLE).resize(Math.round(pixels / height), height, {
        fit: 'fill',
        kernel: 'nearest',
      });
      await encode(image).toFile(file);
      for (const input of Object.keys(INPUTS)) {
        const args = [fileURLToPath(import.meta.url), file, input];
        const { mebibytes, milliseconds } = JSON.parse(
          execFileSync(process.execPath, args, { encoding: 'utf8' }),
        );
        report({ measure: `${kind}, ${input}: peak memory`, value: mebibytes, unit: 'MiB' });
        report({ measure: `${kind}, ${input}: time`, value: milliseconds, unit: 'ms' });
      }
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** What decoding adds to a process that has decoded before and holds the file. */
async function measure(
  file: string,
  input: ImageInput,
): Promise<{ mebibytes: number; milliseconds: number }> {
  await decodeImage(readFileSync(SAMPLE), input);
  const bytes = readFileSync(file);
  const before = memoryOf(process.pid).peakMiB;
  const start = performance.now();
  await decodeImage(bytes, input, { maxPixels: Number.POSITIVE_INFINITY });
  const milliseconds = performance.now() - start;
  return { mebibytes: memoryOf(process.pid).peakMiB - before, milliseconds };
}
