/** What would be published, without onnxruntime in it; `test/full/package.ts` installs the whole. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { globSync, readFileSync, symlinkSync } from 'node:fs';
import { join, relative } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { stage } from '../../packaging/pack.ts';
import { inlinePage } from '../../src/http/page/inline-page.ts';
import type * as library from '../../src/index.ts';
import { readBundle } from '../../src/model/bundle.ts';
import { DEFAULT_BUNDLE, loadCaptioner } from '../../src/model/load.ts';
import { temporaryDirectory } from '../support/bundles.ts';
import { withoutTimings } from '../support/captions.ts';
import { COFFEE, ROOT } from '../support/samples.ts';

const { path: temporary, dispose } = temporaryDirectory();
const directory = join(temporary, 'package');
after(dispose);

describe('the package', () => {
  let files: string[];
  let json: Record<string, Record<string, string> | undefined>;
  before(async () => {
    await stage(directory);
    files = globSync('**/*', { cwd: directory });
    json = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
    // In place of what npm installs.
    symlinkSync(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
  });

  it('has no TypeScript but declarations, all of whose imports are there', () => {
    assert.deepEqual(
      files.filter((file) => /(?<!\.d)\.ts$/.test(file)),
      [],
    );
    const declarations = files.filter((file) => file.endsWith('.d.ts'));
    assert.ok(declarations.includes('dist/index.d.ts'));
    for (const file of declarations) {
      const source = readFileSync(join(directory, file), 'utf8');
      for (const [, path] of source.matchAll(/\bfrom '(\.[^']+)'/g)) {
        const target = join(file, '..', path!).replace(/\.js$/, '.d.ts');
        assert.ok(declarations.includes(target), `${file}: ${path}`);
      }
    }
  });

  it('has the default bundle, the page as one file, the texts', async () => {
    const bundle = relative(ROOT, DEFAULT_BUNDLE);
    const { manifest } = await readBundle(DEFAULT_BUNDLE);
    const parts = Object.values(manifest.files).flatMap((entry) => (entry ? [entry.path] : []));
    for (const file of ['manifest.json', 'manifest.json.sha256', ...parts])
      assert.ok(files.includes(join(bundle, file)), file);
    const photographs = ['health', 'coffee', 'giraffes'].map((name) => `dist/http/routes/${name}.jpg`);
    for (const file of ['README.md', 'LICENSE', 'CHANGELOG.md', ...photographs]) {
      assert.ok(files.includes(file), file);
    }
    assert.equal(
      readFileSync(join(directory, 'dist/http/page/page.html'), 'utf8'),
      await inlinePage(pathToFileURL(join(ROOT, 'src/http/page/page.html'))),
    );
    assert.ok(!files.some((file) => file.startsWith('models/training')));
  });

  it('asks for what its code imports, and runs no script when it is installed', () => {
    const { scripts, devDependencies, optionalDependencies, private: isPrivate, dependencies } = json;
    assert.deepEqual([scripts, devDependencies, optionalDependencies, isPrivate], Array(4).fill(undefined));
    for (const name of ['onnxruntime-node', 'sharp', 'hono', '@huggingface/hub', '@huggingface/tokenizers'])
      assert.ok(name in dependencies!, name);
    assert.deepEqual(
      Object.keys(dependencies!).filter((name) => name.startsWith('@aws-lambda-powertools')),
      [],
    );
  });

  it('captions, in its thread and over several', async () => {
    const { createPool, loadCaptioner: load } = (await import(
      pathToFileURL(join(directory, 'dist/index.js')).href
    )) as typeof library;
    const core = await loadCaptioner(DEFAULT_BUNDLE, { threads: 1 });
    const expected = withoutTimings(await core.caption(readFileSync(COFFEE)));
    for (const make of [load, () => createPool({ workers: 1 })]) {
      await using captioner = await make();
      assert.deepEqual(withoutTimings(await captioner.caption(COFFEE)), expected);
    }
  });

  it('has a program', () => {
    const launch = join(directory, json.bin!['show-and-tell']!);
    const stdout = execFileSync(process.execPath, [launch, 'caption', '--json', COFFEE], {
      encoding: 'utf8',
    });
    assert.ok(JSON.parse(stdout).captions.length > 0);
  });
});
