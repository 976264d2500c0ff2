/** Kinds of file that are whole and still not read here, told by their content, so that nobody takes them for damaged. */
import { TAG, tiffTags } from './tiff-tags.ts';

/** What a file says at its start; latin1. */
const SIGNATURES: readonly (readonly [start: string, kind: string])[] = [
  ['\xff\x0a', 'a JPEG XL image'],
  ['\0\0\0\x0cJXL \r\n\x87\n', 'a JPEG XL image'],
  ['\0\0\0\x0cjP  \r\n\x87\n', 'a JPEG 2000 image'],
  ['\xff\x4f\xff\x51', 'a JPEG 2000 image'],
  ['II\xbc', 'a JPEG XR image'],
  ['FUJIFILMCCD-RAW', 'a camera raw file'],
  ['IIRO', 'a camera raw file'],
  ['IIRS', 'a camera raw file'],
  ['MMOR', 'a camera raw file'],
  ['IIU\0', 'a camera raw file'],
  ['\0MRM', 'a camera raw file'],
  ['FOVb', 'a camera raw file'],
  ['8BPS', 'a Photoshop document'],
  ['gimp xcf', 'a GIMP document'],
  ['\x76\x2f\x31\x01', 'an OpenEXR image'],
  ['#?RADIANCE', 'a Radiance HDR image'],
  ['#?RGBE', 'a Radiance HDR image'],
  ['SIMPLE  =', 'a FITS image'],
  ['DDS ', 'a DirectDraw surface'],
  ['qoif', 'a QOI image'],
  ['icns', 'an Apple icon'],
  ['\0\0\x01\0', 'a Windows icon'],
  ['BM', 'a Windows bitmap'],
  ['%PDF-', 'a PDF document'],
];

/** Longest look for text formats. */
const HEAD_BYTES = 1024;

/** Brands of ISO/IEC 23008-12 for HEVC and of the AV1 image format, images and sequences. */
const HEVC_BRANDS = ['heic', 'heix', 'heim', 'heis', 'hevc', 'hevx', 'hevm', 'hevs'];
const AVIF_BRANDS = ['avif', 'avis'];
/** HEIF whatever its codec, and HEIF with H.264, JPEG 2000 and VVC. */
const HEIF_BRANDS = ['mif1', 'msf1', 'mif2', 'avci', 'avcs', 'j2ki', 'j2is', 'vvic', 'vvis', 'jpeg', 'jpgs'];

/** Bytes of a file of boxes in which its description stands; that of a phone's photograph has about 4 kB. */
const DESCRIPTION_BYTES = 1 << 16;

/** Schemes of TIFF that libtiff as sharp brings it reads, told by decoding one of each. */
const TIFF_READ = new Set([1, 2, 3, 4, 5, 7, 8, 32766, 32771, 32773, 32809, 32946, 34676, 34677, 50001]);
const TIFF_COMPRESSIONS: Partial<Record<number, string>> = {
  6: 'old-style JPEG',
  9: 'JBIG',
  10: 'JBIG',
  32909: 'PixarLog',
  33003: 'JPEG 2000',
  33004: 'JPEG 2000',
  33005: 'JPEG 2000',
  34661: 'JBIG',
  34712: 'JPEG 2000',
  34715: 'JBIG2',
  34887: 'LERC',
  34892: 'lossy JPEG of DNG',
  34925: 'LZMA',
  34933: 'PNG',
  34934: 'JPEG XR',
  50000: 'ZSTD',
  50002: 'JPEG XL',
  52546: 'JPEG XL',
};
/** Colour filter array and its linear form (DNG): what a sensor saw. */
const SENSOR_DATA = new Set([32803, 34892]);
const SEPARATED = 5;
const CIELAB = new Set([8, 9, 10]);
const COMPLEX = new Set([5, 6]);
const FLOAT = 3;

/**
 * What a file is that sharp could not read, as far as its content says so; `null` where it says nothing, or something
 * that is read here, so that the file is damaged.
 *
 * @returns a noun with its article, and what to do
 */
