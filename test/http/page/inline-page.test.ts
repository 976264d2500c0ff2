import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { Script } from 'node:vm';
import { gzipSync } from 'node:zlib';
import { inlinePage } from '../../../src/http/page/inline-page.ts';
import { temporaryDirectory } from '../../support/bundles.ts';

const { path: directory, dispose } = temporaryDirectory();
after(dispose);

const warnings: Error[] = [];
process.on('warning', (warning) => warnings.push(warning));

const page = await inlinePage(new URL('../../../src/http/page/page.html', import.meta.url));
/** What pages with a login have in it as well. */
const login = await inlinePage(new URL('../../../src/http/page/login.html', import.meta.url));

/** Writes files beside each other and inlines the first one. */
function inlined(files: Record<string, string>): Promise<string> {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  return inlinePage(pathToFileURL(join(directory, Object.keys(files)[0]!)));
}

function scriptOf(html: string): string {
  return /<script type="module">\n([\s\S]*?)<\/script>/.exec(html)![1]!;
}

describe('the page as one document', () => {
  it('names no file of its own any more', () => {
    assert.doesNotMatch(page + login, /\.(css|ts|js)["']/);
  });

  it('is a script in which no name is declared twice', () => {
    // In a block, as in a module, two functions of one name are an error.
    for (const html of [page, login])
      assert.doesNotThrow(() => new Script(`'use strict'; {${scriptOf(html)}}`));
  });

  it('has the product’s own alternative text, tree layout and heat painting in it, once', () => {
    for (const name of ['altText', 'layOut', 'heatCells']) {
      assert.equal(scriptOf(page).split(`function ${name}(`).length, 2, name);
    }
  });

  it('is no heavier than a photograph that goes to the server', () => {
    // Many photographs at once took a quarter more than the 64,000 bytes of before; compressed it is a third of this. Sentences
    // with capital letters, and pieces of words in the tree, took the last 500 bytes.
    assert.ok(Buffer.byteLength(page) < 88_000, `${Buffer.byteLength(page)} bytes`);
    assert.ok(gzipSync(page).length < 30_000, `${gzipSync(page).length} bytes compressed`);
    assert.ok(gzipSync(login).length < 4_000, `${gzipSync(login).length} bytes compressed`);
  });

  it('was made without a word on standard error', async () => {
    await new Promise(setImmediate);
    assert.deepEqual(warnings, []);
  });
});

describe('inlinePage', () => {
  it('puts a module after what it imports, once, without types', async () => {
    const html = await inlined({
      'page.html': '<script type="module" src="main.ts"></script>',
      'main.ts': "import { b } from './b.ts';\nimport { c } from './c.ts';\nb(c as number);\n",
      'b.ts':
        "import type { N } from './n.ts';\nimport { c } from './c.ts';\nexport function b(n: N) { return n + c; }\n",
      'c.ts': '/** A number. */\nexport const c = 1;\n',
    });
    assert.equal(scriptOf(html), 'const c = 1;\nfunction b(n ) { return n + c; }\nb(c  );\n');
  });

  it('takes comments and indentation out, and leaves what is said', async () => {
    const html = await inlined({
      'page.html': '<!-- Why. -->\n<p>\n  a  b\n</p>\n<script type="module" src="main.ts"></script>\n',
      'main.ts': "/** Why. */\nif (a) {\n  b(`x  y` as string);\n\n  c('  ');\n}\n",
    });
    assert.equal(
      html,
      '<p>\na  b\n</p>\n<script type="module">\nif (a) {\nb(`x  y`  );\nc(\'  \');\n}\n</script>\n',
    );
  });

  it('puts small pictures into it', async () => {
    const html = await inlined({ 'page.html': '<img src="a.webp" alt="">\n', 'a.webp': 'RIFF' });
    assert.equal(html, '<img src="data:image/webp;base64,UklGRg==" alt="">\n');
  });

  it('refuses text of several lines, whose indentation would be lost', async () => {
    const files = { 'page.html': '<script type="module" src="main.ts"></script>' };
    await assert.rejects(inlined({ ...files, 'main.ts': 'a(`\n  b`);\n' }), /main\.ts/);
  });

  it('takes comments and blanks out of styles', async () => {
    const html = await inlined({
      'page.html': '<link rel="stylesheet" href="a.css">',
      'a.css': '/* Why. */\na, b {\n  color: red;\n  margin: 0 1px;\n}\n',
    });
    assert.equal(html, '<style>\na,b{color: red;margin: 0 1px;}\n</style>');
  });

  it('leaves a document alone in which everything stands already', async () => {
    assert.equal(await inlined({ 'page.html': page }), page);
  });

  for (const source of ["import * as a from './a.ts';", "import a from './a.ts';", 'export default 1;']) {
    it(`refuses ${source}`, async () => {
      const files = {
        'page.html': '<script type="module" src="main.ts"></script>',
        'main.ts': `${source}\n`,
      };
      await assert.rejects(inlined({ ...files, 'a.ts': '' }), /main\.ts/);
    });
  }
});
