/**
 * Content-Disposition of a part of a form (RFC 7578 section 4.2), as programs write it: they differ in what they do with
 * quotes, backslashes and letters beyond ASCII in a file's name.
 */

export interface Disposition {
  /** Of the field. */
  name: string;
  /** Of the file, which may be empty; `null` where there is none, so that the part is text. */
  fileName: string | null;
}

const HEADER = /^content-disposition[ \t]*:[ \t]*form-data[ \t]*(?:;|$)/im;
const NAME = /[ \t;]*([^=;\s"]+)[ \t]*(=[ \t]*|;|$)/y;
const TOKEN = /[^;]*/y;
/** After the quote that ends a value. */
const VALUE_ENDS = /[ \t]*(?:;|$)/y;
/** `C:\photos\cat.jpg` and `\\server\photos\cat.jpg`: Internet Explorer sent whole paths, and escaped nothing. */
const WINDOWS_PATH = /^(?:[a-z]:\\|\\\\)/i;
/** RFC 8187 section 3.2.1: `UTF-8'en'caf%C3%A9.jpg`. */
const EXTENDED = /^([^']*)'[^']*'(.*)$/s;

/**
 * @param headers all of the part, without the empty line after them
 * @returns `null` where they have no `form-data` with a name
 */
export function dispositionOf(headers: Uint8Array): Disposition | null {
  const unfolded = textOf(headers).replaceAll(/\r\n[ \t]+/g, ' ');
  const start = HEADER.exec(unfolded);
  if (start === null) return null;
  const line = unfolded.slice(start.index + start[0].length).split('\r\n', 1)[0]!;
  const parameters = parametersOf(line);
  const name = parameters.get('name');
  if (name === undefined) return null;
  const extended = extendedText(parameters.get('filename*'));
  const plain = parameters.get('filename');
  return {
    name: unescaped(name),
    fileName: extended ?? (plain === undefined ? null : fileNameOf(plain)),
  };
}

/** UTF-8 as RFC 7578 section 5.1 wants it; what is none comes from a system with another encoding. */
function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return Buffer.from(bytes).toString('latin1');
  }
}

/** Values as they are written, without their quotes; of a name that is there twice the first. */
function parametersOf(line: string): Map<string, string> {
  const parameters = new Map<string, string>();
  for (let at = 0; ; ) {
    NAME.lastIndex = at;
    const match = NAME.exec(line);
    if (match === null) return parameters;
    const [value, end] = match[2]!.startsWith('=') ? valueAt(line, NAME.lastIndex) : ['', NAME.lastIndex];
    const name = match[1]!.toLowerCase();
    if (!parameters.has(name)) parameters.set(name, value);
    at = end;
  }
}

function valueAt(line: string, from: number): [value: string, end: number] {
  const isQuoted = line[from] === '"';
  const quote = isQuoted ? closingQuote(line, from + 1) : -1;
  if (quote >= 0) return [line.slice(from + 1, quote), quote + 1];
  TOKEN.lastIndex = from;
  return [TOKEN.exec(line)![0].trimEnd(), TOKEN.lastIndex];
}

/** The first quote that is not escaped and has no more of the value behind it: some programs escape no quote at all. */
function closingQuote(line: string, from: number): number {
  let escaped = -1;
  for (let at = line.indexOf('"', from); at >= 0; at = line.indexOf('"', at + 1)) {
    VALUE_ENDS.lastIndex = at + 1;
    if (!VALUE_ENDS.test(line)) continue;
    if (!isEscaped(line, at)) return at;
    escaped = at;
  }
  // A name that ends in a backslash, by a program that escapes none.
  return escaped;
}

/** The quote that begins the value ends the search. */
function isEscaped(line: string, at: number): boolean {
  let before = at;
  while (line[before - 1] === '\\') before -= 1;
  return (at - before) % 2 === 1;
}

function fileNameOf(written: string): string {
  return WINDOWS_PATH.test(written)
    ? percentUnescaped(written.slice(written.lastIndexOf('\\') + 1))
    : unescaped(written);
}

/** Backslashes are of curl before 7.81 and others (RFC 9110 section 5.6.4); before any other character they are its own. */
function unescaped(written: string): string {
  return percentUnescaped(written.replaceAll(/\\(["\\])/g, '$1'));
}

/** The three characters that browsers write so, and no other: HTML, "multipart/form-data encoding algorithm". */
function percentUnescaped(written: string): string {
  return written.replaceAll('%22', '"').replaceAll(/%0D/gi, '\r').replaceAll(/%0A/gi, '\n');
}

/** `null` where there is none, or none that can be read: then the plain one counts. */
function extendedText(written: string | undefined): string | null {
  const match = written?.match(EXTENDED);
  if (!match) return null;
  const bytes = Buffer.from(
    match[2]!.replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    ),
    'latin1',
  );
  try {
    return new TextDecoder(match[1], { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}
