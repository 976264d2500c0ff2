/** JPEG segments: ITU-T T.81 annex B; XMP in APP1: XMP specification part 3, section 1.1.3. */
import { UnsupportedImage } from '../errors.ts';
import type { XmpContainer } from './container.ts';
import { blankDescription, EXIF_SIGNATURE, exifTexts } from './words/exif.ts';
import { EXTENDED_XMP, extendedPackets } from './words/extended-xmp.ts';
import { type FoundText, textOf, untilNul } from './words/found-text.ts';
import { iptcInStep, iptcTexts } from './words/iptc.ts';
import { IPTC, IPTC_DIGEST, resourceOf, withResource } from './words/photoshop.ts';

const XMP = Buffer.from('http://ns.adobe.com/xap/1.0/\0');
const MPF = Buffer.from('MPF\0');
const PHOTOSHOP = Buffer.from('Photoshop 3.0\0');

const APP0 = 0xe0;
const APP1 = 0xe1;
const APP2 = 0xe2;
const APP13 = 0xed;
const COMMENT = 0xfe;
const START_OF_SCAN = 0xda;

/** A segment's length field counts itself and has 16 bits. */
const MAX_CONTENT = 0xffff - 2;
/** The XMP specification's limit, two bytes below what a segment could have. */
const MAX_PACKET = 65_502;
const MAX_RESOURCES = MAX_CONTENT - PHOTOSHOP.length;

interface Segment {
  marker: number;
  /** Of the marker's 0xff. */
  start: number;
  end: number;
  content: Buffer;
}

/** Bytes in the place of others. */
interface Edit {
  start: number;
  end: number;
  bytes: Buffer;
}

/** @throws UnsupportedImage */
export function readJpeg(bytes: Buffer): XmpContainer {
  const segments = segmentsOf(bytes);
  const [old, ...repeated] = contentsOf(segments, APP1, XMP);
  return {
    packet: old?.content ?? null,
    otherPackets: [
      ...repeated.map(({ content }) => content),
      ...extendedPackets(contentsOf(segments, APP1, EXTENDED_XMP).map(({ content }) => content)),
    ],
    texts: textsOf(segments),
    room: MAX_PACKET,
    withPacket(packet, description) {
      if (packet.length > MAX_PACKET) {
        throw new UnsupportedImage(
          `its XMP metadata would have ${packet.length} bytes with the text, a JPEG segment has room for ${MAX_PACKET}`,
        );
      }
      const place = old ?? after(segments);
      const edits = [{ ...place, bytes: segmentOf(APP1, XMP, packet) }];
      if (description === null) return edited(bytes, segments, edits);
      const file = Buffer.from(bytes);
      for (const { content } of contentsOf(segmentsOf(file), APP1, EXIF_SIGNATURE))
        blankDescription(content.subarray(1));
      return edited(file, segments, [...edits, ...iptcEdits(segments, description)]);
    },
  };
}

function textsOf(segments: readonly Segment[]): FoundText[] {
  const exif = contentsOf(segments, APP1, EXIF_SIGNATURE);
  const iptc = resourceOf(resourcesIn(segments), IPTC);
  const comments = segments.filter(({ marker }) => marker === COMMENT);
  return [
    // A padding byte follows the signature.
    ...exif.flatMap(({ content }) => exifTexts(content.subarray(1))),
    ...(iptc === null ? [] : iptcTexts(iptc)),
    ...comments.map(({ content }) => ({ field: 'File:Comment', text: textOf(untilNul(content)) })),
  ];
}

/** Resources go on from one segment to the next. */
function resourcesIn(segments: readonly Segment[]): Buffer {
  return Buffer.concat(contentsOf(segments, APP13, PHOTOSHOP).map(({ content }) => content));
}

function iptcEdits(segments: readonly Segment[], description: string): Edit[] {
  const resources = resourcesIn(segments);
  const block = resourceOf(resources, IPTC);
  const change = block && iptcInStep(block, resourceOf(resources, IPTC_DIGEST), description);
  if (!change) return [];
  const withBlock = withResource(resources, IPTC, change.block);
  const changed = change.digest === null ? withBlock : withResource(withBlock, IPTC_DIGEST, change.digest);
  const parts = Array.from({ length: Math.ceil(changed.length / MAX_RESOURCES) }, (_, i) =>
    segmentOf(APP13, PHOTOSHOP, changed.subarray(i * MAX_RESOURCES, (i + 1) * MAX_RESOURCES)),
  );
  return contentsOf(segments, APP13, PHOTOSHOP).map(({ start, end }, i) => ({
    start,
    end,
    bytes: i === 0 ? Buffer.concat(parts) : Buffer.alloc(0),
  }));
}

function edited(bytes: Buffer, segments: readonly Segment[], edits: readonly Edit[]): Buffer {
  const parts: Buffer[] = [];
  const index = contentsOf(segments, APP2, MPF)[0]?.start ?? Number.POSITIVE_INFINITY;
  let from = 0;
  for (const { start, end, bytes: changed } of edits.toSorted((a, b) => a.start - b.start)) {
    // Its offsets to further pictures in the file count from its own place.
    if (index < start) {
      throw new UnsupportedImage('its XMP or IPTC metadata lie behind an index of further pictures (MPF)');
    }
    parts.push(bytes.subarray(from, start), changed);
    from = end;
  }
  return Buffer.concat([...parts, bytes.subarray(from)]);
}

/** JFIF's and EXIF's segments want to be the first ones. */
function after(segments: readonly Segment[]): { start: number; end: number } {
  const leading = segments.findIndex(
    ({ marker, content }) => marker !== APP0 && !(marker === APP1 && begins(content, EXIF_SIGNATURE)),
  );
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

function segmentOf(marker: number, signature: Buffer, content: Buffer): Buffer {
  const head = Buffer.from([0xff, marker, 0, 0]);
  head.writeUInt16BE(2 + signature.length + content.length, 2);
  return Buffer.concat([head, signature, content]);
}

/** Segments of a kind, with what follows their signature. */
function contentsOf(segments: readonly Segment[], wanted: number, signature: Buffer): Segment[] {
  return segments
    .filter(({ marker, content }) => marker === wanted && begins(content, signature))
    .map((segment) => ({ ...segment, content: segment.content.subarray(signature.length) }));
}

function begins(content: Buffer, signature: Buffer): boolean {
  return signature.equals(content.subarray(0, signature.length));
}
