/** What the pieces of a tokenizer add to a text, by its decoder. */
import { TokenizerError } from './tokenizer-error.ts';

/** As far as it is read here. */
export interface DecoderJson {
  type: string;
  decoders?: readonly DecoderJson[];
  replacement?: string;
  prefix?: string;
  cleanup?: boolean;
  pattern?: { String?: string };
  content?: string;
}

/** Of characters that stand for bytes, which spell everything. */
const BYTES = bytesOfCharacters();

export function isDecoder(decoder: unknown): decoder is DecoderJson {
  if (typeof decoder !== 'object' || decoder === null || !('type' in decoder)) return false;
  if (decoder.type !== 'Sequence') return typeof decoder.type === 'string';
  return 'decoders' in decoder && Array.isArray(decoder.decoders) && decoder.decoders.every(isDecoder);
}

/** UTF-8 that a token adds to a text, a character a byte. */
export function pieceBytes(decoder: DecoderJson): (token: string, isFirst: boolean) => string {
  const parts = decoder.type === 'Sequence' ? (decoder.decoders ?? []) : [decoder];
  const rules = parts.map(ruleOf);
  return (token, isFirst) => {
    let text = token;
    for (const rule of rules) {
      const { bytes, text: next } = rule(text, isFirst);
      if (bytes !== undefined) return bytes;
      text = next!;
    }
    return utf8(text);
  };
}

/** What a part of a decoder makes of a token: text for the next part, or the bytes of it. */
type Rule = (token: string, isFirst: boolean) => { text?: string; bytes?: string };

function ruleOf({
  type,
  replacement = '▁',
  prefix = '##',
  cleanup,
  pattern,
  content = '',
}: DecoderJson): Rule {
  switch (type) {
    case 'ByteLevel':
      return (token) => ({ bytes: bytesOfLevel(token) });
    case 'WordPiece':
      return (token, isFirst) => {
        const behind = token.startsWith(prefix) ? token.slice(prefix.length) : ` ${token}`;
        const text = isFirst ? token : behind;
        return { text: cleanup === false ? text : cleanedUp(text) };
      };
    case 'Metaspace':
      return (token) => ({ text: token.replaceAll(replacement, ' ') });
    case 'Replace': {
      const from = pattern?.String;
      if (from === undefined) break;
      return (token) => ({ text: token.replaceAll(from, content) });
    }
    case 'ByteFallback':
      return (token) => {
        const [, byte] = /^<0x([0-9A-Fa-f]{2})>$/.exec(token) ?? [];
        return byte === undefined
          ? { text: token }
          : { bytes: String.fromCharCode(Number.parseInt(byte, 16)) };
      };
    // They join pieces, and take a blank from the beginning of the whole, which captions do not keep.
    case 'Fuse':
    case 'Strip':
      return (token) => ({ text: token });
  }
  throw new TokenizerError(
    `has a decoder of type ${type}; ByteLevel, WordPiece, Metaspace, Replace of a text and ByteFallback are known`,
  );
}

/** As the decoder of word pieces does it, piece by piece. */
function cleanedUp(text: string): string {
  if (/^ ?\w+$/.test(text)) return text;
  return text
    .replace(/ ([.?!,])/g, '$1')
    .replaceAll(" ' ", "'")
    .replace(/ (n't|'m)/g, '$1')
    .replaceAll(' do not', " don't")
    .replace(/ ('s|'ve|'re)/g, '$1');
}

function bytesOfLevel(token: string): string {
  if (/^Ġ?[!-~]*$/.test(token)) return token.replace('Ġ', ' ');
  let bytes = '';
  for (const character of token) {
    const byte = BYTES.get(character);
    if (byte === undefined) return utf8(token);
    bytes += byte;
  }
  return bytes;
}

/** GPT-2's: bytes that can be seen are themselves, the others come from 256 on. */
function bytesOfCharacters(): ReadonlyMap<string, string> {
  const bytes = new Map<string, string>();
  let others = 256;
  for (let byte = 0; byte < 256; byte++) {
    const seen = (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad);
    bytes.set(String.fromCharCode(seen ? byte : others++), String.fromCharCode(byte));
  }
  return bytes;
}

/** UTF-8, a character a byte. */
export function utf8(text: string): string {
  return /^[\x20-\x7e]*$/.test(text) ? text : Buffer.from(text, 'utf8').toString('latin1');
}
