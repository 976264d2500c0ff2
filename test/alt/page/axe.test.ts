import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { describe, it } from 'node:test';
import { objectionsTo } from '../../../src/alt/page/page-images.ts';
import { readPageText } from '../../../src/alt/page/page-text.ts';
import { launchBrowser, NO_BROWSER } from '../../support/browser.ts';
import { AXE_FORMS, AXE_PAGE } from './axe-forms.ts';

const RULES = ['image-alt', 'input-image-alt', 'area-alt', 'role-img-alt'];

interface Violation {
  id: string;
  forms: string[];
}

describe('the rules of axe-core', () => {
  it('say of each form what axe-core was recorded to say', () => {
    const found = new Map(objectionsTo(readPageText(Buffer.from(AXE_PAGE))).map((o) => [o.line, o.rule]));
    const differing = AXE_FORMS.map(([markup, rule], n) => [markup, found.get(n + 2) ?? null, rule]).filter(
      ([, ours, theirs]) => ours !== theirs,
    );
    assert.deepEqual(differing, []);
    assert.equal(AXE_PAGE.trimEnd().split('\n').length, AXE_FORMS.length + 1);
  });

  it('were recorded from the axe-core that is installed, in a browser', { skip: NO_BROWSER }, async (t) => {
    const browser = await launchBrowser();
    t.after(() => browser.close());
    const page = await browser.newPage();
    await page.setContent(AXE_PAGE);
    await page.evaluate(readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8'));
    const violations = await page.evaluate<Violation[]>(
      `axe.run(document, { runOnly: ${JSON.stringify(RULES)}, elementRef: true }).then(({ violations }) =>
        violations.map(({ id, nodes }) => ({
          id,
          forms: nodes.map(({ element }) => element.closest('[data-form]').dataset.form),
        })))`,
    );
    const found = new Map(violations.flatMap(({ id, forms }) => forms.map((form) => [Number(form), id])));
    assert.deepEqual(
      AXE_FORMS.map(([markup], n) => [markup, found.get(n) ?? null]),
      AXE_FORMS.map((form) => [...form]),
    );
  });
});
