/** The caption in IPTC's Information Interchange Model: IIM 4.2, chapters 1.5 (data sets) and 6 (2:120). */
import { createHash } from 'node:crypto';
import { UnsupportedImage } from '../../errors.ts';
import { type FoundText, textOf, untilNul } from './found-text.ts';

const MARKER = 0x1c;
const HEAD_BYTES = 5;
const CHARACTER_SET: Id = [1, 90];
const CAPTION: Id = [2, 120];
/** ISO 2022's escape to UTF-8. */
const UTF_8 = Buffer.from('\x1b%G');
/** A length with the highest bit says how many bytes of length follow. */
const EXTENDED = 0x8000;

type Id = readonly [record: number, dataSet: number];

interface DataSet {
  id: Id;
  start: number;
  end: number;
  value: Buffer;
}

export function iptcTexts(block: Buffer): FoundText[] {
  return dataSetsOf(block)
    .filter(({ id }) => compare(id, CAPTION) === 0)
    .map(({ value }) => ({ field: 'IPTC:Caption-Abstract', text: textOf(untilNul(value)) }));
}

/** What is to stand beside a new `dc:description`. */
export interface IptcInStep {
  block: Buffer;
  /** 16 bytes; `null` where there was none. */
  digest: Buffer | null;
}

/**
 * IPTC with which readers by MWG Guidelines 2.0 (section 3.3) show `text` as XMP has it; `null` when it may stay. They take
 * the caption from it when its digest tells that somebody edited it after XMP, so that such a block, even without caption,
 * gets the text; its digest then stays wrong, since its other fields are still the newer ones.
 * @param multiple what the block's length is to be a multiple of, NUL bytes at its end included
 * @throws UnsupportedImage when the block's character set lacks characters of the text
 */
export function iptcInStep(
  block: Buffer,
  digest: Buffer | null,
  text: string,
  multiple = 1,
): IptcInStep | null {
  const same = digest?.equals(digestOf(block)) ?? true;
  if (same && iptcTexts(block).length === 0) return null;
  const captioned = withCaption(block, text);
  const padding = Buffer.alloc((multiple - (captioned.length % multiple)) % multiple);
  const changed = Buffer.concat([captioned, padding]);
  return { block: changed, digest: digest && same ? digestOf(changed) : digest };
}

function digestOf(block: Buffer): Buffer {
  return createHash('md5').update(block).digest();
}

function withCaption(block: Buffer, text: string): Buffer {
  const dataSets = dataSetsOf(block);
  const utf8 = dataSets.some(
    ({ id, value }) => compare(id, CHARACTER_SET) === 0 && UTF_8.equals(untilNul(value)),
  );
  const others = dataSets.filter(({ id }) => compare(id, CAPTION) !== 0);
  // Data sets are sorted by their numbers.
  const next = others.findIndex(({ id }) => compare(id, CAPTION) > 0);
  const place = next < 0 ? others.length : next;
  const bytes = ({ start, end }: DataSet) => block.subarray(start, end);
  return Buffer.concat([
    ...others.slice(0, place).map(bytes),
    caption(encoded(text, utf8)),
    ...others.slice(place).map(bytes),
    block.subarray(dataSets.at(-1)?.end ?? 0),
  ]);
}

function encoded(text: string, utf8: boolean): Buffer {
  if (utf8) return Buffer.from(text);
  const latin1 = Buffer.from(text, 'latin1');
  if (latin1.toString('latin1') !== text) {
    throw new UnsupportedImage(
      'its IPTC caption cannot be replaced: the text needs UTF-8, the block has another encoding',
    );
  }
  return latin1;
}

function caption(value: Buffer): Buffer {
  const head = Buffer.from([MARKER, ...CAPTION, 0, 0]);
  head.writeUInt16BE(value.length, 3);
  return Buffer.concat([head, value]);
}

function dataSetsOf(block: Buffer): DataSet[] {
  const dataSets: DataSet[] = [];
  for (let start = 0; start + HEAD_BYTES <= block.length && block[start] === MARKER; ) {
    let from = start + HEAD_BYTES;
    let length = block.readUInt16BE(start + 3);
    if (length & EXTENDED) {
      const bytes = length & ~EXTENDED;
      if (bytes < 1 || bytes > 4 || from + bytes > block.length) break;
      length = block.readUIntBE(from, bytes);
      from += bytes;
    }
    const end = from + length;
    if (end > block.length) break;
    dataSets.push({
      id: [block[start + 1]!, block[start + 2]!],
      start,
      end,
      value: block.subarray(from, end),
    });
    start = end;
  }
  return dataSets;
}

function compare(a: Id, b: Id): number {
  return a[0] - b[0] || a[1] - b[1];
}
