/** Image files in the OpenAPI document: their schema, and an example that can be sent as it is. */

/**
 * Bytes. OpenAPI 3.1 would have an empty schema for a body and `contentMediaType` for a part, but then generators make
 * untyped bodies, and parts that are text (openapi-python-client); all know `format: binary`, of OpenAPI's registry of
 * formats. `contentMediaType` says the same to those that follow 3.1; redocly takes both together.
 */
export const FILE = {
  type: 'string',
  format: 'binary',
  contentMediaType: 'application/octet-stream',
  description: 'An image file',
} as const;

/** TIFF 6.0, section 3 and 4: tag and value of what a gray image of one pixel has to have. */
const TAGS = [
  [256, 1], // ImageWidth
  [257, 1], // ImageLength
  [258, 8], // BitsPerSample
  [259, 1], // Compression: none
  [262, 1], // PhotometricInterpretation: 0 is black
  [273, 122], // StripOffsets: behind the header of 8 bytes, and a directory of 2 + 9 * 12 + 4
  [277, 1], // SamplesPerPixel
  [278, 1], // RowsPerStrip
  [279, 1], // StripByteCounts
] as const;
const SHORT = 3;
const DIRECTORY = TAGS.flatMap(([tag, value]) => [tag, SHORT, 1, 0, value, 0]);
const GRAY = '@';

/**
 * A TIFF of one pixel, all of whose bytes are ASCII, so that JSON, which has no bytes, can hold it as text.
 * `externalValue` could name any file, but openapi-typescript reads it, and fails for what it cannot read.
 */
const PIXEL = `II*\0\x08\0\0\0${littleEndian([TAGS.length, ...DIRECTORY, 0, 0])}${GRAY}`;

/** Each number in two bytes. */
function littleEndian(numbers: readonly number[]): string {
  return String.fromCharCode(...numbers.flatMap((number) => [number & 0xff, number >> 8]));
}

export const FILE_EXAMPLE = { pixel: { summary: 'A TIFF of one pixel, as text', value: PIXEL } };

/** The same as JSON has it. */
export const PIXEL_BASE64 = btoa(PIXEL);

/** @param image what the field of the form holds */
export function formExample(image: (pixel: string) => string | string[]) {
  return { pixel: { summary: 'Files, as text, here a TIFF of one pixel', value: { image: image(PIXEL) } } };
}
