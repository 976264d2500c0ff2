/**
 * Whether a colour profile (ICC.1:2022) says of an image what holds without one: that it is sRGB. Converting it takes longer
 * than decoding it (`npx node bench/decode-trials.ts`), and moves few samples by one grey level.
 */

const HEADER_BYTES = 128;
const COUNT_BYTES = 4;
const TAG_BYTES = 12;
/** A type, and four bytes that say nothing, before each value. */
const TYPE_BYTES = 8;
/** Fixed-point numbers have 16 bits behind the point. */
const FIXED = 65_536;

/** To linear red, green and blue; the inverse of what libvips's own profile has. */
const FROM_XYZ = [
  [3.133919, -1.616939, -0.490713],
  [-0.978451, 1.915882, 0.033388],
  [0.072023, -0.229027, 1.405716],
];
/** The slope of sRGB's curve in the dark, where it is steepest (IEC 61966-2-1). */
const DARK_SLOPE = 12.92;
const WHITE = 255;
/** Grey levels by which colorants and curves may move a sample: with both at once, and rounded, by no more than one. */
const MAX_BY_COLORANTS = 1.3;
const MAX_BY_CURVE = 0.2;

const CHANNELS = ['r', 'g', 'b'];

/** @returns false for whatever cannot be read, too */
export function isSrgbProfile(icc: Uint8Array): boolean {
  const tags = tagsOf(icc);
  // Tables from device to colour count more than what follows.
  if ([...tags.keys()].some((name) => /^[AD]2B/.test(name))) return false;
  return (
    areColorants(CHANNELS.map((channel) => xyzOf(tags.get(`${channel}XYZ`)))) &&
    CHANNELS.every((channel) => isCurve(curveOf(tags.get(`${channel}TRC`))))
  );
}

/** Of a display's profile from RGB to XYZ, else none. */
function tagsOf(icc: Uint8Array): Map<string, DataView> {
  const tags = new Map<string, DataView>();
  if (icc.length < HEADER_BYTES + COUNT_BYTES || latin(icc, 12, 12) !== 'mntrRGB XYZ ') return tags;
  const view = new DataView(icc.buffer, icc.byteOffset, icc.byteLength);
  const first = HEADER_BYTES + COUNT_BYTES;
  const end = Math.min(icc.length, first + TAG_BYTES * view.getUint32(HEADER_BYTES));
  for (let at = first; at + TAG_BYTES <= end; at += TAG_BYTES) {
    const offset = view.getUint32(at + 4);
    const size = view.getUint32(at + 8);
    if (size < TYPE_BYTES || offset + size > icc.length) continue;
    tags.set(latin(icc, at, 4), new DataView(icc.buffer, icc.byteOffset + offset, size));
  }
  return tags;
}

function latin(bytes: Uint8Array, at: number, length: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + length));
}

/** Fixed-point numbers from a place to the end. */
function fixedOf(tag: DataView, from: number): number[] {
  const count = Math.max(0, Math.floor((tag.byteLength - from) / 4));
  return Array.from({ length: count }, (_, i) => tag.getInt32(from + 4 * i) / FIXED);
}

function xyzOf(tag: DataView | undefined): number[] {
  return tag === undefined ? [] : fixedOf(tag, TYPE_BYTES);
}

/** Whether one colour's light is only its own, at any level of the other two. */
function areColorants(colorants: readonly number[][]): boolean {
  return FROM_XYZ.every((row, channel) => {
    const moved = colorants.map((xyz, colorant) => {
      const own = colorant === channel ? 1 : 0;
      return Math.abs(row.reduce((sum, weight, i) => sum + weight * xyz[i]!, -own));
    });
    const all = moved.reduce((a, b) => a + b, 0);
    return all * DARK_SLOPE * WHITE <= MAX_BY_COLORANTS;
  });
}

/** From a sample to light, both 0 to 1. */
type Curve = (sample: number) => number;

/** @returns `null` for forms in which nobody writes sRGB's curve */
function curveOf(tag: DataView | undefined): Curve | null {
  if (tag === undefined) return null;
  switch (tag.getUint32(0)) {
    case 0x63757276: // curv
      return tableOf(tag);
    case 0x70617261: // para
      return formulaOf(tag);
    default:
      return null;
  }
}

function tableOf(tag: DataView): Curve | null {
  const first = TYPE_BYTES + 4;
  const last = (tag.byteLength < first ? 0 : tag.getUint32(TYPE_BYTES)) - 1;
  if (last < 1 || tag.byteLength < first + 2 * (last + 1)) return null;
  return (sample) => {
    const below = Math.min(last - 1, Math.floor(sample * last));
    const [a, b] = [tag.getUint16(first + 2 * below), tag.getUint16(first + 2 * below + 2)];
    return (a + (b - a) * (sample * last - below)) / (FIXED - 1);
  };
}

/** A line in the dark, a power above it. */
function formulaOf(tag: DataView): Curve | null {
  const kind = tag.byteLength < TYPE_BYTES + 4 ? 0 : tag.getUint16(TYPE_BYTES);
  if (kind !== 3 && kind !== 4) return null;
  const [power = 0, a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = fixedOf(tag, TYPE_BYTES + 4);
  return (sample) => (sample >= d ? (a * sample + b) ** power + e : c * sample + f);
}

function isCurve(curve: Curve | null): boolean {
  if (curve === null) return false;
  for (let level = 0; level <= WHITE; level++) {
    const moved = WHITE * srgbOf(curve(level / WHITE)) - level;
    // Not a number is no small one.
    if (!(Math.abs(moved) <= MAX_BY_CURVE)) return false;
  }
  return true;
}

function srgbOf(light: number): number {
  return light <= 0.0031308 ? DARK_SLOPE * light : 1.055 * light ** (1 / 2.4) - 0.055;
}
