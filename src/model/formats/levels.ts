/** Samples of any range to grey levels: for floating-point and for wide or signed integer samples. */
import { UnsupportedImage } from '../../errors.ts';
import { inTurns } from '../waiting/turns.ts';

/** Samples that are looked at for the range: enough for percentiles, few enough to sort in a moment. */
const LOOKED_AT = 1 << 16;
/** Share of the samples at either end that may lie outside: one hot pixel must not make all others black. */
const OUTLIERS = 0.005;
/** A picture of 0 to 1 whose brightest part is below this is of another range. */
const DIM = 0.25;
/** Steps of linear light that are told apart: the darkest level of sRGB is wider than one. */
const STEPS = 4096;

/**
 * Scales samples to levels: 0 to 1 where they have that range, else from about the lowest to about the highest. What is
 * not a number is black.
 *
 * @param samples HWC, one or three channels
 * @param light whether samples of three channels are linear light, which libvips takes floating point for (scRGB)
 * @returns uint8 RGB HWC
 * @throws UnsupportedImage where all samples are the same, or none is a number
 */
export async function levelsOf(
  samples: Float32Array,
  channels: 1 | 3,
  light: boolean,
): Promise<Uint8ClampedArray> {
  const { low, high, whole } = await rangeOf(samples, channels);
  const rgb = new Uint8ClampedArray((samples.length / channels) * 3);
  // Whole numbers above 1 are levels that somebody stored as floating point: they were encoded before.
  const curve = light && !(whole && high > 1) ? encoded() : null;
  const scale = (curve === null ? 255 : STEPS) / (high - low);
  await inTurns(samples.length, (from, to) => {
    for (let i = from; i < to; i++) {
      const value = (samples[i]! - low) * scale;
      const level = curve === null ? value : curve[Math.max(0, Math.min(STEPS, Math.round(value) || 0))]!;
      if (channels === 3) rgb[i] = level;
      else rgb.fill(level, 3 * i, 3 * i + 3);
    }
  });
  return rgb;
}

async function rangeOf(
  samples: Float32Array,
  channels: number,
): Promise<{ low: number; high: number; whole: boolean }> {
  const seen = someOf(samples, channels).filter(Number.isFinite).sort();
  const low = seen[Math.floor(seen.length * OUTLIERS)];
  const high = seen[Math.ceil(seen.length * (1 - OUTLIERS)) - 1];
  const whole = seen.every(Number.isInteger);
  if (low === undefined || high === undefined || low === high) return { ...(await extremes(samples)), whole };
  return low >= 0 && high <= 1 && high >= DIM ? { low: 0, high: 1, whole } : { low, high, whole };
}

/** Pixels spread evenly over the picture, each with all its samples. */
function someOf(samples: Float32Array, channels: number): Float32Array {
  const pixels = samples.length / channels;
  const step = Math.max(1, Math.floor(samples.length / LOOKED_AT));
  return Float32Array.from({ length: Math.ceil(pixels / step) * channels }, (_, i) => {
    const channel = i % channels;
    return samples[((i - channel) / channels) * step * channels + channel]!;
  });
}

/** For pictures of almost one level: a few stars. */
async function extremes(samples: Float32Array): Promise<{ low: number; high: number }> {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  await inTurns(samples.length, (from, to) => {
    for (const value of samples.subarray(from, to)) {
      if (!Number.isFinite(value)) continue;
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  });
  if (low < high) return { low, high };
  throw new UnsupportedImage(
    low === high
      ? `all samples are ${low}, so that there is no picture to see`
      : 'no sample is a finite number, so that there is no picture to see',
  );
}

/** Level of each step of linear light (IEC 61966-2-1). */
function encoded(): Uint8ClampedArray {
  return Uint8ClampedArray.from({ length: STEPS + 1 }, (_, i) => {
    const light = i / STEPS;
    return 255 * (light <= 0.0031308 ? 12.92 * light : 1.055 * light ** (1 / 2.4) - 0.055);
  });
}
