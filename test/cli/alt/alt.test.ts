import assert from 'node:assert/strict';
import { chmodSync, copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { altText } from '../../../src/alt/alt-text.ts';
import { DEFAULT_BUNDLE, loadCaptioner } from '../../../src/model/load.ts';
import { temporaryDirectory } from '../../support/bundles.ts';
import { runCli } from '../../support/cli.ts';
import { COFFEE } from '../../support/samples.ts';

const captioner = await loadCaptioner(DEFAULT_BUNDLE, { threads: 1 });
const {
  captions: [best],
  confidence,
} = await captioner.caption(readFileSync(COFFEE));
const COFFEE_ALT = altText(best!.text);

const temporary = temporaryDirectory();
after(() => temporary.dispose());
const at = (name: string) => join(temporary.path, name);

before(() => {
  chmodSync(temporary.path, 0o755);
  writeFileSync(at('text.jpg'), 'not a photograph');
});

describe('alt', () => {
  it('prints one text an image, and failures apart', async () => {
    const { status, stdout, stderr } = await runCli(['alt', COFFEE, at('text.jpg'), at('none.jpg')]);
    assert.equal(status, 3);
    assert.equal(stdout, `${COFFEE}: ${COFFEE_ALT}\n`);
    assert.match(stderr, /text\.jpg: UnsupportedImage: .*\n.*none\.jpg: ImageNotFound: .*\n$/);
  });

  it('prints a table that holds every outcome', async () => {
    const odd = at('a, "b".jpg');
    copyFileSync(COFFEE, odd);
    const { status, stdout } = await runCli(['alt', '--csv', odd, at('none.jpg')]);
    assert.equal(status, 3);
    const [header, first, second, end] = stdout.split('\r\n');
    assert.equal(header, 'image,alt,probability,caption,confidence,code,message');
    assert.equal(
      first,
      `"${odd.replaceAll('"', '""')}",${COFFEE_ALT},${best!.probability},${best!.text},${confidence},,`,
    );
    assert.ok(second!.startsWith(`${at('none.jpg')},,,,,ImageNotFound,`));
    assert.equal(end, '');
  });

  it('prints a table that a spreadsheet opens without running anything', async () => {
    const names = ['=1+1.jpg', '+1.jpg', '-1.jpg', '@a.jpg', '\t=1.jpg', '\r=1.jpg'];
    for (const name of names) writeFileSync(at(name), 'not a photograph');
    const { stdout } = await runCli(['alt', '--csv', '--', ...names], { cwd: temporary.path });
    for (const name of names) assert.ok(stdout.includes(`\r\n"'${name}",,,,,UnsupportedImage,`), name);
  });

  it('prints JSON lines, from standard input too and with options of the search', async () => {
    const { status, stdout } = await runCli(['alt', '--json', '--ban', 'dog', '-'], {
      input: readFileSync(COFFEE),
    });
    assert.equal(status, 0);
    const line = JSON.parse(stdout);
    assert.equal(line.image, '-');
    assert.equal(line.alt, altText(line.caption));
    assert.doesNotMatch(line.caption, /\bdog\b/);
    assert.ok(line.probability > 0 && line.probability < 1);
    assert.equal(line.model.name, captioner.model.name);
  });

  it('refuses flags that contradict each other, or what they say', async () => {
    for (const args of [[], [COFFEE, '--csv', '--json'], [COFFEE, '--beam', '0']]) {
      const { status, stdout } = await runCli(['alt', ...args]);
      assert.deepEqual([status, stdout], [2, ''], args.join(' '));
    }
  });

  it('says in its help how to use it', async () => {
    const { status, stdout } = await runCli(['alt', '--help']);
    assert.equal(status, 0);
    for (const part of ['Examples:', '--write-xmp', '--html', '--check', 'Exit status:']) {
      assert.ok(stdout.includes(part), part);
    }
  });
});
