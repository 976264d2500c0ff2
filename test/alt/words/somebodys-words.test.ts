/** Words of people stay what readers show; what cameras fill in does not hide a new description. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { describeImage } from '../../../src/alt/describe-image.ts';
import { exifTexts } from '../../../src/alt/words/exif.ts';
import { UnsupportedImage } from '../../../src/errors.ts';
import { readXmp } from '../described.ts';
import { ends } from '../ends.ts';
import {
  binary,
  dataSet,
  exifSegment,
  imageDescription,
  JPEG,
  jpegWith,
  photoshopSegment,
  pngChunk,
  pngWith,
  resources,
  segment,
  type Tag,
  tiff,
  tiffBlock,
  webpWith,
  xmpSegment,
  xpComment,
} from './files.ts';

const TEXT = 'A red dog.';
const WORDS = 'Mayor Jane Doe opens the library – 3 May';
const FILLER = 'OLYMPUS DIGITAL CAMERA         ';
const ALT = 'Iptc4xmpCore:AltTextAccessibility';
const ORDERS = ['II', 'MM'] as const;

const md5 = (bytes: Buffer) => createHash('md5').update(bytes).digest();
const packet = (properties: string) =>
  `<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/">${properties}</rdf:Description></rdf:RDF></x:xmpmeta>`;
const captioned = packet(`<dc:description>${WORDS}</dc:description>`);

const userComment = (code: string, text: Buffer): Tag => ({
  tag: 0x9286,
  type: 7,
  value: Buffer.concat([binary(code.padEnd(8, '\0')), text]),
});
const iptc = (caption: string) =>
  Buffer.concat([
    dataSet(2, 0, binary('\0\x04')),
    dataSet(2, 80, 'Ann'),
    dataSet(2, 120, caption),
    dataSet(2, 122, 'Bo'),
  ]);
const rawProfile = (name: string, profile: Buffer) => {
  const lines = profile.toString('hex').replace(/.{72}/g, '$&\n');
  const text = binary(`\n${name}\n${String(profile.length).padStart(8)}\n${lines}\n`);
  return pngChunk('zTXt', Buffer.concat([binary(`Raw profile type ${name}\0\0`), deflateSync(text)]));
};
/** Parts of extended XMP, the last one first. */
const extended = (text: string) => {
  const whole = Buffer.from(text);
  return [0, 100, 200]
    .map((offset, i) => {
      const head = Buffer.alloc(40);
      head.write(md5(whole).toString('hex').toUpperCase(), 'latin1');
      head.writeUInt32BE(whole.length, 32);
      head.writeUInt32BE(offset, 36);
      const part = whole.subarray(offset, i === 2 ? undefined : offset + 100);
      return segment(0xe1, Buffer.concat([binary('http://ns.adobe.com/xmp/extension/\0'), head, part]));
    })
    .reverse();
};

