import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  describe as describePacket,
  fieldHeldBy,
  fieldsIn,
  MAX_PACKET_BYTES,
} from '../../src/alt/xmp-packet.ts';
import { UnsupportedImage } from '../../src/errors.ts';
import { alternatives } from './described.ts';
import { ends } from './ends.ts';

const TEXT = 'A dog & a "cat" <sit> – naïve.';
const FIELDS = ['dc:description', 'Iptc4xmpCore:AltTextAccessibility'] as const;

const packetOf = (properties: string, attributes = '') =>
  Buffer.from(
    `<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="Somebody"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:Iptc4xmpCore="http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/" xmlns:my="http://example.com/" ${attributes}>${properties}</rdf:Description></rdf:RDF></x:xmpmeta>   <?xpacket end="w"?>`,
  );
const inLanguages = (property: string, texts: Record<string, string>) =>
  `<${property}><rdf:Alt>${Object.entries(texts)
    .map(([language, text]) => `<rdf:li xml:lang="${language}">${text}</rdf:li>`)
    .join('')}</rdf:Alt></${property}>`;

const unheld = { overwrite: false, taken: [], room: Number.POSITIVE_INFINITY };
const written = (packet: Buffer | null, overwrite = false) => {
  const result = describePacket(packet, TEXT, { ...unheld, overwrite });
  return { ...result, text: result.packet?.toString() ?? '' };
};

