/** JPEG files whose scans are whole and whose end marker is not there, as webcams and some optimizers write them. */

import { CaptionError } from '../../errors.ts';

const END = Uint8Array.of(0xff, 0xd9);

/** What is said of bytes between the last scan and the end: they harm nothing. */
const ONLY_BYTES_BEFORE_END = /^(VipsJpeg: Corrupt JPEG data: \d+ extraneous bytes before marker 0xd9\s*)+$/;

/** Bits that a scan without enough of its own would read as other pixels than the zeros that libjpeg puts there. */
const OTHER_BITS = new Uint8Array(32).fill(0x55);

/**
 * The file with an end marker (EOI, ITU-T T.81, B.2.1). libvips says "premature end" of all without one, and nothing of
 * most that have one: so it is put there, and then everything is decoded twice. libjpeg's warnings tell whether the
 * scans ran dry, except in the last rows; these differ where the decoder read what follows the scan.
 *
 * @param decode the last rows of these bytes, all others read before, any warning of the decoder an error
 * @returns `null` where pixels are missing as well, and for what is no JPEG
 * @throws a CaptionError of `decode`
 */
export async function withEndMarker(
  bytes: Uint8Array,
  decode: (bytes: Uint8Array) => Promise<Uint8Array>,
): Promise<Uint8Array | null> {
  if (bytes[0] !== 0xff || bytes[1] !== 0xd8) return null;
  const scans = withoutPadding(bytes);
  if (!scansAreThere(scans)) return null;
  const half = scans.at(-1) === 0xff ? 1 : 0;
  const mended = Buffer.concat([scans, END.subarray(half)]);
  try {
    const rows = await decode(mended);
    const others = await decode(Buffer.concat([scans.subarray(0, scans.length - half), OTHER_BITS, END]));
    return Buffer.compare(rows, others) === 0 ? mended : null;
  } catch (error) {
    if (error instanceof CaptionError) throw error;
    return error instanceof Error && ONLY_BYTES_BEFORE_END.test(error.message) ? mended : null;
  }
}

/**
 * Without the zeros that fill a block or a download that stopped: as data they would read as grey. One may belong to
 * the scan; the marker at the start has none.
 */
function withoutPadding(bytes: Uint8Array): Uint8Array {
  let end = bytes.length;
  while (bytes[end - 1] === 0 && bytes[end - 2] === 0) end--;
  return bytes.subarray(0, end);
}

/**
 * Whether every component has all its coefficients to the last bit: a progressive file that stops between two scans
 * makes no decoder complain (ITU-T T.81, B.2.3 and G.1.1.1).
 */
function scansAreThere(jpeg: Uint8Array): boolean {
  /** Bits still missing of each coefficient, by component. */
  const missing = new Map<number, Int8Array>();
  let progressive = false;
  for (let at = 2; at < jpeg.length; ) {
    if (jpeg[at] !== 0xff || jpeg[at + 1] === 0xff) {
      at++;
      continue;
    }
    const marker = jpeg[at + 1]!;
    const segment = jpeg.subarray(at + 4, at + 2 + 256 * jpeg[at + 2]! + jpeg[at + 3]!);
    at += 4 + segment.length;
    if (marker === 0xd9) break;
    if (marker === 0xda) {
      countScan(segment, progressive, missing);
      at = endOfScan(jpeg, at);
    } else if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) {
      progressive = (marker & 3) === 2;
      // Precision, height and width take 5 bytes, then a count, then 3 bytes a component.
      for (let i = 0; i < segment[5]!; i++) missing.set(segment[6 + 3 * i]!, new Int8Array(64).fill(1));
    }
  }
  return missing.size > 0 && [...missing.values()].every((bits) => bits.every((left) => left === 0));
}

function countScan(header: Uint8Array, progressive: boolean, missing: Map<number, Int8Array>): void {
  const components = header[0]!;
  const [first = 0, last = 0, approximation = 0] = header.subarray(1 + 2 * components);
  for (let i = 0; i < components; i++) {
    const bits = missing.get(header[1 + 2 * i]!);
    if (progressive) bits?.fill(approximation & 0x0f, first, last + 1);
    else bits?.fill(0);
  }
}

/** Where the next marker is that is neither a stuffed byte nor a restart. */
function endOfScan(jpeg: Uint8Array, start: number): number {
  for (let at = jpeg.indexOf(0xff, start); at >= 0; at = jpeg.indexOf(0xff, at + 1)) {
    const next = jpeg[at + 1] ?? 0;
    if (next !== 0 && next !== 0xff && !(next >= 0xd0 && next <= 0xd7)) return at;
  }
  return jpeg.length;
}