/** Files with a text in one place. */
const PLACES: [what: string, field: string, file: (text: string) => Buffer][] = [
  ...ORDERS.flatMap((order): typeof PLACES => {
    const exif = (tags: Tag[], more?: Tag[]) => jpegWith(exifSegment(tiffBlock(order, tags, more)));
    const utf16 = (text: string) =>
      order === 'II' ? Buffer.from(text, 'utf16le') : Buffer.from(text, 'utf16le').swap16();
    return [
      [`JPEG, EXIF ${order}`, 'EXIF:ImageDescription', (text) => exif([imageDescription(text)])],
      [`JPEG, XPComment ${order}`, 'EXIF:XPComment', (text) => exif([xpComment(text)])],
      [`JPEG, XPTitle ${order}`, 'EXIF:XPTitle', (text) => exif([{ ...xpComment(text), tag: 0x9c9b }])],
      [
        `JPEG, UNICODE comment ${order}`,
        'EXIF:UserComment',
        (text) => exif([], [userComment('UNICODE', utf16(text))]),
      ],
      [
        `JPEG, ASCII comment ${order}`,
        'EXIF:UserComment',
        (text) => exif([], [userComment('ASCII', Buffer.from(text))]),
      ],
      [
        `WebP, EXIF ${order}`,
        'EXIF:ImageDescription',
        (text) => webpWith(['EXIF', tiffBlock(order, [imageDescription(text)])]),
      ],
      [
        `WebP, EXIF ${order} with a signature`,
        'EXIF:ImageDescription',
        (text) =>
          webpWith(['EXIF', Buffer.concat([binary('Exif\0\0'), tiffBlock(order, [imageDescription(text)])])]),
      ],
      [
        `PNG, EXIF ${order}`,
        'EXIF:ImageDescription',
        (text) => pngWith(pngChunk('eXIf', tiffBlock(order, [imageDescription(text)]))),
      ],
      [`TIFF ${order}`, 'EXIF:ImageDescription', (text) => tiff(order, [imageDescription(text)])],
      [`TIFF ${order}, XPComment`, 'EXIF:XPComment', (text) => tiff(order, [xpComment(text)])],
      ...[1, 4, 7].map((type): (typeof PLACES)[number] => [
        `TIFF ${order}, IPTC of type ${type}`,
        'IPTC:Caption-Abstract',
        (text) => {
          const block = iptc(text);
          return tiff(order, [
            { tag: 33723, type, value: Buffer.concat([block, Buffer.alloc((4 - (block.length % 4)) % 4)]) },
          ]);
        },
      ]),
      [
        `TIFF ${order}, IPTC swapped`,
        'IPTC:Caption-Abstract',
        (text) => {
          const block = iptc(text);
          const padded = Buffer.concat([block, Buffer.alloc((4 - (block.length % 4)) % 4)]);
          return tiff(order, [{ tag: 33723, type: 4, value: padded.swap32() }]);
        },
      ],
      [
        `TIFF ${order}, Photoshop's resources`,
        'IPTC:Caption-Abstract',
        (text) => tiff(order, [{ tag: 34377, type: 1, value: resources(iptc(text)) }]),
      ],
    ];
  }),
  ['JPEG, IPTC', 'IPTC:Caption-Abstract', (text) => jpegWith(photoshopSegment(resources(iptc(text))))],
  [
    'JPEG, IPTC in two segments',
    'IPTC:Caption-Abstract',
    (text) => {
      const blocks = resources(iptc(text));
      return jpegWith(photoshopSegment(blocks.subarray(0, 40)), photoshopSegment(blocks.subarray(40)));
    },
  ],
  ['JPEG, comment', 'File:Comment', (text) => jpegWith(segment(0xfe, Buffer.from(text)))],
  [
    'JPEG, second packet',
    'dc:description',
    (text) => jpegWith(xmpSegment(packet('')), xmpSegment(captioned.replace(WORDS, text))),
  ],
  [
    'JPEG, extended XMP',
    'dc:description',
    (text) => jpegWith(xmpSegment(packet('')), ...extended(captioned.replace(WORDS, text))),
  ],
  [
    'WebP, second packet',
    'dc:description',
    (text) =>
      webpWith(['XMP ', Buffer.from(packet(''))], ['XMP ', Buffer.from(captioned.replace(WORDS, text))]),
  ],
  ...['Description', 'Comment', 'Title'].flatMap((keyword): typeof PLACES => [
    [
      `PNG, ${keyword} in tEXt`,
      `PNG:${keyword}`,
      (text) => pngWith(pngChunk('tEXt', binary(`${keyword}\0${text.replace('–', '-')}`))),
    ],
    [
      `PNG, ${keyword} in zTXt`,
      `PNG:${keyword}`,
      (text) =>
        pngWith(pngChunk('zTXt', Buffer.concat([binary(`${keyword}\0\0`), deflateSync(Buffer.from(text))]))),
    ],
    [
      `PNG, ${keyword} in iTXt`,
      `PNG:${keyword}`,
      (text) =>
        pngWith(pngChunk('iTXt', Buffer.concat([binary(`${keyword}\0\0\0de\0\0`), Buffer.from(text)]))),
    ],
    [
      `PNG, ${keyword} in compressed iTXt`,
      `PNG:${keyword}`,
      (text) =>
        pngWith(
          pngChunk('iTXt', Buffer.concat([binary(`${keyword}\0\x01\0\0\0`), deflateSync(Buffer.from(text))])),
        ),
    ],
  ]),
  [
    'PNG, raw EXIF',
    'EXIF:ImageDescription',
    (text) =>
      pngWith(
        rawProfile('exif', Buffer.concat([binary('Exif\0\0'), tiffBlock('MM', [imageDescription(text)])])),
      ),
  ],
  ['PNG, raw IPTC', 'IPTC:Caption-Abstract', (text) => pngWith(rawProfile('iptc', iptc(text)))],
  [
    'PNG, raw resources',
    'IPTC:Caption-Abstract',
    (text) => pngWith(rawProfile('8bim', resources(iptc(text)))),
  ],
];

