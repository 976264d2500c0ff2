// biome-ignore-all lint/suspicious/noTemplateCurlyInString: pages of template engines
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { HtmlElement } from '../../../src/alt/page/html-elements.ts';
import {
  hasTemplateCode,
  isBound,
  isTemplateAddress,
  maskTemplateCode,
} from '../../../src/alt/page/template-code.ts';
import { ends } from '../ends.ts';

const FILL = '\ufdd0';
/** With the letter that stands for template code made one that can be read. */
const masked = (text: string) => maskTemplateCode(text).replaceAll(FILL, '#');
const element = (attributes: Record<string, string>) =>
  ({ attrs: Object.entries(attributes).map(([name, value]) => ({ name, value })) }) as HtmlElement;

describe('template code', () => {
  const blanks = (length: number) => ' '.repeat(length);
  const CASES: [what: string, page: string, expected: string][] = [
    ['none', 'a { b } % [c] < d ? e', 'a { b } % [c] < d ? e'],
    ['of every engine', 'a{{b}}{%c%}[%d%]<%e%><?f?>g', `a${'#'.repeat(25)}g`],
    ['empty', '{{}}{%%}[%%]<%%><??>x', `${'#'.repeat(20)}x`],
    ['with a third brace, and all further ones', '{{{ a }}}}}x', '###########x'],
    ['whose last brace belongs to something else', '{% a %}}', '#######}'],
    ['over several lines', '{{ a\r\nb\nc\rd }}', '####\r\n#\n#\r####'],
    ['more than once', 'a {{b}} c {{d}} e', 'a ##### c ##### e'],
    ['begun twice', '{{ a {{ b }} c }}', '############ c }}'],
    ['that has an end of another kind in it', '{{ a %} b }} %}', '############ %}'],
    ['begun within another kind', '{{ a <% }} %>', '########## %>'],
    ['without an end', 'a {{ b %} c', 'a {{ b %} c'],
    ['without an end behind one that has one', '{{a}} {{b <%c%>', '##### {{b #####'],
    [
      'an instruction of XML',
      '<?xml version="1.0"?><?xml?><?xmlish?>',
      '<?xml version="1.0"?><?xml?>##########',
    ],
    ['that would end far away', `{{${blanks(1001)}}}x`, `{{${blanks(1001)}}}x`],
    ['that ends just in time', `{{${blanks(1000)}}}x`, `${'#'.repeat(1004)}x`],
    [
      'of signs that would end far away',
      `{%${blanks(1001)}%}[%${blanks(1001)}%]`,
      `{%${blanks(1001)}%}[%${blanks(1001)}%]`,
    ],
    ['in angle brackets, of any length', `<%${blanks(1001)}%><?${blanks(1001)}?>x`, `${'#'.repeat(2010)}x`],
    ['with the end of an element in it', '{{ </b> }}{% --> %}', '{{ </b> }}{% --> %}'],
    ['with a slash and an arrow in it', '{{ < / }}{% -- > %}', `${'#'.repeat(19)}`],
    ['in angle brackets, whatever is in it', '<% </b> --> %>x', `${'#'.repeat(14)}x`],
    ['behind what looks like it', '{{ </i> {{ b }}x', '{{ </i> #######x'],
  ];
  for (const [what, page, expected] of CASES)
    test(`${what} is made one letter: ${page.slice(0, 40)}`, () => {
      assert.equal(masked(page), expected);
      // Nothing is left over from the page before.
      assert.equal(masked('{{a}}'), '#####');
    });

  test('is in a tag where it is in a name or a value', () => {
    assert.ok(hasTemplateCode(element({ src: `a${FILL}`, alt: '' })));
    assert.ok(hasTemplateCode(element({ src: 'a', [FILL]: '' })));
    assert.ok(!hasTemplateCode(element({ src: '{{a}}', '{b}': '' })));
    assert.ok(!hasTemplateCode(element({})));
  });
});

test('openers far from their end take linear time', () => {
  ends(() => maskTemplateCode(`${'{{'.repeat(2_000_000)}}}`));
});

