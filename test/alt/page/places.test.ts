/** What hides an image, or gives it a name, beyond the forms that were recorded from axe-core. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { objectionsTo } from '../../../src/alt/page/page-images.ts';
import { readPageText } from '../../../src/alt/page/page-text.ts';

const objections = (html: string) => objectionsTo(readPageText(Buffer.from(html)));
/** Those among the pages that are objected to. */
const objected = (pages: readonly string[]) => pages.filter((html) => objections(`<body>${html}`).length > 0);
const IMG = '<img src=a.jpg>';
const styled = (style: string, inside = IMG) => `<div style="${style}">${inside}</div>`;

function tell(what: string, silent: readonly string[], faulty: readonly string[]) {
  test(what, () => {
    assert.deepEqual(objected(silent), []);
    assert.deepEqual(objected(faulty), faulty);
  });
}

test('an objection has address, line and rule, and says whether there are blanks', () => {
  assert.deepEqual(
    objections(
      '\n<img src=" a.jpg " alt=" ">\n<map><area href=b></map><b role=img></b><input type=image src=c>',
    ),
    [
      { src: 'a.jpg', line: 2, rule: 'image-alt', blank: true },
      { src: 'b', line: 3, rule: 'area-alt', blank: false },
      { src: '', line: 3, rule: 'role-img-alt', blank: false },
      { src: 'c', line: 3, rule: 'input-image-alt', blank: false },
    ],
  );
});

describe('an image is hidden', () => {
  tell(
    'by its style: the last declaration counts, or the last important one',
    [
      'display:none',
      ' DISPLAY : NONE ',
      'color:red;;display:none;',
      'display:block;display:none',
      'display:none!important;display:block',
      'display:none ! important ; display: block',
      'display:block;display:none !important',
      'display:block!important;display:none!important',
      'visibility:hidden',
      'visibility:collapse',
      'content-visibility:hidden',
    ].map((style) => styled(style)),
    [
      'display:block',
      'display none',
      ':none',
      'none',
      'xdisplay:none',
      'display:none;display:block',
      'display:none !x;display:block',
      'display:none!important;display:block!important',
      'display:block!important;display:none',
      'visibility:visible',
      'visibility:xhidden',
      'visibility:hiddenx',
      'visibility:collapsed',
      'visibility:hidden;visibility:inherit',
      'content-visibility:auto',
      'content:hidden',
      '',
    ].map((style) => styled(style)),
  );

  tell(
    'with all that it is in, but for visibility, which may be undone',
    [
      styled('visibility:hidden', styled('visibility:inherit', `<b>${IMG}</b>`)),
      styled('visibility:hidden', styled('visibility:visible', styled('visibility:hidden', IMG))),
      styled('display:none', styled('visibility:hidden', styled('visibility:visible'))),
      `<div aria-hidden=" TRUE ">${styled('visibility:hidden', styled('visibility:visible'))}</div>`,
      `<p hidden><b aria-hidden=true><i>${IMG}</i></b></p>`,
      `<p aria-hidden=true><b hidden><i>${IMG}</i></b></p>`,
      `<p hidden><b style="display:block">${IMG}</b></p>`,
      `<p inert><b>${IMG}</b></p>`,
    ],
    [
      styled('visibility:hidden', styled('visibility:visible', `<b>${IMG}</b>`)),
      styled('visibility:hidden', `</div><div style="visibility:visible">${IMG}`),
      `<p aria-hidden=false>${IMG}</p>`,
      `<p hidden>${IMG.replace('img', 'b')}</p>${IMG}`,
    ],
  );

  tell(
    'by what browsers do not show',
    [
      `<p hidden="">${IMG}</p>`,
      `<p hidden="UNTIL-found">${IMG}</p>`,
      `<p popover=manual>${IMG}</p>`,
      `<details><b>x</b>${IMG}</details>`,
      `<details><p>x</p><summary>y</summary><b>${IMG}</b></details>`,
      `<details><summary>x</summary><details open>${IMG}</details></details>`,
      `<dialog><b>${IMG}</b></dialog>`,
      `<template><b>${IMG}</b></template><noscript><b>${IMG}</b></noscript>`,
      `<noembed>${IMG}</noembed>`,
    ],
    [
      `<img src=a.jpg style="content-visibility:hidden">`,
      `<img src=a.jpg hidden="Until-Found">`,
      `<p open>${IMG}</p>`,
      `<dialog open=""><b>${IMG}</b></dialog>`,
      `<details open=""><b>${IMG}</b></details>`,
      `<details>text<summary>x<b>${IMG}</b></summary></details>`,
      `<p><summary>x</summary>${IMG}</p>`,
      `<p hidden style="display:block">${IMG}</p>`,
      `<label><map>${IMG}</map></label>`,
    ],
  );
});

