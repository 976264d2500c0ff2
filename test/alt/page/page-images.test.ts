// biome-ignore-all lint/suspicious/noTemplateCurlyInString: pages of template engines
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { imagesWithoutAlt, objectionsTo } from '../../../src/alt/page/page-images.ts';
import { readPageText } from '../../../src/alt/page/page-text.ts';
import { InvalidRequest } from '../../../src/errors.ts';
import { ends } from '../ends.ts';

const found = (html: string) => imagesWithoutAlt(readPageText(Buffer.from(html))).images;
const objected = (html: string) => objectionsTo(readPageText(Buffer.from(html))).map(({ rule }) => rule);

/** Addresses of the first image, or why it is left; `null` where its alternative text is given. */
function picture(html: string): string[] | string | null {
  const [image] = found(html);
  if (image === undefined) return null;
  return 'left' in image.picture ? image.picture.left : image.picture.addresses;
}

const GIF = 'data:image/gif;base64,R0lGODlhAQABAAAAACw=';
const SVG = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 3 2'%3E%3C/svg%3E";

describe('the picture of an image without alternative text', () => {
  it('is the one that a lazy loader puts in place of the placeholder', () => {
    for (const attributes of [
      'src=blur.jpg data-src=real.jpg',
      'data-src=real.jpg',
      `src="${GIF}" data-src=" real.jpg "`,
      `src="${SVG}" data-lazy-src=real.jpg`,
      'src=grey.gif data-original=real.jpg',
      'src=grey.gif data-lazy=real.jpg class=slick',
      'src=grey.gif data-lazyload=real.jpg',
      'src=grey.gif data-echo=real.jpg',
      'src=grey.gif data-ll-src=real.jpg data-ll-status=loaded',
      'src=grey.gif data-cfsrc=real.jpg',
      'src=grey.gif data-pagespeed-lazy-src=real.jpg',
      'src=grey.gif data-flickity-lazyload-src=real.jpg',
      'src=grey.gif data-splide-lazy=real.jpg',
      'src=grey.gif lazy-src=real.jpg',
      'src=blur.jpg data-srcset="real.jpg 800w"',
      `src="${GIF}" data-lazy-srcset="real.jpg 1x"`,
      `src="${GIF}" srcset="real.jpg 800w"`,
      'src=blur.jpg data-lazy=true data-src=real.jpg',
      'src=blur.jpg data-placeholder-src=tiny.jpg data-src=real.jpg',
      'loading=lazy src=real.jpg',
      'src=real.jpg data-lazy=true',
      'src=real.jpg data-original-title="Tom &amp; co."',
      'src=real.jpg data-thumb-src=thumb.jpg data-fallback-src=none.png',
      'src=real.jpg width=1 height=600',
      'src=spacer.gif width=1 height=1 data-src=real.jpg',
    ]) {
      assert.equal(picture(`<img ${attributes}>`)?.[0], 'real.jpg', attributes);
    }
  });

  it('is never the placeholder as well, not even where the other one is missing', () => {
    assert.deepEqual(picture('<img src=blur.jpg data-src=real.jpg data-srcset="s.jpg 1w, l.jpg 2w">'), [
      'real.jpg',
      's.jpg',
      'l.jpg',
    ]);
  });

  it('is in a picture element, or in the noscript behind', () => {
    for (const html of [
      '<picture><source data-srcset="real.jpg 1x"><img src=blur.jpg></picture>',
      `<picture><source srcset="real.jpg 1x"><img src="${GIF}"></picture>`,
      '<img src=blur.jpg><noscript><img src=real.jpg></noscript>',
      `<img src="${GIF}">\n<!-- -->\n<noscript><picture><source><img src=real.jpg></picture></noscript>`,
      `<picture><source><img src="${GIF}"></picture><noscript><img src=real.jpg></noscript>`,
    ]) {
      assert.deepEqual(picture(html), ['real.jpg'], html);
    }
    // Pixels that count visitors.
    for (const pixel of ['<img width=1 height=1 src=//x.org/>', '<img src=x.php alt="">', 'Scripts!']) {
      assert.deepEqual(picture(`<img src=real.jpg><noscript>${pixel}</noscript>`), ['real.jpg'], pixel);
    }
  });

  it('is described for the twin in noscript too', () => {
    const images = found('<img src=blur.jpg data-src=real.jpg><noscript><img src=real.jpg></noscript>');
    assert.deepEqual(
      images.map(({ src }) => src),
      ['real.jpg', 'real.jpg'],
    );
  });

  it('is the one that browsers show where there is a srcset', () => {
    assert.deepEqual(picture('<img src=a.jpg srcset="b.jpg 2x">'), ['a.jpg', 'b.jpg']);
    assert.deepEqual(picture('<img src=a.jpg srcset="b.jpg 800w">'), ['b.jpg', 'a.jpg']);
    assert.deepEqual(picture('<img src=a.jpg srcset="b.jpg, c.jpg 2x">'), ['b.jpg', 'c.jpg', 'a.jpg']);
  });

  it('is left where there is none, or none to tell', () => {
    for (const [attributes, why] of [
      ['src=img/placeholder.gif', 'placeholder'],
      ['src="/theme/blank.png?v=2"', 'placeholder'],
      ['src=lazy-placeholder.svg class=lazyload', 'placeholder'],
      ['src=p.gif width=1 height=1', 'spacer'],
      ['src=p.gif width=1px height=0', 'spacer'],
      ['src=p.gif style="border:0; width: 1px; height:1px"', 'spacer'],
      ['src=a.jpg alt=" "', 'blank alt'],
      ['src=a.jpg alt="&nbsp;"', 'blank alt'],
      ['src={photo}', 'template'],
      ['src=${photo}', 'template'],
      ['src=blur.jpg :src="photo"', 'template'],
      ['[src]="photo"', 'template'],
      ['src=dummy.jpg th:src="@{/a.jpg}"', 'template'],
      ['ng-src="{{photo}}"', 'template'],
      ['src="@Model.Photo"', 'template'],
      ['src="{{ photo }}"', 'template'],
      ['src=blur.jpg data-src="<%= photo %>"', 'template'],
      ['src=blur.jpg data-src="${photo}"', 'template'],
      ['src=a.jpg class="{{ c }}"', 'template'],
    ] as const) {
      assert.equal(picture(`<img ${attributes}>`), why, attributes);
    }
    assert.deepEqual(picture(`<img src="${SVG}">`), [SVG]);
    assert.deepEqual(picture('<img data-lazy>'), ['']);
  });

  it('is named as the file has it where a template makes it', () => {
    const named = (html: string) => found(html).map(({ src, line }) => [line, src]);
    assert.deepEqual(named('\n<img class="a" src="{{ photo | url:\n "x>y" }}">\n<img src=<?= $a["b"] ?>>'), [
      [2, '{{ photo | url:\n "x>y" }}'],
      [4, '<?= $a["b"] ?>'],
    ]);
  });
});

