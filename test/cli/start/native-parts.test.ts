/** Machine code that is not there: of another system, or left out with optional packages. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { temporaryDirectory } from '../../support/bundles.ts';
import { finished } from '../../support/cli.ts';
import { COFFEE, ROOT } from '../../support/samples.ts';
import { copyApp } from './app-copy.ts';

const temporary = temporaryDirectory();
after(() => temporary.dispose());

function withoutSharp() {
  const app = copyApp(join(temporary.path, 'sharp'));
  // A real directory, since a link would be followed to the packages beside it.
  app.own('sharp', /^\/node_modules/);
  app.own('@img', /./);
  mkdirSync(app.installed('@img'), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules/@img/colour'), app.installed('@img/colour'));
  return app;
}

/** Its machine code is there, and no library that the system can load. */
function withDamagedOnnxruntime() {
  const app = copyApp(join(temporary.path, 'onnxruntime'));
  app.own('onnxruntime-node', /\/bin\//);
  const directory = app.installed(`onnxruntime-node/bin/napi-v6/${process.platform}/${process.arch}`);
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'onnxruntime_binding.node'), 'nothing that could be loaded');
  return app;
}

for (const [name, make] of [
  ['sharp', withoutSharp],
  ['onnxruntime-node', withDamagedOnnxruntime],
] as const) {
  describe(`without the machine code of ${name}`, () => {
    const app = make();
    const run = (...args: string[]) =>
      finished(spawn(process.execPath, [app.launch, ...args], { stdio: ['ignore', 'pipe', 'pipe'] }));

    for (const jobs of ['1', '2']) {
      it(`caption says so in one line, with --jobs ${jobs}`, async () => {
        const { status, stdout, stderr } = await run('caption', '--jobs', jobs, COFFEE, COFFEE);
        assert.match(stderr, new RegExp(`^show-and-tell: .*ModelUnusable: ${name}: .*npm ci.*\n$`));
        assert.deepEqual([status, stdout], [4, '']);
      });
    }

    it('serve says so in one line', async () => {
      const { status, stdout, stderr } = await run('serve', '--port', '0', '--workers', '1');
      assert.match(stderr, new RegExp(`^show-and-tell: ModelUnusable: ${name}: .*\n$`));
      assert.deepEqual([status, stdout], [4, '']);
    });

    for (const args of [['--help'], ['--version'], ['results', '--help'], ['run-bucket', '--help']]) {
      it(`${args.join(' ')} works`, async () => {
        const { status, stderr } = await run(...args);
        assert.deepEqual([status, stderr], [0, '']);
      });
    }

    it('run-bucket comes to what it is asked', async () => {
      const { status, stderr } = await run('run-bucket', '--bucket', 'photos');
      assert.match(stderr, /--state-machine: needed/);
      assert.equal(status, 2);
    });

    it('the library can be imported, and says so when it loads a model', async () => {
      const program = `
        const { loadCaptioner, ModelUnusable } = await import(${JSON.stringify(join(app.launch, '../../index.ts'))});
        const error = await loadCaptioner().then((captioner) => captioner.caption(${JSON.stringify(COFFEE)})).catch((e) => e);
        console.log(error instanceof ModelUnusable, error.problem.file);`;
      const args = ['--input-type=module', '--eval', program];
      const { stdout, stderr } = await finished(
        spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] }),
      );
      assert.equal(stdout, `true ${name}\n`, stderr);
    });
  });
}