for (const [what, field, file] of PLACES) {
  describe(what, () => {
    it('keeps words of somebody: no description is written beside them', async () => {
      const before = file(WORDS);
      const { bytes, written, kept } = describeImage(before, TEXT, false);
      assert.deepEqual([written, kept], [[ALT], [field]]);
      assert.ok(!bytes!.includes('<dc:description><rdf:Alt>'));
      assert.deepEqual(await readXmp(bytes!, ALT), { 'x-default': TEXT });
      const pixels = [before, bytes!].map((image) => sharp(image).raw().toBuffer());
      assert.deepEqual(await pixels[1], await pixels[0]);
    });

    it('gets a description where there is filler or a blank', async () => {
      for (const text of [FILLER, ' ', '']) {
        const { bytes, written, kept } = describeImage(file(text), TEXT, false);
        assert.deepEqual([written, kept], [['dc:description', ALT], []], JSON.stringify(text));
        assert.ok(bytes!.includes(TEXT));
      }
    });
  });
}

/** What the two fields outside XMP have that readers by the MWG's rules look into. */
const EXIF_FILES: [string, (block: (order: 'II' | 'MM') => Buffer, order: 'II' | 'MM') => Buffer][] = [
  ['JPEG', (block, order) => jpegWith(exifSegment(block(order)))],
  ['PNG', (block, order) => pngWith(pngChunk('eXIf', block(order)))],
  ['WebP', (block, order) => webpWith(['EXIF', block(order)])],
];

describe('EXIF, which readers take first', () => {
  for (const [format, file] of EXIF_FILES) {
    for (const order of ORDERS) {
      it(`has its filler blanked in place in a ${format}, ${order}, and nothing else`, async () => {
        const block = (text: string) => tiffBlock(order, [imageDescription(text), xpComment(FILLER)]);
        const { bytes } = describeImage(
          file(() => block(FILLER), order),
          TEXT,
          false,
        );
        const blank = block(' '.repeat(FILLER.length));
        assert.ok(bytes!.includes(blank));
        // The PNG's CRC is right.
        assert.ok(format !== 'PNG' || bytes!.includes(pngChunk('eXIf', blank)));
        assert.ok((await sharp(bytes!).metadata()).exif);
      });
    }
  }

  it('has a former text blanked where it is overwritten, and stays where no description is written', () => {
    const file = tiff('MM', [imageDescription(WORDS)]);
    assert.ok(!describeImage(file, TEXT, true).bytes!.includes('Mayor'));
    assert.ok(describeImage(file, TEXT, false).bytes!.includes(WORDS));
  });

  it('keeps data of programs, even then', () => {
    const data = 'ImageJ=1.53t\nimages=3';
    for (const overwrite of [false, true]) {
      const { bytes, written } = describeImage(tiff('II', [imageDescription(data)]), TEXT, overwrite);
      assert.deepEqual(written, ['dc:description', ALT]);
      assert.ok(bytes!.includes(data));
    }
  });

  it('stays as it is where its description is no text with an end', () => {
    for (const value of [binary('words without end'), binary('words\0\x01\x02\x03more\0')]) {
      const file = tiff('II', [{ ...imageDescription(''), value }]);
      assert.ok(describeImage(file, TEXT, true).bytes!.includes(value));
    }
  });
});