describe('an image that gets a text', () => {
  const whole = (html: string) => imagesWithoutAlt(readPageText(Buffer.from(html)));

  it('is told whole: address, line, picture and the place of the text', () => {
    assert.deepEqual(
      whole(
        '<base><base href="x/">\n<img src=a.jpg><img src=blank.gif\n data-src="b.jpg" id=b><img src=c.jpg alt=" ">',
      ),
      {
        base: 'x/',
        images: [
          { src: 'a.jpg', line: 2, picture: { addresses: ['a.jpg'] }, at: 27 },
          { src: 'b.jpg', line: 2, picture: { addresses: ['b.jpg'] }, at: 79 },
          { src: 'c.jpg', line: 3, picture: { left: 'blank alt' }, at: 84 },
        ],
      },
    );
  });

  it('has the address as it is written where that is left', () => {
    for (const [attributes, src] of [
      ['src="{{ a }}&amp;b=c"', '{{ a }}&amp;b=c'],
      ["src='{{ a }}'", '{{ a }}'],
      ['src = \' {{ "a" }} \'', '{{ "a" }}'],
      ['src={{a}}', '{{a}}'],
      ['src={{a}}"b"', '{{a}}"b"'],
      ['src="blank.gif"', 'blank.gif'],
      ['data-src="{{ a }}"', '{{ a }}'],
      ['src=a.jpg data-src="{{ b }}"', 'a.jpg'],
      [':src="photo"', 'photo'],
      ['data-srcset="{{ a }} 1x"', ''],
      ['class="{{ a }}"', ''],
      ['src="a.jpg" alt=" "', 'a.jpg'],
      ['src="{{ a }}" alt=" "', '{{ a }}'],
    ] as const)
      assert.deepEqual(
        found(`<img ${attributes}>`).map((image) => [image.src, 'left' in image.picture]),
        [[src, true]],
        attributes,
      );
  });
});

