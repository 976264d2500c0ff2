import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { altText } from '../../../src/alt/alt-text.ts';
import { DEFAULT_BUNDLE, loadCaptioner } from '../../../src/model/load.ts';
import { temporaryDirectory } from '../../support/bundles.ts';
import { finished, LAUNCH, runCli, startCli } from '../../support/cli.ts';
import { COFFEE, readSamples, SAMPLES } from '../../support/samples.ts';

const captioner = await loadCaptioner(DEFAULT_BUNDLE, { threads: 1 });
const COFFEE_ALT = altText((await captioner.caption(readFileSync(COFFEE))).captions[0]!.text);

/** A PNG of one pixel. */
const DOT = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGP4DwABAQEAsTj2FAAAAABJRU5ErkJggg==',
  'base64',
);

const temporary = temporaryDirectory();
after(() => temporary.dispose());

/** A site of one page with a photograph beside it. */
function siteOf(name: string, html: string | Buffer): { site: string; page: string } {
  const site = join(temporary.path, name);
  mkdirSync(join(site, 'img'), { recursive: true });
  copyFileSync(COFFEE, join(site, 'img/coffee.jpg'));
  const page = join(site, 'index.html');
  writeFileSync(page, html);
  return { site, page };
}

describe('alt --html', () => {
  it('fills in what is missing, and no other byte changes', async () => {
    const { site, page } = siteOf(
      'filled',
      '\ufeff<!DOCTYPE html>\r\n<IMG SRC=img/coffee.jpg>\r\n<!-- <img src=img/coffee.jpg> --><img src="img/coffee.jpg" alt="">\r\n<picture><source srcset=x.webp><img src="img/coffee.jpg?v=1" class="é"></picture>\n',
    );
    const { status, stdout, stderr } = await runCli(['alt', '--html', page]);
    assert.deepEqual([status, stderr], [0, '']);
    assert.equal(
      stdout,
      `${page}:2: img/coffee.jpg: ${COFFEE_ALT}\n${page}:4: img/coffee.jpg?v=1: ${COFFEE_ALT}\n`,
    );
    assert.equal(
      readFileSync(page, 'utf8'),
      `\ufeff<!DOCTYPE html>\r\n<IMG alt="${COFFEE_ALT}" SRC=img/coffee.jpg>\r\n<!-- <img src=img/coffee.jpg> --><img src="img/coffee.jpg" alt="">\r\n<picture><source srcset=x.webp><img alt="${COFFEE_ALT}" src="img/coffee.jpg?v=1" class="é"></picture>\n`,
    );
    assert.deepEqual(readdirSync(site), ['img', 'index.html']);
    assert.equal((await runCli(['alt', '--check', site])).status, 0);
  });

  it('names what it leaves alone, without failing', async () => {
    const html =
      '<img src="https://example.com/x.jpg"><img src="data:image/png;base64,AAAA"><img src=none.jpg><img src=../secret.jpg><img>';
    const { page } = siteOf('left', html);
    copyFileSync(COFFEE, join(temporary.path, 'secret.jpg'));
    const { ino } = statSync(page);
    const { status, stdout } = await runCli(['alt', '--json', '--html', page]);
    assert.equal(status, 0);
    assert.deepEqual(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line).skipped),
      ['remote', 'remote', 'missing', 'outside', 'no address'],
    );
    assert.equal(readFileSync(page, 'utf8'), html);
    assert.equal(statSync(page).ino, ino);
  });

  it('describes what a lazy loader shows, for the twin in noscript too, and no placeholder', async () => {
    const html = [
      '<img class="lazyload" src="img/blur.jpg" data-src="img/coffee.jpg">',
      '<noscript><img src="img/coffee.jpg"></noscript>',
      '<img src="img/blur.jpg" data-srcset="img/none.jpg 400w, img/coffee.jpg 800w">',
      '<img src="img/blur.jpg" data-src="https://example.com/x.jpg">',
      '<img src="img/blur.jpg" data-src="img/none.jpg">',
      '<img src="img/dot.png"><img src="img/blur.jpg" width="1" height="1">',
    ];
    const { site, page } = siteOf('lazy', html.join('\n'));
    copyFileSync(join(SAMPLES, 'raccoon.jpg'), join(site, 'img/blur.jpg'));
    writeFileSync(join(site, 'img/dot.png'), DOT);
    const { status, stdout, stderr } = await runCli(['alt', '--html', page]);
    assert.equal(status, 0);
    assert.equal(
      stdout,
      `${page}:1: img/coffee.jpg: ${COFFEE_ALT}\n${page}:2: img/coffee.jpg: ${COFFEE_ALT}\n${page}:3: img/none.jpg: ${COFFEE_ALT}\n`,
    );
    assert.match(
      stderr,
      /:4: https:.*: remote\n.*:5: img\/none.jpg: missing\n.*dot.png: a spacer.*\n.*blur.jpg: a spacer/,
    );
    html[0] = html[0]!.replace('>', ` alt="${COFFEE_ALT}">`);
    html[1] = html[1]!.replace('<img', `<img alt="${COFFEE_ALT}"`);
    html[2] = html[2]!.replace('>', ` alt="${COFFEE_ALT}">`);
    assert.equal(readFileSync(page, 'utf8'), html.join('\n'));
  });

  it('gives no second text where a template or a name gives one', async () => {
    const html =
      '<img src="img/coffee.jpg" {{ if .Alt }}alt="{{ .Alt }}"{{ end }}>\n<img src="img/coffee.jpg" :alt="x">\n<img src="img/coffee.jpg" aria-label="Coffee">\n<img src="{{ .Photo }}">\n<img src=img/coffee.jpg alt=" ">';
    const { page } = siteOf('templates', html);
    const { status, stdout, stderr } = await runCli(['alt', '--html', page]);
    assert.deepEqual([status, stdout], [0, '']);
    assert.match(
      stderr,
      /^[^\n]*:4: \{\{ \.Photo \}\}: left to the template[^\n]*\n[^\n]*:5: [^\n]*blank[^\n]*\n$/,
    );
    assert.equal(readFileSync(page, 'utf8'), html);
    const checked = await runCli(['alt', '--check', page]);
    assert.deepEqual([checked.status, checked.stdout], [5, `${page}:5: blank alt text: img/coffee.jpg\n`]);
  });

  it('leaves images without text whose caption needs review', async () => {
    const { page } = siteOf('doubtful', '<img src=img/coffee.jpg>');
    const { status, stdout, stderr } = await runCli(['alt', '--min-confidence', '1', '--html', page]);
    assert.equal(status, 0);
    assert.equal(stdout, `${page}:1: img/coffee.jpg: ${COFFEE_ALT}\n`);
    assert.match(stderr, /review/);
    assert.equal(readFileSync(page, 'utf8'), '<img src=img/coffee.jpg>');
  });

  it('goes as far as --root, which / means then', async () => {
    const { site } = siteOf('rooted', '');
    const page = join(site, 'blog/post.htm');
    mkdirSync(join(site, 'blog'));
    writeFileSync(page, '<img src=/img/coffee.jpg><img src=../img/coffee.jpg>');
    assert.equal((await runCli(['alt', '--root', site, '--html', page])).status, 0);
    assert.equal(readFileSync(page, 'utf8').split(`alt="${COFFEE_ALT}"`).length, 3);
    assert.equal((await runCli(['alt', '--root', join(site, 'none'), '--html', page])).status, 3);
  });

  it('fills in the others when an image is broken, and does the other pages when one is', async () => {
    const { site, page } = siteOf('broken', '<img src=img/text.jpg><img src=img/coffee.jpg>');
    writeFileSync(join(site, 'img/text.jpg'), 'no photograph');
    writeFileSync(join(site, 'a.html'), Buffer.from('\ufeff<img>', 'utf16le'));
    const { status, stdout, stderr } = await runCli(['alt', '--html', site, join(site, 'none.html')]);
    assert.equal(status, 3);
    assert.equal(stdout, `${page}:1: img/coffee.jpg: ${COFFEE_ALT}\n`);
    assert.match(
      stderr,
      /a\.html: InvalidRequest.*\n.*text\.jpg: UnsupportedImage.*\n.*none\.html: InvalidRequest/,
    );
    assert.equal(
      readFileSync(page, 'utf8'),
      `<img src=img/text.jpg><img alt="${COFFEE_ALT}" src=img/coffee.jpg>`,
    );
  });

  it('writes a page whole or not at all after Ctrl-C', async () => {
    const names = readSamples().map(({ name }) => name);
    const html = Array.from({ length: 40 }, (_, i) =>
      names.map((name) => `<img src="${i}-${name}">`).join(''),
    ).join('\n');
    const { site, page } = siteOf('interrupted', html);
    for (let i = 0; i < 40; i++)
      for (const name of names) copyFileSync(join(SAMPLES, name), join(site, `${i}-${name}`));
    const child = startCli(['alt', '--html', page]);
    const end = finished(child);
    await once(child.stdout!, 'data');
    child.kill('SIGINT');
    assert.equal((await end).status, 130);
    assert.equal(readFileSync(page, 'utf8'), html);
    assert.deepEqual(
      readdirSync(site).filter((name) => name.endsWith('.part')),
      [],
    );
  });
});

