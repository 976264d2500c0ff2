import assert from 'node:assert/strict';
import { isUtf8 } from 'node:buffer';
import { describe, it } from 'node:test';
import { fillAlt } from '../../../src/alt/page/fill-alt.ts';
import { imagesWithoutAlt } from '../../../src/alt/page/page-images.ts';
import { readPageText } from '../../../src/alt/page/page-text.ts';
import { InvalidRequest } from '../../../src/errors.ts';
import { mutate } from '../../support/mutate.ts';
import { xorshift } from '../../support/random.ts';

/** `latin1` strings stand for bytes. */
const bytesOf = (text: string, encoding: BufferEncoding = 'utf8') => Buffer.from(text, encoding);

const found = (bytes: Buffer) => imagesWithoutAlt(readPageText(bytes)).images;
const sources = (bytes: Buffer) => found(bytes).map(({ src }) => src);

/** The page with `n. text` in each image that has none. */
function filled(bytes: Buffer, text = 'text'): Buffer {
  const page = readPageText(bytes);
  const { images } = imagesWithoutAlt(page);
  return fillAlt(
    page,
    images.flatMap(({ at, picture }, n) => ('left' in picture ? [] : [{ at, text: `${n}. ${text}` }])),
  );
}

describe('images without alternative text', () => {
  it('are those whose alt attribute is missing, not those where it is empty', () => {
    const page = bytesOf(
      '<img src=a><img src=b alt><img src=c alt=""><img src=d ALT="x"><IMG SRC=e alt = y>',
    );
    assert.deepEqual(sources(page), ['a']);
  });

  it('are no images in comments, scripts, styles, text areas, titles and SVG', () => {
    const page = bytesOf(
      `<title><img src=a></title><!-- <img src=b> --><script>"<img src=c>"</script><style><img src=d></style><textarea><img src=e></textarea><svg><image href=f /></svg><![CDATA[<img src=g]]><p title="<img src=h>">`,
    );
    assert.deepEqual(sources(page), []);
  });

  it('are found in noscript, template, picture, tables and behind broken markup', () => {
    const page = bytesOf(
      '<noscript><img src=a></noscript><template><img src=b></template><picture><source srcset=x><img src=c></picture><table><img src=d><tr><td><img src=e></table><p<b <i><img src=f></div></p><image src=g>',
    );
    assert.deepEqual(sources(page).sort(), ['a', 'b', 'c', 'd', 'e', 'f', 'g']);
  });

  it('have the address of src, else of srcset, else of a lazy loader, with references resolved', () => {
    const page = bytesOf(
      '<img src=" a&amp;b.jpg "><img srcset="c.jpg 1x, d.jpg 2x"><img src="" srcset=" e.jpg, f.jpg 2x"><img data-src=x>',
    );
    assert.deepEqual(sources(page), ['a&b.jpg', 'c.jpg', 'e.jpg', 'x']);
  });

  it('have line numbers, whatever ends the lines', () => {
    for (const end of ['\n', '\r\n', '\r']) {
      const page = bytesOf(['<!doctype html>', '😀', '<img src=a><img', 'src=b>', '<img src=c>'].join(end));
      assert.deepEqual(
        found(page).map(({ line }) => line),
        [3, 3, 5],
        JSON.stringify(end),
      );
    }
  });

  it('are found in pages that nest deeper than any stack', () => {
    assert.deepEqual(sources(bytesOf(`${'<div>'.repeat(50_000)}<img src=a>`)), ['a']);
  });

  it('come with the first base address', () => {
    const base = (html: string) => imagesWithoutAlt(readPageText(bytesOf(html))).base;
    assert.equal(base('<base target=_top><base href="x/"><base href="y/"><img>'), 'x/');
    assert.equal(base('<img src=a>'), null);
  });
});