/** Ways in which an alternative text comes from elsewhere. */
const GIVEN = [
  ':alt="photo.title"',
  'v-bind:alt="photo.title"',
  ':alt.prop="x"',
  '.alt="x"',
  'x-bind:alt="x"',
  '[alt]="x"',
  '[attr.alt]="x"',
  'bind-alt="x"',
  'bind-attr.alt="x"',
  'ng-attr-alt="{{x}}"',
  'ng-attr-alt="x"',
  'data-ng-attr-alt="x"',
  'th:alt="${x}"',
  'data-th-alt="${x}"',
  'th:alt-title="${x}"',
  'th:attr="src=@{/a.jpg},alt=#{x}"',
  'data-bind="attr: { src: url, alt: title }"',
  'data-bind="attr: attributes"',
  'tal:attributes="alt here/title"',
  'data-i18n="[alt]cow"',
  'data-wp-bind--alt="context.alt"',
  'alt.bind="x"',
  'alt$="[[x]]"',
  'bind:alt={x}',
  'v-bind="attributes"',
  'v-bind="{ ...attributes }"',
  'x-bind="image"',
  '{...props}',
  '{alt}',
  '{...(a > b ? {} : props)}',
  '@attributes="more"',
  '@Model.Attributes',
  '@Html.Raw("alt=x")',
  '@(Model.Alt != null ? "alt" : "")',
  '$attributes',
  'alt={photo.alt}',
  'alt={a > b ? "x" : "y"}',
  'alt={`${x}`}',
  'alt=@Model.Alt',
  'alt="{{ x }}"',
  'alt={{ x }}',
  'alt="{{ "x" | t }}"',
  '{{ attributes }}',
  '{{{ attributes }}}',
  '{{attributes}}',
  '{{ if .Alt }}alt="{{ .Alt }}"{{ end }}',
  '{{#if alt}}alt="{{alt}}"{{/if}}',
  '{% if a > b %}alt="x"{% endif %}',
  '{%- if alt -%}alt="{{ alt }}"{%- endif -%}',
  '[% IF alt %]alt="[% alt %]"[% END %]',
  '<%= tag_options(alt: "a>b") %>',
  '<% if alt %>alt="<%= alt %>"<% end %>',
  '<?php if ($alt > "") echo "alt=\\"$alt\\"" ?>',
  '<?= $attributes ?>',
  'class="<?php echo "x>y" ?>" alt="y"',
  'title="{{ .Title }}"',
];

describe('an alternative text from a template', () => {
  it('counts as given', () => {
    for (const attributes of GIVEN) {
      for (const html of [`<img src=a.jpg ${attributes}>`, `<IMG\n${attributes}\nsrc="a.jpg" />`]) {
        const left = picture(html);
        assert.ok(left === null || left === 'template', `${html}: ${left}`);
        assert.deepEqual(objected(html), [], html);
      }
    }
  });

  it('is none in attributes that only look like it', () => {
    for (const attributes of [
      'data-alt=x',
      'alt2=x',
      ':alt-text="x"',
      ':data-alt="x"',
      '@alt="x"',
      '@click="open"',
      '(load)="show()"',
      '#photo',
      '*ngIf="photo"',
      'v-if="photo"',
      'x-on:alt="x"',
      ':class="alt"',
      'data-bind="visible: salt"',
      'v-bind="{ width: x }"',
      'th:attr="data-x=${salt}"',
      'i18n-alt',
    ]) {
      const html = `<img src=a.jpg ${attributes}>`;
      assert.deepEqual(picture(html), ['a.jpg'], html);
      assert.deepEqual(objected(html), ['image-alt'], html);
    }
  });

  it('lets no image near it be overlooked', () => {
    for (const html of [
      '{{ range .Photos }}<img src=a.jpg>{{ end }}',
      '{% if a > b %}<img src=a.jpg>{% endif %}',
      '<?php if ($a) { ?><img src=a.jpg><?php } ?>',
      '<?xml version="1.0"?><!DOCTYPE html><img src=a.jpg>',
      '<!-- {{ --><img src=a.jpg>{{ x }}',
      '<script>const a = "{{"</script><img src=a.jpg><script>"}}"</script>',
      '{{ unclosed <img src=a.jpg>',
      '<style>@media print{a{b{{</style><img src=a.jpg>}}',
      `{{${' '.repeat(2000)}<img src=a.jpg>}}`,
      '<b title="{{ "x>y" }}"><img src=a.jpg></b>',
      '100 <% of 200<img src=a.jpg>',
    ]) {
      assert.deepEqual(picture(html), ['a.jpg'], html);
    }
  });
});

