/** JPEG segments: ITU-T T.81 annex B; XMP in APP1: XMP specification part 3, section 1.1.3. */
import { UnsupportedImage } from '../errors.ts';
import type { XmpContainer } from './container.ts';

const SIGNATURE = Buffer.from('http://ns.adobe.com/xap/1.0/\0', 'latin1');
const EXIF = Buffer.from('Exif\0', 'latin1');
const MPF = Buffer.from('MPF\0', 'latin1');

const APP0 = 0xe0;
const APP1 = 0xe1;
const APP2 = 0xe2;
const START_OF_SCAN = 0xda;

/** A segment's length field counts itself and has 16 bits. */
const MAX_PACKET = 0xffff - 2 - SIGNATURE.length;

interface Segment {
  marker: number;
  /** Of the marker's 0xff. */
  start: number;
  end: number;
  content: Uint8Array;
}

/** @throws UnsupportedImage */
export function readJpeg(bytes: Buffer): XmpContainer {
  const segments = segmentsOf(bytes);
  const old = segments.find((segment) => begins(segment, APP1, SIGNATURE));
  const place = old ?? after(segments);
  return {
    packet: old === undefined ? null : old.content.subarray(SIGNATURE.length),
    withPacket(packet) {
      if (packet.length > MAX_PACKET)
        throw new UnsupportedImage('its XMP metadata fills a whole JPEG segment');
      // Its offsets to further pictures in the file count from its own place.
      if (segments.some((segment) => segment.start < place.start && begins(segment, APP2, MPF))) {
        throw new UnsupportedImage('its XMP metadata lie behind an index of further pictures (MPF)');
      }
      const head = Buffer.from([0xff, APP1, 0, 0]);
      head.writeUInt16BE(2 + SIGNATURE.length + packet.length, 2);
      return Buffer.concat([
        bytes.subarray(0, place.start),
        head,
        SIGNATURE,
        packet,
        bytes.subarray(place.end),
      ]);
    },
  };
}

/** JFIF's and EXIF's segments want to be the first ones. */
function after(segments: readonly Segment[]): { start: number; end: number } {
  const leading = segments.findIndex((segment) => segment.marker !== APP0 && !begins(segment, APP1, EXIF));
  const start = segments[leading]!.start;
  return { start, end: start };
}

/** All before the pixels, and the start of these as the last one. */
function segmentsOf(bytes: Buffer): Segment[] {
  const segments: Segment[] = [];
  for (let start = 2; start + 4 <= bytes.length; ) {
    let at = start;
    // Any number of fill bytes may stand before a marker.
    while (bytes[at] === 0xff && bytes[at + 1] === 0xff) at++;
    const marker = bytes[at + 1];
    if (bytes[at] !== 0xff || marker === undefined || at + 4 > bytes.length) break;
    const end = at + 2 + bytes.readUInt16BE(at + 2);
    if (end < at + 4 || end > bytes.length) break;
    segments.push({ marker, start, end, content: bytes.subarray(at + 4, end) });
    if (marker === START_OF_SCAN) return segments;
    start = end;
  }
  throw new UnsupportedImage('its JPEG segments are damaged, so nothing was written');
}

function begins({ marker, content }: Segment, wanted: number, signature: Buffer): boolean {
  return marker === wanted && signature.equals(content.subarray(0, signature.length));
}