export function unreadKind(bytes: Uint8Array): string | null {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, HEAD_BYTES)).toString(
    'latin1',
  );
  if (head.slice(4, 8) === 'ftyp') return ofBoxes(bytes, brandsIn(head));
  const text = head.replace(/^\xef\xbb\xbf/, '').trimStart();
  if (/^<(!doctype html|html)\b/i.test(text)) return notAnImage('a web page');
  if (/^<(\?xml|!--|!doctype svg|svg)/i.test(text) && /<svg\b/i.test(text)) return unread('an SVG drawing');
  if (/^P[1-7]\s/.test(head)) return unread('a Netpbm image');
  const signature = SIGNATURES.find(([start]) => head.startsWith(start));
  if (signature !== undefined) return unread(signature[1]);
  return ofTiff(bytes) ?? ofJpeg(bytes);
}

/** @param kind with its article */
export function unread(kind: string): string {
  return `this is ${kind}, which is not read here; convert it to an ordinary JPEG first, for example with ImageMagick`;
}

function notAnImage(kind: string): string {
  return `this is ${kind}, not an image`;
}

/** Major brand, then the compatible ones, of the `ftyp` box (ISO/IEC 14496-12, 4.3). */
function brandsIn(head: string): string[] {
  const size = head.charCodeAt(2) * 256 + head.charCodeAt(3);
  const list = head.slice(8, 12) + head.slice(16, Math.max(16, size));
  return list.match(/.{4}/gs) ?? [];
}

/** By the codec's own configuration, since brands are not always true to it; by brands where there is none. */
function ofBoxes(bytes: Uint8Array, brands: readonly string[]): string | null {
  const description = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, DESCRIPTION_BYTES));
  const has = (some: readonly string[]) => brands.some((brand) => some.includes(brand));
  if (has([...HEVC_BRANDS, ...AVIF_BRANDS, ...HEIF_BRANDS])) {
    if (description.includes('av1C')) return null;
    if (description.includes('hvcC') || has(HEVC_BRANDS)) return unread('a HEIC image (HEVC inside)');
    return has(AVIF_BRANDS) ? null : unread('a HEIF image');
  }
  return has(['crx ']) ? unread('a camera raw file') : notAnImage('a video or audio file');
}

function ofTiff(bytes: Uint8Array): string | null {
  const tags = tiffTags(bytes);
  if (tags === null) return null;
  const compression = tags.get(TAG.compression) ?? 1;
  const photometric = tags.get(TAG.photometric) ?? 0;
  const format = tags.get(TAG.sampleFormat) ?? 1;
  const bits = tags.get(TAG.bitsPerSample) ?? 1;
  if (tags.has(TAG.dngVersion) || SENSOR_DATA.has(photometric)) return unread('a camera raw file');
  if (!TIFF_READ.has(compression)) {
    const name = TIFF_COMPRESSIONS[compression] ?? `scheme ${compression}`;
    return unread(`a TIFF image compressed with ${name}`);
  }
  if (COMPLEX.has(format)) return unread('a TIFF image of complex numbers');
  if (bits > 32) return unread(`a TIFF image with ${bits}-bit samples`);
  if (format === FLOAT && photometric === SEPARATED)
    return unread('a CMYK TIFF image with floating-point samples');
  if (CIELAB.has(photometric)) return unread('a TIFF image of CIELab colours');
  return null;
}

/** The sample precision of the frame header (ITU-T T.81, B.2.2): libjpeg here reads 8 bits. */
function ofJpeg(bytes: Uint8Array): string | null {
  if (bytes[0] !== 0xff || bytes[1] !== 0xd8) return null;
  for (let at = 2; bytes[at] === 0xff; ) {
    const marker = bytes[at + 1] ?? 0;
    // SOF55 (ITU-T T.87).
    if (marker === 0xf7) return unread('a JPEG-LS image');
    // SOF0 to SOF15, without DHT, JPG and DAC among them.
    if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) {
      const bits = bytes[at + 4];
      return bits === undefined || bits === 8 ? null : unread(`a JPEG image with ${bits}-bit samples`);
    }
    at += 2 + 256 * (bytes[at + 2] ?? 0) + (bytes[at + 3] ?? 0);
  }
  return null;
}