describe('an image that has a name, or is kept from assistive technology', () => {
  it('gets no alternative text beside it', () => {
    for (const html of [
      '<img src=a.jpg role=presentation>',
      '<img src=a.jpg role=none>',
      '<img src=a.jpg aria-label="A cow">',
      '<b id=t>A cow</b><img src=a.jpg aria-labelledby=t>',
      '<img src=a.jpg title="A cow">',
      '<img src=a.jpg aria-hidden=true>',
      '<p aria-hidden=true><img src=a.jpg>',
    ]) {
      assert.equal(picture(html), null, html);
    }
  });

  it('gets one where it is hidden, since scripts show it', () => {
    for (const html of [
      '<img src=a.jpg hidden>',
      '<details>x<img src=a.jpg></details>',
      '<dialog><img src=a.jpg>',
    ]) {
      assert.deepEqual(picture(html), ['a.jpg'], html);
      assert.deepEqual(objected(html), [], html);
    }
  });
});

describe('a page whose tags overlap', () => {
  const overlapping = (tags: number) =>
    `<p>${Array.from({ length: tags }, (_, i) => `<b id=b${i}>`).join('')}${'x<p>'.repeat(tags)}<img src=a>`;

  it('is read, as old editors left it', () => {
    assert.equal(found(overlapping(15)).length, 1);
  });

  it('is refused where it would become many times as large', () => {
    assert.throws(() => found(overlapping(400)), InvalidRequest);
    assert.throws(() => objected(overlapping(400)), InvalidRequest);
  });
});

describe('a hostile page', () => {
  const MANY = 200_000;
  const LONG = `<img src=a srcset="${','.repeat(MANY)}" data-srcset="${'a ('.repeat(MANY)}" style="${'width:;'.repeat(MANY)}">`;
  for (const [what, html] of Object.entries({
    'long attributes': LONG,
    'a long name of a placeholder': `<img src="${'placeholder_'.repeat(MANY)}">`,
    'a long address of braces': `<img src="${'{'.repeat(MANY)}">`,
    'openers without closers': '{{{%[%<%<?'.repeat(MANY / 4),
    'openers far from their closers': `${'{{'.repeat(MANY)}}}`,
    'labels of one id': '<label for=x></label><input type=image id=x>'.repeat(MANY / 20),
    'names nested and empty': `${'<b id=x><img aria-labelledby=x>'.repeat(2)}${Array.from({ length: MANY / 20 }, (_, n) => `<div id=d${n}><img aria-labelledby=d${n}>`).join('')}`,
    'noscripts in one parent': '<img src=a><noscript><img src=b></noscript>'.repeat(MANY / 20),
    'details of many': `<details>${'<img src=a>'.repeat(MANY / 10)}</details>`,
    'sources beside one image': `<picture>${'<source data-srcset="a 1x">'.repeat(MANY / 10)}<img></picture>`,
    'noscripts and pictures nested': `${'<img><noscript>'.repeat(MANY / 40)}${'<picture>'.repeat(MANY / 40)}<img>`,
    'images in one picture': `<picture>${'<source srcset=a>'.repeat(MANY / 20)}${'<img>'.repeat(MANY / 20)}</picture>`,
  })) {
    it(`takes linear time: ${what}`, () => {
      ends(() => {
        found(html);
        objected(html);
      });
    });
  }
});
