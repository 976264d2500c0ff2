import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { imagesWithoutAlt } from '../../../src/alt/page/page-images.ts';
import { readPageText } from '../../../src/alt/page/page-text.ts';

/** Addresses of each image, or why it is left. */
const pictures = (html: string) =>
  imagesWithoutAlt(readPageText(Buffer.from(html))).images.map(({ picture }) =>
    'left' in picture ? picture.left : picture.addresses,
  );
const of = (attributes: string) => pictures(`<img ${attributes}>`)[0];
const GIF = 'data:image/gif;base64,R0lGODlhAQABAAAAACw=';

describe('the address that a lazy loader puts in', () => {
  const inAttribute = (name: string, value = 'real.jpg') => of(`src=shown.jpg ${name}="${value}"`);

  test('is under the names that loaders have for it', () => {
    for (const name of [
      'data-src lazy-src lazysrc data-lazy-src data-ll-src data-a-b-src data-mysrc data-original lazy-original',
      'data-x-original data-lazy data-lazyload data-echo data-x-echo',
    ].flatMap((line) => line.split(' ')))
      assert.deepEqual(inAttribute(name), ['real.jpg'], name);
    for (const name of 'data-srcset lazy-srcset lazysrcset data-lazy-srcset data-mysrcset'.split(' '))
      assert.deepEqual(inAttribute(name, 'a.jpg 1x, b.jpg 2x'), ['a.jpg', 'b.jpg'], name);
  });

  test('is under no other name', () => {
    for (const name of [
      'x-src xdata-src data-src-x data-source data-originals data-xoriginal data-lazyx data-echo2 data-src2 datasrc',
      'data-srcsetx xdata-srcset data-srcset-x data-href',
      'data-thumb-src data-fallback-src data-error-src data-placeholder-src data-low-src data-small-src data-preview-src',
      'data-poster-src data-blur-src data-zoom-src data-large-src data-full-src data-hover-src data-video-src',
      'data-audio-src data-iframe-src data-script-src data-link-src data-thumb-srcset',
    ].flatMap((line) => line.split(' ')))
      assert.deepEqual(inAttribute(name), ['shown.jpg'], name);
  });

  test('is a file or a template, where the name alone does not say so', () => {
    for (const name of ['data-original', 'data-lazy', 'data-srcset']) {
      assert.deepEqual(inAttribute(name, 'true'), ['shown.jpg'], name);
      assert.deepEqual(inAttribute(name, ''), ['shown.jpg'], name);
      assert.deepEqual(inAttribute(name, 'a/b'), ['a/b'], name);
      assert.deepEqual(inAttribute(name, '{a}'), 'template', name);
    }
    assert.deepEqual(inAttribute('data-src', 'photo'), ['photo']);
    assert.deepEqual(inAttribute('data-src', '  '), ['shown.jpg']);
  });

  test('comes before those in a srcset, whatever stands first', () => {
    assert.deepEqual(of('data-srcset="a.jpg 1x" data-src=" b.jpg " data-lazy-src=c.jpg'), [
      'b.jpg',
      'c.jpg',
      'a.jpg',
    ]);
    assert.deepEqual(of('data-src="a.jpg" data-lazy-src="{b}"'), 'template');
  });
});

describe('the address that a browser shows', () => {
  test('is of the srcset where that has widths or a density of one', () => {
    for (const [attributes, addresses] of [
      ['src=a.jpg srcset="b.jpg 2x, c.jpg 3x"', ['a.jpg', 'b.jpg', 'c.jpg']],
      ['src=a.jpg srcset="b.jpg 2x, c.jpg 1x"', ['b.jpg', 'c.jpg', 'a.jpg']],
      ['src=a.jpg srcset="b.jpg 1w"', ['b.jpg', 'a.jpg']],
      ['src=a.jpg srcset="b.jpg 2w, c.jpg 3w"', ['b.jpg', 'c.jpg', 'a.jpg']],
      ['src=" a.jpg " srcset=""', ['a.jpg']],
      ['srcset="b.jpg 2x"', ['b.jpg']],
      ['src="" srcset=""', ['']],
      ['', ['']],
    ] as const)
      assert.deepEqual(of(attributes), addresses, attributes);
  });

  test('is no placeholder by its name', () => {
    const names = [
      'placeholder.gif my-placeholder.png a_b-placeholder.jpeg spacer.gif my-spacer.jpg 1x1.png x1x1.webp blank.gif',
      'transparent.png pixel.gif clear.gif loading.svg loader.gif spinner.webp lazy.jpg BLANK.GIF blank-2.gif blank_x.png',
      'blank.min.png a/b/blank.gif a/blank.gif?v=2 blank.gif#x blank.gif?a/b.jpg',
    ].flatMap((line) => line.split(' '));
    assert.deepEqual(
      names.filter((name) => of(`src="${name}"`) !== 'placeholder'),
      [],
    );
    const files = [
      'xblank.gif blankx.gif blank.bmp blank.gifx placeholder blank-a-b.gif blank.gif/real.jpg a?blank.gif',
      'my-blank.gif x.placeholder.gif loadings.gif lazy-.gif .gif',
    ].flatMap((line) => line.split(' '));
    assert.deepEqual(
      files.map((name) => of(`src="${name}"`)),
      files.map((name) => [name]),
    );
    const long = (length: number) => of(`src="a/${'placeholder.gif'.padStart(length, '_')}"`);
    assert.equal(long(255), 'placeholder');
    assert.deepEqual(long(256), [`a/${'placeholder.gif'.padStart(256, '_')}`]);
  });

  test('is no placeholder where there is another', () => {
    assert.deepEqual(of('src=blank.gif srcset="real.jpg 2x"'), ['real.jpg']);
    assert.deepEqual(of(`src=real.jpg srcset="${GIF} 1x"`), ['real.jpg']);
    assert.deepEqual(of('src=DATA:image/png;x srcset="real.jpg 2x"'), ['real.jpg']);
    assert.deepEqual(of(`src=${GIF}`), [GIF]);
    assert.deepEqual(of('src=a.jpg srcset="{b}.jpg 2x"'), 'template');
  });

  test('is none of an image of one pixel, as its style or else its attributes say', () => {
    const spacers = [
      'width=1 height=1',
      'width=0 height=1.0',
      'width="1." height=" 1PX "',
      'style="height:1px;WIDTH : 0"',
    ];
    spacers.push('width=1 style="height: 1px !important"', 'width=9 height=9 style="width:1px;height:1px"');
    assert.deepEqual(
      spacers.map((attributes) => of(`src=a.gif ${attributes}`)),
      spacers.map(() => 'spacer'),
    );
    const pictured = [
      'width=1',
      'height=1',
      'width=1 height=2',
      'width=2 height=1',
      'width=10 height=10',
      'width=1em height=1',
    ];
    pictured.push(
      'width=01 height=1',
      'width=x1 height=1',
      'width="" height=""',
      'width=1 height=1 style="width:90px"',
    );
    pictured.push('style="max-width:1px;max-height:1px"', 'style="width:1px"', 'width=1% height=1');
    assert.deepEqual(
      pictured.map((attributes) => of(`src=a.gif ${attributes}`)),
      pictured.map(() => ['a.gif']),
    );
    assert.deepEqual(of('src=a.gif width=1 height=1 data-src=b.jpg'), ['b.jpg']);
  });
});

