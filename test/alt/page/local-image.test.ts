import assert from 'node:assert/strict';
import { mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { localImage, pagePlace } from '../../../src/alt/page/local-image.ts';
import { temporaryDirectory } from '../../support/bundles.ts';
import { rejectsWith } from '../../support/errors.ts';

const temporary = temporaryDirectory();
after(() => temporary.dispose());
const site = join(realpathSync(temporary.path), 'site');
mkdirSync(join(site, 'blog/img'), { recursive: true });
for (const file of [
  'secret.jpg',
  'site/a.jpg',
  'site/blog/b.jpg',
  'site/blog/..c.jpg',
  'site/blog/img/c d&é.jpg',
  'site/blog/page.html',
]) {
  writeFileSync(join(site, '..', file), '');
}
symlinkSync('../../secret.jpg', join(site, 'blog/way-out.jpg'));
symlinkSync('b.jpg', join(site, 'blog/inside.jpg'));

/** What an address in `site/blog/page.html` means: a path below `site`, or why there is none. */
async function meant(src: string, { root, base = null }: { root?: string; base?: string | null } = {}) {
  const found = await localImage(src, await pagePlace(join(site, 'blog/page.html'), base, root));
  return 'file' in found ? found.file.slice(site.length + 1) : found.skipped;
}

describe('an address in a page', () => {
  it('means a file beside the page', async () => {
    for (const [src, file] of [
      ['b.jpg', 'blog/b.jpg'],
      ['./b.jpg?v=2#x', 'blog/b.jpg'],
      ['img/../b.jpg', 'blog/b.jpg'],
      ['img/c%20d&%C3%A9.jpg', 'blog/img/c d&é.jpg'],
      ['img/c d&é.jpg', 'blog/img/c d&é.jpg'],
      ['img\\c d&é.jpg', 'blog/img/c d&é.jpg'],
      ['inside.jpg', 'blog/b.jpg'],
      ['..c.jpg', 'blog/..c.jpg'],
      ['.', 'blog'],
      [' /b.jpg\t', 'blog/b.jpg'],
      ['\\b.jpg', 'blog/b.jpg'],
      ['/', 'blog'],
      [`file://${site}/blog/b.jpg`, 'blog/b.jpg'],
    ] as const) {
      assert.equal(await meant(src), file, src);
    }
  });

  it('is remote with any scheme or host, and empty, missing or odd without harm', async () => {
    for (const [src, why] of [
      ['https://example.com/a.jpg', 'remote'],
      ['//example.com/a.jpg', 'remote'],
      ['\\\\example.com\\a.jpg', 'remote'],
      ['data:image/png;base64,AAAA', 'remote'],
      ['blob:x', 'remote'],
      ['file://elsewhere/b.jpg', 'remote'],
      ['c:/a.jpg', 'remote'],
      ['http://[', 'remote'],
      ['img%2Fc.jpg', 'remote'],
      ['', 'no address'],
      ['none.jpg', 'missing'],
      ['a\0.jpg%00', 'missing'],
      [`${'x'.repeat(300)}.jpg`, 'missing'],
    ] as const) {
      assert.equal(await meant(src), why, src);
    }
  });

  it('never leaves the directory of the page, or the root', async () => {
    for (const src of [
      '..',
      '../a.jpg',
      'file:///etc/hostname',
      '../../secret.jpg',
      'way-out.jpg',
      '%2e%2e/a.jpg',
    ]) {
      assert.equal(await meant(src), 'outside', src);
    }
    assert.equal(await meant('/b.jpg'), 'blog/b.jpg');
    for (const [src, what] of [
      ['../a.jpg', 'a.jpg'],
      ['/a.jpg', 'a.jpg'],
      ['/blog/b.jpg', 'blog/b.jpg'],
      ['/../secret.jpg', 'outside'],
      ['../../secret.jpg', 'outside'],
      ['way-out.jpg', 'outside'],
    ] as const) {
      assert.equal(await meant(src, { root: site }), what, src);
    }
  });

  it('starts from the base address', async () => {
    assert.equal(await meant('c d&é.jpg', { base: 'img/' }), 'blog/img/c d&é.jpg');
    assert.equal(await meant('b.jpg', { base: '/blog/', root: site }), 'blog/b.jpg');
    assert.equal(await meant('b.jpg', { base: 'https://example.com/' }), 'remote');
    assert.equal(await meant('/b.jpg', { base: 'https://example.com/' }), 'remote');
    assert.equal(await meant('b.jpg', { base: '../../' }), 'outside');
  });

  it('needs a root that is there', async () => {
    const none = join(site, 'none');
    const { message } = await rejectsWith(
      pagePlace(join(site, 'blog/page.html'), null, none),
      'InvalidRequest',
    );
    assert.ok(message.includes(none), message);
  });
});