describe('IPTC, which has a digest', () => {
  const withoutCaption = Buffer.concat([dataSet(2, 80, 'Ann'), dataSet(2, 122, 'Bo')]);
  const withText = Buffer.concat([dataSet(2, 80, 'Ann'), dataSet(2, 120, TEXT), dataSet(2, 122, 'Bo')]);
  const wrong = Buffer.alloc(16, 7);
  const resourcesOf = (bytes: Buffer) => {
    const start = bytes.indexOf('Photoshop 3.0\0');
    return bytes.subarray(start + 14, start + bytes.readUInt16BE(start - 2) - 2);
  };
  const inJpeg = (block: Buffer, digest?: Buffer, overwrite = false) =>
    resourcesOf(describeImage(jpegWith(photoshopSegment(resources(block, digest))), TEXT, overwrite).bytes!);

  it('stays without a caption, when its digest is right or missing', () => {
    for (const digest of [undefined, md5(withoutCaption)]) {
      assert.deepEqual(inJpeg(withoutCaption, digest), resources(withoutCaption, digest));
    }
  });

  it('gets the text when its digest is wrong, since readers take its fields then; the digest stays wrong', () => {
    assert.deepEqual(inJpeg(withoutCaption, wrong), resources(withText, wrong));
  });

  it('gets the text in place of filler, and of words that are overwritten; a right digest stays right', () => {
    const words = Buffer.concat([dataSet(2, 80, 'Ann'), dataSet(2, 120, WORDS), dataSet(2, 122, 'Bo')]);
    const filler = Buffer.concat([dataSet(2, 80, 'Ann'), dataSet(2, 120, 'SONY DSC'), dataSet(2, 122, 'Bo')]);
    for (const [block, overwrite] of [
      [filler, false],
      [words, true],
    ] as const) {
      assert.deepEqual(inJpeg(block, undefined, overwrite), resources(withText));
      assert.deepEqual(inJpeg(block, wrong, overwrite), resources(withText, wrong));
      assert.deepEqual(inJpeg(block, md5(block), overwrite), resources(withText, md5(withText)));
    }
    assert.deepEqual(inJpeg(words, md5(words)), resources(words, md5(words)));
  });

  it('is changed in a TIFF as well, its type and its digest kept', async () => {
    for (const order of ORDERS) {
      for (const type of [4, 7]) {
        const size = type === 4 ? 4 : 1;
        const padded = (block: Buffer) =>
          Buffer.concat([block, Buffer.alloc((size - (block.length % size)) % size)]);
        const block = padded(iptc(WORDS));
        const digest = binary('8BIM\x04\x25\0\0\0\0\0\x10');
        const file = tiff(order, [
          { tag: 33723, type, value: block },
          { tag: 34377, type: 1, value: Buffer.concat([digest, md5(block)]) },
        ]);
        const { bytes } = describeImage(file, TEXT, true);
        const changed = padded(iptc(TEXT));
        assert.ok(bytes!.includes(changed));
        assert.ok((await sharp(bytes!).metadata()).iptc);
        assert.ok(bytes!.includes(Buffer.concat([digest, md5(changed)])));
      }
    }
  });

  it('has the encoding that it says, and refuses a text that it cannot hold', () => {
    const utf8 = Buffer.concat([dataSet(1, 90, '\x1b%G'), dataSet(2, 120, WORDS)]);
    const unsaid = dataSet(2, 120, WORDS);
    const write = (block: Buffer, text: string) =>
      describeImage(jpegWith(photoshopSegment(resources(block))), text, true).bytes!;
    assert.ok(write(utf8, 'Ein Hund – läuft.').includes(dataSet(2, 120, 'Ein Hund – läuft.')));
    assert.ok(write(unsaid, 'Ein Hund läuft.').includes(dataSet(2, 120, binary('Ein Hund läuft.'))));
    assert.throws(() => write(unsaid, 'Собака.'), UnsupportedImage);
  });

  it('is found where a long caption has a longer length field', () => {
    const long = 'Word '.repeat(400);
    const block = Buffer.concat([binary('\x1c\x02\x78\x80\x04\0\0\x07\xd0'), Buffer.from(long)]);
    const { kept } = describeImage(jpegWith(photoshopSegment(resources(block))), TEXT, false);
    assert.deepEqual(kept, ['IPTC:Caption-Abstract']);
  });
});

describe('further XMP', () => {
  it('stays byte for byte', () => {
    const parts = extended(packet(`<dc:rights>${'x'.repeat(300)}</dc:rights>`));
    const { bytes, written } = describeImage(jpegWith(xmpSegment(packet('')), ...parts), TEXT, false);
    assert.deepEqual(written, ['dc:description', ALT]);
    assert.ok(bytes!.includes(Buffer.concat(parts)));
  });

  it('is no place to overwrite a description in', () => {
    for (const file of [
      jpegWith(xmpSegment(packet('')), xmpSegment(captioned)),
      jpegWith(xmpSegment(packet('')), ...extended(captioned)),
    ]) {
      assert.throws(() => describeImage(file, TEXT, true), UnsupportedImage);
    }
  });

  it('counts for the fields that it mentions when it is too large or cannot be read', () => {
    const large = `${captioned}${' '.repeat(30_000)}`;
    for (const [broken, kept] of [
      [packet(`<dc:description>${WORDS}`), ['dc:description']],
      ['nothing that XMP has', []],
    ] as const) {
      const { kept: found } = describeImage(
        jpegWith(xmpSegment(packet('')), xmpSegment(broken)),
        TEXT,
        false,
      );
      assert.deepEqual(found, kept);
    }
    assert.deepEqual(describeImage(jpegWith(xmpSegment(packet('')), xmpSegment(large)), TEXT, false).kept, [
      'dc:description',
    ]);
  });
});

