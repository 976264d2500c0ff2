import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { describe as describePacket } from '../../src/alt/xmp-packet.ts';
import { UnsupportedImage } from '../../src/errors.ts';
import { ends } from '../support/ends.ts';
import { alternatives } from './described.ts';

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