describe('alt --check', () => {
  it('lists pages, lines and addresses, and ends with a status of its own', async () => {
    const { site, page } = siteOf(
      'checked',
      `<img src=a alt=x>\n<img src="data:image/png;base64,${'A'.repeat(500)}">\n<img src="a\u001b[2Jb">`,
    );
    mkdirSync(join(site, 'deep/er'), { recursive: true });
    writeFileSync(join(site, 'deep/er/OLD.HTM'), '\n\n<img src=x>');
    writeFileSync(join(site, 'deep/notes.txt'), '<img src=x>');
    const { status, stdout } = await runCli(['alt', '--check', site]);
    assert.equal(status, 5);
    const lines = stdout.trimEnd().split('\n');
    assert.equal(lines[0], `${site}/deep/er/OLD.HTM:3: no alt text: x`);
    assert.match(lines[1]!, /index\.html:2: no alt text: data:.*…$/);
    assert.equal(lines[2], `${page}:3: no alt text: a [2Jb`);
    assert.equal(lines.length, 3);
    const json = await runCli(['alt', '--json', '--check', page]);
    assert.deepEqual(JSON.parse(json.stdout.split('\n')[1]!), {
      page,
      line: 3,
      src: 'a\u001b[2Jb',
      rule: 'image-alt',
    });
  });

  it('is content with names and hidden images, and asks for those of buttons and maps', async () => {
    const { page } = siteOf(
      'named',
      '<img src=a role=none>\n<img src=b title=x>\n<p aria-hidden=true><img src=c></p>\n<input type=image src=d>\n<map name=m><area href=e></map>\n<b role=img></b>',
    );
    const { status, stdout } = await runCli(['alt', '--json', '--check', page]);
    assert.equal(status, 5);
    assert.deepEqual(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
      [
        { page, line: 4, src: 'd', rule: 'input-image-alt' },
        { page, line: 5, src: 'e', rule: 'area-alt' },
        { page, line: 6, src: '', rule: 'role-img-alt' },
      ],
    );
  });

  it('goes on beside a directory that cannot be listed, through links and patterns', async (t) => {
    const root = process.getuid?.() === 0;
    const asNobody = root ? { uid: 65534, gid: 65534 } : {};
    if (process.platform === 'win32' || spawnSync('test', ['-r', LAUNCH], asNobody).status !== 0) {
      return t.skip('the user nobody cannot run this checkout');
    }
    const { site } = siteOf('private', '<img src=img/coffee.jpg>');
    const elsewhere = siteOf('linked', '<img src=img/coffee.jpg>');
    mkdirSync(join(site, 'locked'));
    symlinkSync(elsewhere.site, join(site, 'also'));
    for (const directory of [temporary.path, site, elsewhere.site]) chmodSync(directory, 0o755);
    chmodSync(join(site, 'locked'), 0);
    t.after(() => chmodSync(join(site, 'locked'), 0o755));
    const check = (args: string[]) => runCli(['alt', '--check', ...args], asNobody);
    const { status, stdout, stderr } = await check([site]);
    assert.equal(status, 3, stderr);
    assert.deepEqual(
      stdout.split('\n').map((line) => line.replace(/:.*/, '')),
      [join(site, 'also/index.html'), join(site, 'index.html'), ''],
    );
    assert.equal(stderr, `show-and-tell: ${site}/locked: InvalidRequest: permission denied\n`);
    const pattern = await check([join(site, '*.html')]);
    assert.equal(pattern.status, 5, pattern.stderr);
  });

  it('is content with pages that have all, and fails for those that it cannot read', async () => {
    const { site, page } = siteOf('content', '<img alt="">');
    assert.deepEqual(await runCli(['alt', '--check', page]), {
      status: 0,
      signal: null,
      stdout: '',
      stderr: '',
    });
    writeFileSync(join(site, 'bare.html'), '<img>');
    const { status } = await runCli(['alt', '--check', site, join(site, 'none.html'), join(site, 'img')]);
    assert.equal(status, 3);
  });
});