describe('damaged and hostile metadata', () => {
  it('have no texts, and the image gets its own', () => {
    const cut = tiffBlock('MM', [imageDescription(WORDS)]);
    const outside = tiffBlock('II', [imageDescription(WORDS)]);
    outside.writeUInt32LE(0xfffffff0, 18); // The offset of the text.
    const endless = tiffBlock('II', [imageDescription(WORDS)]);
    endless.writeUInt32LE(0xffffffff, 14); // Its length.
    for (const file of [
      jpegWith(exifSegment(cut.subarray(0, 12))),
      jpegWith(exifSegment(binary(''))),
      jpegWith(exifSegment(outside)),
      jpegWith(exifSegment(endless)),
      jpegWith(photoshopSegment(binary('8BIM\x04\x04\xff'))),
      jpegWith(photoshopSegment(binary('8BIM\x04\x04\0\0\xff\xff\xff\xff'))),
      jpegWith(photoshopSegment(resources(binary('\x1c\x02\x78\x7f\xffshort')))),
      jpegWith(photoshopSegment(resources(binary('\x1c\x02\x78\x80\x09')))),
      jpegWith(segment(0xe1, binary('http://ns.adobe.com/xmp/extension/\0short'))),
      pngWith(pngChunk('zTXt', binary('Comment\0\0nothing deflated'))),
      pngWith(pngChunk('iTXt', binary('Comment\0\0\0de'))),
      pngWith(pngChunk('tEXt', binary('Comment'))),
      pngWith(pngChunk('zTXt', binary('Raw profile type exif\0\0'))),
    ]) {
      for (const overwrite of [false, true]) {
        assert.deepEqual(describeImage(file, TEXT, overwrite).written, ['dc:description', ALT]);
      }
    }
  });

  it('take neither much memory nor much time', () => {
    const bomb = pngChunk(
      'zTXt',
      Buffer.concat([binary('Comment\0\0'), deflateSync(Buffer.alloc(32 << 20))]),
    );
    const many = Buffer.concat(Array(30_000).fill(segment(0xfe, binary(''))));
    for (const file of [
      pngWith(...Array(500).fill(bomb)),
      jpegWith(many),
      jpegWith(segment(0xfe, Buffer.alloc(65_000))),
    ])
      ends(() => assert.ok(describeImage(file, TEXT, false).bytes));
  });

  it('are told once where a directory has the same tag a thousand times', () => {
    const file = tiff('II', Array<Tag>(1000).fill(imageDescription(WORDS)));
    assert.deepEqual(exifTexts(file), [{ field: 'EXIF:ImageDescription', text: WORDS }]);
  });

  it('are not looked for in further XMP packets that become large together', () => {
    const packet = Buffer.concat([
      binary('XML:com.adobe.xmp\0\x01\0\0\0'),
      deflateSync(Buffer.alloc(1 << 20, ' ')),
    ]);
    const chunk = pngChunk('iTXt', packet);
    assert.ok(describeImage(pngWith(chunk, chunk, chunk), TEXT, false).bytes);
    assert.throws(() => describeImage(pngWith(...Array(7).fill(chunk)), TEXT, false), UnsupportedImage);
  });

  it('leave pixels alone where a description is said to stand in them', async () => {
    const whole = tiff('II', [imageDescription(WORDS)]);
    const file = Buffer.concat([whole, binary('\x07')]);
    const entry = file.indexOf(Buffer.from([0x0e, 0x01, 2, 0]));
    const strip = file.indexOf(Buffer.from([0x11, 0x01, 4, 0]));
    file.writeUInt32LE(5, entry + 4);
    file.writeUInt32LE(file.readUInt32LE(strip + 8), entry + 8);
    const { bytes } = describeImage(file, TEXT, true);
    assert.ok(bytes!.subarray(whole.length - 4, file.length).equals(file.subarray(-5)));
  });
});

it('nothing is changed in an image without any of it', () => {
  const { bytes } = describeImage(JPEG, TEXT, false);
  assert.ok(bytes!.subarray(-JPEG.length + 30).equals(JPEG.subarray(30)));
});