describe('an XMP packet', () => {
  it('is made for an image without one, with both fields and room to grow', () => {
    const { text, written: fields } = written(null);
    assert.deepEqual(fields, FIELDS);
    for (const field of FIELDS) assert.deepEqual(alternatives(text, field), { 'x-default': TEXT });
    assert.match(text, /^<\?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"\?>/);
    assert.match(text, /\s{2000,}<\?xpacket end="w"\?>$/);
  });

  it('keeps all other properties', () => {
    const others =
      '<dc:creator><rdf:Seq><rdf:li>Ann &amp; Bob</rdf:li></rdf:Seq></dc:creator><my:place rdf:parseType="Resource"><my:city>Köln</my:city></my:place><my:raw><![CDATA[<b>]]></my:raw>';
    const { text } = written(packetOf(others, 'my:rating="5"'));
    assert.ok(text.includes(others));
    assert.match(text, /my:rating="5"/);
    assert.match(text, /x:xmptk="Somebody"/);
  });

  it('keeps what somebody wrote, in whatever form and language', () => {
    for (const packet of [
      packetOf(inLanguages('dc:description', { 'x-default': 'theirs' })),
      packetOf(inLanguages('dc:description', { de: 'ihrer' })),
      packetOf('<dc:description>theirs</dc:description>'),
      packetOf('', 'dc:description="theirs"'),
    ]) {
      const { text, written: fields, kept } = written(packet);
      assert.deepEqual([fields, kept], [['Iptc4xmpCore:AltTextAccessibility'], ['dc:description']]);
      assert.match(text, /theirs|ihrer/);
      assert.deepEqual(alternatives(text, 'Iptc4xmpCore:AltTextAccessibility'), { 'x-default': TEXT });
    }
  });

  it('is left alone when both fields are there', () => {
    const both = FIELDS.map((field) => inLanguages(field, { 'x-default': 'theirs' })).join('');
    assert.deepEqual(describePacket(packetOf(both), TEXT, unheld), {
      packet: null,
      written: [],
      kept: FIELDS,
    });
  });

  it('takes blank texts for missing ones', () => {
    const { text, kept } = written(packetOf(inLanguages('dc:description', { 'x-default': ' \n' })));
    assert.deepEqual(kept, []);
    assert.deepEqual(alternatives(text, 'dc:description'), { 'x-default': TEXT });
  });

  it('has only its default text replaced on request, other languages stay', () => {
    const { text } = written(
      packetOf(inLanguages('dc:description', { 'x-default': 'theirs', de: 'ihrer' })),
      true,
    );
    assert.deepEqual(alternatives(text, 'dc:description'), { 'x-default': TEXT, de: 'ihrer' });
  });

  it('gets the default text first, and the right form in place of a wrong one', () => {
    for (const [packet, others] of [
      [packetOf(inLanguages('dc:description', { de: 'ihrer' })), { de: 'ihrer' }],
      [packetOf('<dc:description>theirs</dc:description>'), {}],
      [packetOf('<dc:description rdf:parseType="Literal"><b>theirs</b></dc:description>'), {}],
      [packetOf('', 'dc:description="theirs"'), {}],
      [packetOf('<dc:description>one</dc:description><dc:description>two</dc:description>'), {}],
    ] as const) {
      const { text } = written(packet, true);
      const found = alternatives(text, 'dc:description');
      assert.deepEqual(found, { 'x-default': TEXT, ...others });
      assert.equal(Object.keys(found)[0], 'x-default');
      assert.doesNotMatch(text, /theirs|parseType|>one<|>two</);
    }
  });

  it('is understood without wrapper, without descriptions, with other prefixes and NUL at its end', () => {
    for (const packet of [
      '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/>',
      '<r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><r:Description r:about=""/></r:RDF>\0\0',
      '<x:xapmeta xmlns:x="adobe:ns:meta/"><r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:dc="http://example.com/not-dublin-core"><r:Description dc:description="another"/></r:RDF></x:xapmeta>',
    ]) {
      const { packet: first } = written(Buffer.from(packet));
      const again = written(first);
      assert.deepEqual(again.kept, FIELDS);
    }
  });

  it('keeps carriage returns and other line ends as they were written', () => {
    const others =
      '<dc:rights><rdf:Alt><rdf:li xml:lang="x-default">one&#xD;&#xA;two&#13;three</rdf:li></rdf:Alt></dc:rights><my:raw>a\u2028b\u0085c\r\nd</my:raw>';
    const attributes = 'my:note="one&#xD;&#xA;two&#x9;three"';
    const { packet, text } = written(packetOf(others, attributes));
    assert.ok(text.includes('>one&#xD;\ntwo&#xD;three<'));
    assert.ok(text.includes('a\u2028b\u0085c\nd'));
    assert.ok(text.includes('my:note="one&#13;&#10;two&#9;three"'));
    assert.ok(written(packet, true).text.includes('>one&#xD;\ntwo&#xD;three<'));
  });

  it('counts as missing when it is empty or blank', () => {
    for (const packet of ['', ' \n\t', '\0\0', ' \0']) {
      assert.deepEqual(written(Buffer.from(packet)).written, FIELDS);
    }
  });

  it('takes what cameras fill in for a missing text, in every language', () => {
    const packet = packetOf(
      inLanguages('dc:description', {
        'x-default': 'OLYMPUS DIGITAL CAMERA',
        'en-US': 'OLYMPUS DIGITAL CAMERA',
      }),
    );
    const { text, kept } = written(packet);
    assert.deepEqual(kept, []);
    assert.deepEqual(alternatives(text, 'dc:description'), { 'x-default': TEXT });
    const german = packetOf(inLanguages('dc:description', { 'x-default': 'SONY DSC', de: 'ihrer' }));
    assert.deepEqual(written(german).kept, ['dc:description']);
  });

  it('keeps a text where older writers put descriptions', () => {
    for (const field of ['tiff:ImageDescription', 'exif:UserComment']) {
      const [prefix] = field.split(':');
      const packet = packetOf(
        inLanguages(field, { 'x-default': 'theirs' }),
        `xmlns:${prefix}="http://ns.adobe.com/${prefix}/1.0/"`,
      );
      const { written: fields, kept } = written(packet);
      assert.deepEqual([fields, kept], [['Iptc4xmpCore:AltTextAccessibility'], [field]]);
    }
  });

  it('is read in linear time', () => {
    const nul = Buffer.concat([Buffer.alloc(2_000_000), Buffer.from('x')]);
    ends(() => assert.throws(() => written(nul), UnsupportedImage));
  });

  it('is refused when an element has more in it than any description', () => {
    const many = '<dc:description/>'.repeat(10_001);
    assert.throws(() => written(packetOf(many), true), UnsupportedImage);
    assert.throws(
      () => written(packetOf(`<dc:description>${many}</dc:description>`), true),
      UnsupportedImage,
    );
  });

  it('is refused when it declares more namespaces than anybody has', () => {
    const nested = (count: number) =>
      Array.from({ length: count }, (_, i) => `<my:a xmlns:n${i}="u">`).join('') + '</my:a>'.repeat(count);
    assert.ok(written(packetOf(nested(900))).packet);
    assert.throws(() => written(packetOf(nested(1001))), UnsupportedImage);
  });

  it('is refused when it cannot be read', () => {
    const deep = 100_000;
    for (const packet of [
      'not xml',
      '<a/>',
      '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF>',
      `<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description>${'<a>'.repeat(deep)}${'</a>'.repeat(deep)}</rdf:Description></rdf:RDF><b/>`,
      '\xff\xfe',
    ]) {
      assert.throws(() => describePacket(Buffer.from(packet, 'latin1'), TEXT, unheld), UnsupportedImage);
    }
  });
});

const RDF = 'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"';
const DC = 'xmlns:dc="http://purl.org/dc/elements/1.1/"';
const CORE = 'xmlns:Iptc4xmpCore="http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/"';
/** What stands between the first line and the room to grow. */
const bodyOf = (text: string) => text.split('\n').slice(1, -22).join('\n');
const item = (text: string, language = 'x-default') => `<rdf:li xml:lang="${language}">${text}</rdf:li>`;

describe('a packet as it is written', () => {
  it('is whole: wrapper, both fields, twenty-one lines of blanks', () => {
    const value = `<rdf:Alt>${item('A &amp; b')}</rdf:Alt>`;
    const body = `<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF ${RDF}><rdf:Description rdf:about=""><dc:description ${DC}>${value}</dc:description><Iptc4xmpCore:AltTextAccessibility ${CORE}>${value}</Iptc4xmpCore:AltTextAccessibility></rdf:Description></rdf:RDF></x:xmpmeta>`;
    const head = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n';
    const lines = `${' '.repeat(99)}\n`.repeat(21);
    const { packet } = describePacket(null, 'A & b', unheld);
    assert.equal(packet!.toString(), `${head}${body}\n${lines}<?xpacket end="w"?>`);
    // The blanks leave off where the room ends, but nothing else does.
    const least = packet!.length - 2100;
    for (const [room, blanks] of [
      [least + 2101, 2100],
      [least + 150, 150],
      [least, 0],
      [least - 1, 0],
      [0, 0],
    ] as const) {
      const text = describePacket(null, 'A & b', { ...unheld, room }).packet!.toString();
      assert.equal(text, `${head}${body}\n${lines.slice(0, blanks)}<?xpacket end="w"?>`, `${room}`);
    }
  });

  it('has the text in the one list that there is, fillers out of it and other attributes as they were', () => {
    const rdf = (inside: string) => `<rdf:RDF ${RDF} ${DC}>${inside}</rdf:RDF>`;
    const of = (inside: string) => `<rdf:Description>${inside}</rdf:Description>`;
    const list = (...items: string[]) =>
      `<dc:description><rdf:Alt>${items.join('')}</rdf:Alt></dc:description>`;
    for (const [before, after] of [
      [of(list(item('a', 'de'), item('b'))), of(list(item('a', 'de'), item('NEW')))],
      [
        of(list(item('b', 'X-Default'), item('-'), item('c', 'fr'))),
        of(list(item('NEW', 'X-Default'), item('c', 'fr'))),
      ],
      [of(list(item('a', 'de'), item(' ', 'fr'))), of(list(item('NEW'), item('a', 'de')))],
      [
        `\n${of(`\n${list('\n', item('a', 'de'), ' <!-- b --> ', item('c'), '\n')}\n`)}\n`,
        `\n${of(`\n${list('\n', item('a', 'de'), ' <!-- b --> ', item('NEW'), '\n')}\n`)}\n`,
      ],
      [of(list(' ', item('a', 'de'), ' ')), of(list(' ', item('NEW'), item('a', 'de'), ' '))],
      [of(list()), of(list(item('NEW')))],
      [of(list('<rdf:li>a</rdf:li>')), of(list(item('NEW'), '<rdf:li>a</rdf:li>'))],
      [of(list(item('<b>a</b>'))), of(list(item('NEW')))],
      [
        of('<dc:description rdf:resource="a" rdf:parseType="Literal" rdf:ID="b"/>'),
        of(`<dc:description rdf:ID="b"><rdf:Alt>${item('NEW')}</rdf:Alt></dc:description>`),
      ],
      [of('<dc:description><rdf:Bag><rdf:li>a</rdf:li></rdf:Bag></dc:description>'), of(list(item('NEW')))],
      [
        `<rdf:Description/>${of(list(item('a')))}${of(list(item('b')))}`,
        `<rdf:Description/>${of(list(item('NEW')))}<rdf:Description/>`,
      ],
      [
        `<rdf:Description dc:description="a"/>${of('<dc:rights/>')}<rdf:Description dc:description="b"/>`,
        `${of(list(item('NEW')))}${of('<dc:rights/>')}<rdf:Description/>`,
      ],
      ['', `<rdf:Description rdf:about="">${list(item('NEW'))}</rdf:Description>`],
      ['<rdf:li/>', `<rdf:li/><rdf:Description rdf:about="">${list(item('NEW'))}</rdf:Description>`],
    ] as const) {
      const conditions = { ...unheld, overwrite: true, taken: [FIELDS[1]] };
      const { packet, written: fields } = describePacket(Buffer.from(rdf(before)), 'NEW', conditions);
      assert.deepEqual([bodyOf(packet!.toString()), fields], [rdf(after), [FIELDS[0]]]);
    }
  });

  it('leaves out fields that are taken', () => {
    for (const [taken, fields] of [
      [[FIELDS[0]], [FIELDS[1]]],
      [[FIELDS[1]], [FIELDS[0]]],
      [['another'], FIELDS],
    ] as const)
      assert.deepEqual(describePacket(null, TEXT, { ...unheld, taken }).written, fields);
    assert.deepEqual(describePacket(null, TEXT, { ...unheld, taken: FIELDS }), {
      packet: null,
      written: [],
      kept: [],
    });
  });
});

describe('the fields of a packet', () => {
  it('are those that have words, in any form', () => {
    const older = 'xmlns:tiff="http://ns.adobe.com/tiff/1.0/" xmlns:exif="http://ns.adobe.com/exif/1.0/"';
    for (const [properties, attributes, fields] of [
      ['', '', []],
      ['<dc:title>a</dc:title>', '', []],
      ['<dc:description>a</dc:description>', '', ['dc:description']],
      ['<dc:description>SONY DSC</dc:description>', '', []],
      ['<my:description>a</my:description>', '', []],
      [inLanguages('dc:description', { 'x-default': ' ', de: 'a' }), '', ['dc:description']],
      ['', 'my:description="a"', []],
      ['', 'Iptc4xmpCore:AltTextAccessibility="a"', ['Iptc4xmpCore:AltTextAccessibility']],
      [
        '<exif:UserComment>a</exif:UserComment>',
        `${older} tiff:ImageDescription="b" dc:description="c"`,
        ['dc:description', 'tiff:ImageDescription', 'exif:UserComment'],
      ],
      ['<exif:ImageDescription>a</exif:ImageDescription><tiff:UserComment>a</tiff:UserComment>', older, []],
    ] as const)
      assert.deepEqual(fieldsIn(packetOf(properties, attributes)), fields);
  });

  it('are those that are mentioned where it is too large or cannot be read', () => {
    assert.deepEqual(fieldsIn(Buffer.from('description UserComment')), [
      'dc:description',
      'exif:UserComment',
    ]);
    assert.deepEqual(fieldsIn(Buffer.from('AltTextAccessibility ImageDescription')), [
      FIELDS[1],
      'tiff:ImageDescription',
    ]);
    assert.deepEqual(fieldsIn(Buffer.from('nothing')), []);
    assert.deepEqual(fieldsIn(Buffer.from('description\xff', 'latin1')), ['dc:description']);
    const bare = packetOf('<dc:description/>');
    const filled = (bytes: number) => Buffer.concat([bare, Buffer.alloc(bytes - bare.length, ' ')]);
    assert.equal(MAX_PACKET_BYTES, 4_194_304);
    assert.deepEqual(fieldsIn(filled(MAX_PACKET_BYTES)), []);
    assert.deepEqual(fieldsIn(filled(MAX_PACKET_BYTES + 1)), ['dc:description']);
  });

  it('keep their own field from being written, those of others the description', () => {
    const names = [...FIELDS, 'tiff:ImageDescription', 'EXIF:XPTitle', ''];
    assert.deepEqual(names.map(fieldHeldBy), [FIELDS[0], FIELDS[1], FIELDS[0], FIELDS[0], FIELDS[0]]);
  });
});

describe('a packet at its limits', () => {
  const isRead = (packet: Buffer) => {
    try {
      return describePacket(packet, TEXT, { ...unheld, taken: [FIELDS[1]] }).packet !== null;
    } catch (error) {
      assert.ok(error instanceof UnsupportedImage && /cannot be read/.test(error.message));
      return false;
    }
  };

  it('declares a thousand namespaces', () => {
    const own = packetOf('').toString().split('xmlns').length - 1;
    const packet = (count: number) => packetOf('<my:a xmlns="a"/>'.repeat(count - own));
    assert.deepEqual(
      [1000, 1001].map((count) => isRead(packet(count))),
      [true, false],
    );
  });

  it('has ten thousand nodes in an element that is looked into', () => {
    const packet = (count: number) => packetOf('<my:a/>'.repeat(count));
    assert.deepEqual(
      [10_000, 10_001].map((count) => isRead(packet(count))),
      [true, false],
    );
    assert.ok(isRead(packetOf(`<my:b>${'<my:a/>'.repeat(10_001)}</my:b>`)));
  });

  it('has an RDF element', () => {
    assert.ok(!isRead(Buffer.from('<x:xmpmeta xmlns:x="adobe:ns:meta/"/>')));
    assert.ok(!isRead(Buffer.from('<RDF/>')));
    assert.ok(!isRead(Buffer.from('<a')));
  });
});