describe('a page with its alt attributes filled in', () => {
  it('differs in nothing else', () => {
    for (const [before, expected] of [
      ['<img src=a>', '<img alt="0. text" src=a>'],
      ['<IMG\r\n\tSRC=a/>\r\n', '<IMG alt="0. text"\r\n\tSRC=a/>\r\n'],
      ['<img/src=a/ ><img>', '<img alt="0. text"/src=a/ ><img alt="1. text">'],
      ['<p>ü😀<img src="ü">\r', '<p>ü😀<img alt="0. text" src="ü">\r'],
      ["<img src='a' alt=''><img src='b'\n>", "<img src='a' alt=''><img alt=\"0. text\" src='b'\n>"],
      ['<img src=b data-src=a>', '<img src=b data-src=a alt="0. text">'],
      ['<img data-src="a"src=b/>', '<img data-src="a"src=b/ alt="0. text">'],
      ['<img src=b data-src=a/\n/>', '<img src=b data-src=a/ alt="0. text"\n/>'],
      ["<img data-src='a' x>", '<img data-src=\'a\' x alt="0. text">'],
      ['<img srcset="a 800w" src=b hidden>', '<img srcset="a 800w" src=b hidden alt="0. text">'],
      [
        '<img><noscript><img src=a></noscript>',
        '<img alt="0. text"><noscript><img alt="1. text" src=a></noscript>',
      ],
      [
        '<?php if ($a > 1): ?>é<img src=a>{{ "x>" }}<img src=b {% if c %}alt="d"{% endif %}>',
        '<?php if ($a > 1): ?>é<img alt="0. text" src=a>{{ "x>" }}<img src=b {% if c %}alt="d"{% endif %}>',
      ],
      ['<img src=a alt=" "><img src=b {{ c }}>', '<img src=a alt=" "><img src=b {{ c }}>'],
      ['<img src="a>b" alt2="x">', '<img alt="0. text" src="a>b" alt2="x">'],
      ['a <unclosed & <p> no images', 'a <unclosed & <p> no images'],
    ] as const) {
      assert.equal(filled(bytesOf(before)).toString(), expected);
    }
  });

  it('escapes what would end the attribute', () => {
    const text = `"><script>'&amp;\u00e9</script>`;
    const page = filled(bytesOf('<img src=a>'), text);
    assert.equal(page.toString(), `<img alt="0. &quot;&gt;&lt;script&gt;'&amp;amp;é&lt;/script&gt;" src=a>`);
    assert.deepEqual(found(page), []);
  });

  it('has texts in whatever order they come, with references for what its encoding may lack', () => {
    const html = '<img src=a><img src=b>';
    const texts = [
      { at: 15, text: 'é ~\x7f😀' },
      { at: 4, text: '<a & b>' },
    ];
    const [utf8, latin1] = [html, `${html}\xe9`].map((page) => readPageText(bytesOf(page, 'latin1')));
    assert.equal(
      fillAlt(utf8!, texts).toString(),
      '<img alt="&lt;a &amp; b&gt;" src=a><img alt="é ~\x7f😀" src=b>',
    );
    assert.equal(
      fillAlt(latin1!, texts).toString('latin1'),
      '<img alt="&lt;a &amp; b&gt;" src=a><img alt="&#233; ~&#127;&#128512;" src=b>\xe9',
    );
    assert.equal(fillAlt(utf8!, []).toString(), html);
  });

  it('keeps byte order mark and every byte that is not ASCII, in the encoding of the page', () => {
    const html = '<p>\xe9\xff<img src="caf\xe9.jpg">\x80</p>';
    for (const [before, src] of [
      [bytesOf(`\ufeff${html}`), 'café.jpg'],
      [bytesOf(html), 'café.jpg'],
      [bytesOf(html, 'latin1'), 'café.jpg'],
      [bytesOf(`<meta charset=utf-8>${html}`, 'latin1'), 'café.jpg'],
      [bytesOf(`<meta charset="ISO-8859-1">${html}`, 'latin1'), 'café.jpg'],
      [
        bytesOf(`<META content="text/html; charset=koi8-r" HTTP-EQUIV=Content-Type>${html}`, 'latin1'),
        'cafИ.jpg',
      ],
      [bytesOf(`<meta charset="no such">${html}`), 'café.jpg'],
    ] as const) {
      assert.deepEqual(sources(before), [src]);
      const after = filled(before, 'é');
      const at = before.indexOf('<img') + 4;
      const added = after.length - before.length;
      assert.ok(before.subarray(0, at).equals(after.subarray(0, at)));
      assert.ok(before.subarray(at).equals(after.subarray(at + added)));
      assert.deepEqual(sources(after), []);
      const attribute = after.subarray(at, at + added).toString();
      // Only references are safe outside of UTF-8.
      assert.equal(attribute, isUtf8(before) ? ' alt="0. é"' : ' alt="0. &#233;"');
    }
  });

  it('holds for damaged pages too', () => {
    const random = xorshift(11);
    const whole = bytesOf(
      '<!doctype html>\r\n<p>é <img src=a/><IMG\nsrc="b.jpg" class=\'x\'><!-- <img> --><script>"<img>"</script><picture><img srcset="c 2x"></picture><table><img alt=x><template><img src=d></template><img src=p data-src=a/><noscript><img src=e></noscript><img {{ f }}>{% g > h %}<img :alt=i><?php j ?><img role=none>',
    );
    let images = 0;
    for (let n = 0; n < 500; n++) {
      const before = mutate(whole, random);
      const after = filled(before, 'mark').toString('latin1');
      images += found(before).length;
      assert.equal(after.replaceAll(/ alt="\d+\. mark"/g, ''), before.toString('latin1'));
      const unfilled = found(Buffer.from(after, 'latin1')).filter(({ picture }) => 'addresses' in picture);
      assert.deepEqual(unfilled, []);
    }
    assert.ok(images > 500);
  });

  it('is refused in encodings whose bytes cannot be told apart', () => {
    for (const page of [
      bytesOf('<img src=a>', 'utf16le').fill('\xff\xfe', 0, 2, 'latin1'),
      bytesOf('<meta charset=shift_jis><img src=\x83\x5c>', 'latin1'),
      bytesOf('<meta charset=iso-2022-jp><img src=a>', 'latin1'),
    ]) {
      assert.throws(() => readPageText(page), InvalidRequest);
    }
  });
});
