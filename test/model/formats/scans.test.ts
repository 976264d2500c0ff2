/** Which JPEG without an end is whole, told by its markers alone; the decoder's part is played by what it would say. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Overloaded } from '../../../src/errors.ts';
import { withEndMarker } from '../../../src/model/formats/jpeg-end.ts';

const SOI = [0xff, 0xd8];
const EOI = [0xff, 0xd9];
const DATA = [1, 2, 3, 0xff, 0, 4, 0xff, 0xd0, 5, 0xff, 0xd7, 6];

const segment = (marker: number, body: number[]) => [0xff, marker, 0, 2 + body.length, ...body];
const frame = (marker: number, components: number[]) =>
  segment(marker, [8, 0, 16, 0, 16, components.length, ...components.flatMap((id) => [id, 0x11, 0])]);
/** A scan of these components; of a progressive file also of which coefficients, up to which bit. */
const scan = (components: number[], [first, last, low] = [0, 63, 0]) => [
  ...segment(0xda, [components.length, ...components.flatMap((id) => [id, 0]), first!, last!, low!]),
  ...DATA,
];

/** What the file is mended to; the decoder sees the same rows whatever follows the scans. */
async function mended(...parts: number[][]): Promise<number[] | null> {
  const bytes = Uint8Array.from([...SOI, ...parts.flat()]);
  const result = await withEndMarker(bytes, async () => Uint8Array.of(1));
  return result && [...result];
}

describe('a JPEG without its end', () => {
  const WHOLE: Record<string, number[][]> = {
    'of one scan': [frame(0xc0, [1, 2, 3]), scan([1, 2, 3])],
    'of a scan for each component': [frame(0xc1, [1, 2, 3]), scan([2]), scan([1]), scan([3])],
    'with tables and fill bytes before its markers': [
      segment(0xe0, [0xff, 0xd9]),
      segment(0xc4, [9, 9, 9, 9, 9, 9, 9, 9, 9]),
      [0xff, 0xff, 0xff],
      frame(0xc0, [7]),
      segment(0xc4, [0]),
      segment(0xcc, [0]),
      segment(0xc8, [0]),
      scan([7]),
    ],
    'of arithmetic coding': [frame(0xc9, [1]), scan([1])],
    'of progressive scans': [
      frame(0xc2, [1, 2]),
      scan([1, 2], [0, 0, 0x01]),
      scan([1], [1, 63, 0x02]),
      scan([2], [1, 63, 0]),
      scan([1], [1, 5, 0x21]),
      scan([1, 2], [0, 0, 0x10]),
      scan([1], [1, 63, 0x10]),
    ],
  };
  for (const [what, parts] of Object.entries(WHOLE)) {
    it(`is mended: ${what}`, async () => {
      const bytes = [...SOI, ...parts.flat()];
      assert.deepEqual(await mended(...parts), [...bytes, ...EOI]);
      // One zero may belong to the scan, the others fill it up.
      assert.deepEqual(await mended(...parts, [0, 0, 0, 0]), [...bytes, 0, ...EOI]);
      assert.deepEqual(await mended(...parts, [0xff]), [...bytes, ...EOI]);
    });
  }

  const PARTIAL: Record<string, number[][]> = {
    'without any frame': [segment(0xe0, [0]), scan([1])],
    'whose last component has no scan': [frame(0xc0, [1, 2, 3]), scan([1, 2])],
    'whose scan is of no component that it has': [frame(0xc0, [1]), scan([2])],
    'of tables alone': [segment(0xc4, [8, 0, 16, 0, 16, 1, 1, 0x11, 0]), scan([1])],
    'progressive, without its last coefficient': [frame(0xc2, [1]), scan([1], [0, 62, 0])],
    'progressive, without its first': [frame(0xc2, [1]), scan([1], [1, 63, 0])],
    'progressive, without the last bit of one': [
      frame(0xca, [1]),
      scan([1], [0, 63, 1]),
      scan([1], [0, 62, 0x10]),
    ],
    'whose scans come after its end': [frame(0xc0, [1]), EOI, scan([1])],
    'that ends before its first scan': [frame(0xc0, [1])],
  };
  for (const [what, parts] of Object.entries(PARTIAL)) {
    it(`is left as it is: ${what}`, async () => {
      assert.equal(await mended(...parts), null);
    });
  }

  it('is none without the two bytes at its start', async () => {
    const whole = Uint8Array.from([...SOI, ...frame(0xc0, [1]), ...scan([1])]);
    for (const at of [0, 1]) {
      const other = Uint8Array.from(whole);
      other[at] = 0;
      assert.equal(await withEndMarker(other, async () => assert.fail('decoded')), null);
    }
    for (const bytes of [[], [0xff], SOI, [...SOI, 0, 0, 0, 0]]) {
      assert.equal(await withEndMarker(Uint8Array.from(bytes), async () => assert.fail('decoded')), null);
    }
  });
});

describe('the last rows of a JPEG', () => {
  const whole = [...SOI, ...frame(0xc0, [1]), ...scan([1])];
  const decide = (bytes: number[], decode: (bytes: Uint8Array) => Promise<Uint8Array>) =>
    withEndMarker(Uint8Array.from(bytes), decode);

  it('are decoded twice, with the end and with other bits before it, half a marker not among them', async () => {
    for (const tail of [[], [0xff]]) {
      const seen: number[][] = [];
      await decide([...whole, ...tail], async (bytes) => {
        seen.push([...bytes]);
        return Uint8Array.of(1);
      });
      const others = new Array(32).fill(0x55);
      assert.deepEqual(seen, [
        [...whole, ...EOI],
        [...whole, ...others, ...EOI],
      ]);
    }
  });

  it('that depend on what follows the scan were cut off', async () => {
    let calls = 0;
    assert.equal(await decide(whole, async () => Uint8Array.of(calls++)), null);
  });

  const SAID: [what: string, text: string, isMended: boolean][] = [
    ['bytes before the end', 'VipsJpeg: Corrupt JPEG data: 13 extraneous bytes before marker 0xd9', true],
    [
      'the same twice, in lines',
      'VipsJpeg: Corrupt JPEG data: 1 extraneous bytes before marker 0xd9\nVipsJpeg: Corrupt JPEG data: 12 extraneous bytes before marker 0xd9\n',
      true,
    ],
    ['such bytes elsewhere', 'VipsJpeg: Corrupt JPEG data: 13 extraneous bytes before marker 0xda', false],
    [
      'more besides',
      'VipsJpeg: premature end\nVipsJpeg: Corrupt JPEG data: 13 extraneous bytes before marker 0xd9',
      false,
    ],
    [
      'more behind',
      'VipsJpeg: Corrupt JPEG data: 13 extraneous bytes before marker 0xd9\nVipsJpeg: premature end',
      false,
    ],
    ['anything else', 'VipsJpeg: premature end of JPEG image', false],
  ];
  for (const [what, text, isMended] of SAID) {
    it(`with a warning of ${what} are ${isMended ? 'there' : 'not there'}`, async () => {
      const result = await decide(whole, async () => Promise.reject(new Error(text)));
      assert.deepEqual(result && [...result], isMended ? [...whole, ...EOI] : null);
    });
  }

  it('are nobody’s fault where the machine cannot decode them', async () => {
    const failure = new Overloaded('no memory left');
    await assert.rejects(
      decide(whole, () => Promise.reject(failure)),
      failure,
    );
  });
});