test('addresses of templates are told from those of files', () => {
  const made = ['{a', 'a}', `a${FILL}`, 'x[[a', '@Model.A', '$a', '@(a', '$!a', '${a}', '@a', 'xdata:{'];
  const files = [
    '',
    'a.jpg',
    'a@b.jpg',
    'a$b.jpg',
    '@',
    '$',
    '@/a.jpg',
    '$.a',
    'x[a]',
    'data:x,{}',
    ' DATA:{',
  ];
  assert.deepEqual([...made, ...files].filter(isTemplateAddress), made);
});

describe('an attribute that a framework sets', () => {
  const bound = (wanted: string, attributes: Record<string, string>) =>
    Object.entries(attributes).filter(([name, value]) => isBound(element({ [name]: value }), wanted));
  const all = (attributes: Record<string, string>) =>
    assert.deepEqual(bound('alt', attributes), Object.entries(attributes));
  const none = (attributes: Record<string, string>) => assert.deepEqual(bound('alt', attributes), []);
  const each = (names: string, value: string) =>
    Object.fromEntries(names.split(' ').map((name) => [name, value]));

  test('is any, by some attributes', () => {
    all(each('v-bind:[a] :[a] @attributes th:replace th-include data-th:insert data-th-replace', 'x'));
    none(each('xv-bind:[a] a:[a] @attributesx x@attributes th:replaced xth:replace th:x', 'x'));
    all(each('{a a} a{b $a [[a', ''));
    none(each('a$ a[[b [a]', 'x'));
    all({ '@a': '', '@a(b)': 'x', '@(a': 'x' });
    none({ '@a': 'x', 'a@': '', 'a(b)': 'x', 'a(': '' });
  });

  test('is one in a list', () => {
    const lists =
      'v-bind x-bind th:attr th-attr data-th:attrappend th-attrprepend data-bind data-i18n tal:attributes py:attrs';
    all(each(lists, '{ src: a, alt: b }'));
    all(each(lists, 'alt'));
    none(each(lists, '{ salt: a, alt_x: b, x-alt: c, alts: d }'));
    none(
      each(
        'av-bind v-binds xth:attr th:attrs data-bindx xdata-i18n data-i18nx tal:attributesx py:attrsx',
        'alt',
      ),
    );
    none(each('th:attr th-attr data-i18n tal:attributes py:attrs', 'more'));
  });

  test('is any where an object is not written out', () => {
    all(each('v-bind x-bind', 'more'));
    all(each('v-bind x-bind', '{ width: 1, ...more }'));
    all(each('v-bind x-bind', 'more({})'));
    none(each('v-bind x-bind', ' { width: 1 }'));
    all({ 'data-bind': 'attr: more' });
    all({ 'data-bind': 'css: a, attr  :more' });
    for (const value of [
      'attr: { src: a }',
      'attr:{}',
      'attr:',
      'attr: ',
      'myattr: more',
      'visible: more',
      '...',
    ])
      none({ 'data-bind': value });
  });

  test('is the one that a name of HTML ends in behind a prefix', () => {
    all(
      each(
        'bind-alt ng-alt ng-attr-alt data-ng-alt data-ng-attr-alt x-ng-alt data-th-alt data-wp-bind--alt data-bind-alt rv-alt',
        'x',
      ),
    );
    none(
      each(
        'xbind-alt bind-x-alt ng-altx data-alt alt-x x-alt th-alt data-wp-alt data-wp-bind-alt ng-x-alt',
        'x',
      ),
    );
    all(each('th:alt-title th-alt-title data-th:alt-title data-th-alt-title', 'x'));
    none(each('xth:alt-title th:alt-titles data-x-th-alt-title', 'x'));
    assert.deepEqual(bound('title', each('th:alt-title th-alt-title', 'x')), []);
    assert.deepEqual(bound('title', each('data-th-title ng-attr-title', 'x')).length, 2);
  });

  test('is the one that a name which HTML does not know has as a part', () => {
    all(
      each(
        ':alt .alt [alt] [attr.alt] [(alt)] alt.bind alt$ bind:alt th:alt on:alt av-on:alt v-bind:alt.prop *alt',
        'x',
      ),
    );
    none(each(':alt-x :x-alt :alt_ .alt2 @alt (alt) v-on:alt x-on:alt alt- i18n-alt', 'x'));
  });

  test('is not the attribute itself', () => {
    none({ alt: 'x', title: 'x' });
    assert.deepEqual(bound(':alt', { ':alt': 'x' }), []);
    assert.ok(isBound(element({ alt: 'x', ':alt': 'x' }), 'alt'));
  });
});