describe('an area', () => {
  tell(
    'needs a text where it leads somewhere, in a map, hidden or not',
    [
      '<area href=a>',
      '<map><area></map>',
      '<map><template><area href=a></template></map>',
      '<noscript><map><area href=a></map></noscript>',
      '<map><p><area href=a alt=x></p></map>',
      '<map><area href=a :alt=x></map>',
    ],
    [
      '<map><p><b><area href=a></b></p></map>',
      '<map><p hidden><area href=a></p></map>',
      '<map><label><area href=a></label></map>',
      '<label>x<map><area href=a></map></label>',
      '<map><area href=a role=none></map>',
    ],
  );
});

describe('a name', () => {
  const by = (element: string) => `${element}<img src=a.jpg aria-labelledby="x">`;
  tell(
    'is the text of the element that an image says it is labelled by',
    [
      by('<i id=x>cow</i>'),
      by('<i id=x><b><u>cow</u></b></i>'),
      by('<i id=x aria-label=cow></i>'),
      by('<i id=x><b title=cow></b></i>'),
      by('<i id=x :title=cow></i>'),
      by('<img id=x alt=cow>'),
      by('<map><area id=x alt=cow></map>'),
      by('<input id=x alt=cow>'),
      by('<input id=x :value=cow>'),
      by('<i id=x>cow</i><i id=x> </i>'),
      by('<div hidden><i id=x>cow</i></div>'),
      by('<div hidden><i id=x><b hidden>cow</b></i></div>'),
      by('<i id=x style="visibility:hidden">cow</i>'),
      by('<i id=x aria-hidden=true>cow</i>'),
      by('<i id=x><b hidden>cow</b><b>cow</b></i>'),
      '<i id=x>cow</i><img aria-labelledby="y\tx">',
      '<img :aria-label=x>',
      '<img :title=x>',
      '<img :aria-labelledby=x>',
    ],
    [
      by('<i id=x> </i><i id=x>cow</i>'),
      by('<i id=y>cow</i>'),
      by('<i id=x></i>cow'),
      by('<b>cow<i id=x></i></b>'),
      by('<i id=x alt=cow></i>'),
      by('<i id=x value=cow></i>'),
      by('<i id=x :alt=cow></i>'),
      by('<i id=x aria-label=" " title="&nbsp;"></i>'),
      by('<i id=x><!-- cow --></i>'),
      by('<script id=x title=cow>cow</script>'),
      by('<style id=x>cow</style>'),
      by('<noscript id=x>cow</noscript>'),
      by('<noscript><i id=x>cow</i></noscript>'),
      by('<template id=x>cow</template>'),
      by('<i id=x><b aria-hidden=true>cow</b></i>'),
      by('<i id=x><b style="visibility:hidden">cow</b></i>'),
      '<i id="">cow</i><img aria-labelledby="">',
      '<img :alt-text=x>',
    ],
  );

  const go = '<input type=image id=x src=a.jpg>';
  tell(
    'of a button is in the label around it or for it, in what nobody sees too',
    [
      `<label for=x><b>Go</b></label>${go}`,
      `${go}<label for=x aria-label=Go></label>`,
      `<label for=x hidden></label>${go}`,
      `<label for=x style="visibility:hidden"></label>${go}`,
      `<label><p><b>${go}</b></p></label>`,
      `<label><map>${go}</map></label>`,
      '<input type=image src=a.jpg alt=Go>',
      '<input type=image src=a.jpg :alt=x>',
    ],
    [
      `<label for=x></label>${go}`,
      `<label for=y>Go</label>${go}`,
      `<b for=x>Go</b>${go}`,
      `<label for=x aria-hidden=true>Go</label>${go}`,
      `<label for=x><b hidden>Go</b></label>${go}`,
      `<template><label for=x>Go</label></template>${go}`,
      `<label>Go</label>${go}`,
      '<label for="">Go</label><input type=image src=a.jpg>',
      '<label for="">Go</label><input type=image id="" src=a.jpg>',
    ],
  );
});

describe('a role', () => {
  tell(
    'makes a decoration or another thing of an image, unless the keyboard reaches it',
    [
      '<img role=none>',
      '<img role=" Separator ">',
      '<img role=none tabindex=x1>',
      '<img role=none tabindex="">',
      '<img role=none alt=" ">',
      '<img role=none aria-x=y>',
      '<object role=img></object>',
      '<svg role=img></svg>',
      '<b role=image title=cow></b>',
      '<b role=img class="{{ c }}"></b>',
    ],
    [
      '<img role=none tabindex=-1>',
      '<img role=none tabindex=" +1x">',
      '<img role=none aria-label="">',
      '<img role=separator tabindex=1>',
      '<img role=image>',
      '<img role="">',
      '<b role=img alt=cow></b>',
      '<b role=image></b>',
    ],
  );
});