describe('what stands beside an image', () => {
  test('are the sources of its picture element', () => {
    const picture = (inside: string) => pictures(`<picture>${inside}</picture>`);
    assert.deepEqual(picture('<source data-srcset="a.jpg 1x"><source data-src=b.jpg><img src=c.jpg>'), [
      ['a.jpg', 'b.jpg'],
    ]);
    assert.deepEqual(picture('<source srcset="a.jpg, b.jpg 2x"><img src=c.jpg>'), [['c.jpg']]);
    assert.deepEqual(
      picture('<source srcset="a.jpg, blank.gif 2x"><source srcset=b.jpg><img src=blank.gif>'),
      [['a.jpg', 'b.jpg']],
    );
    assert.deepEqual(picture('<source srcset=blank.gif><img src=blank.gif>'), ['placeholder']);
    assert.deepEqual(picture('<source srcset="{a}"><img src=blank.gif>'), ['template']);
    assert.deepEqual(picture('<b data-src=a.jpg></b><img src=c.jpg>'), [['c.jpg']]);
    // Those of the first image; what a loader has beside the image itself counts more.
    assert.deepEqual(picture('<source data-src=a.jpg><img src=b.jpg><img src=c.jpg>'), [
      ['a.jpg'],
      ['c.jpg'],
    ]);
    assert.deepEqual(picture('<source data-src=a.jpg><img data-src=b.jpg>'), [['b.jpg']]);
    assert.deepEqual(pictures('<p><source data-src=a.jpg><img src=b.jpg></p>'), [['b.jpg']]);
  });

  test('is the only image of the noscript right behind it', () => {
    const first = (html: string) => pictures(html)[0];
    const noscript = (inside: string) => `<noscript>${inside}</noscript>`;
    const twin = '<img src=twin.jpg>';
    assert.deepEqual(first(`<img src=a.jpg>${noscript(twin)}`), ['twin.jpg']);
    assert.deepEqual(first(`<picture><source data-src=b.jpg><img src=a.jpg></picture>${noscript(twin)}`), [
      'b.jpg',
    ]);
    assert.deepEqual(first(`<picture><img src=a.jpg></picture>${noscript(twin)}`), ['twin.jpg']);
    assert.deepEqual(first(`<img src=a.jpg>${noscript('<img srcset="twin.jpg 2x, b.jpg">')}`), [
      'twin.jpg',
      'b.jpg',
    ]);
    assert.deepEqual(first(`<img src=a.jpg>${noscript('<img src="{b}">')}`), 'template');
    for (const html of [
      `<img src=a.jpg><br>${noscript(twin)}`,
      `<p><img src=a.jpg></p>${noscript(twin)}`,
      `<picture><img src=a.jpg><img src=c.jpg></picture>${noscript(twin)}`,
      `<img src=a.jpg>${noscript(`${twin}<img src=c.jpg>`)}`,
      `<img src=a.jpg>${noscript('<img src=twin.jpg width=1 height=1>')}`,
      `<img src=a.jpg>${noscript('<img src=twin.jpg alt="">')}`,
      `<img src=a.jpg>${noscript('<img src="">')}`,
      `<img src=a.jpg><b>${twin}</b>`,
    ])
      assert.deepEqual(first(html), ['a.jpg'], html);
    assert.deepEqual(pictures(`${noscript(twin)}<img src=a.jpg>`), [['twin.jpg'], ['a.jpg']]);
    // No further than twenty elements, the noscript itself among them.
    const links = (count: number) => first(`<img src=a.jpg>${noscript(`${'<br>'.repeat(count)}${twin}`)}`);
    assert.deepEqual([links(18), links(19)], [['twin.jpg'], ['a.jpg']]);
  });
});
